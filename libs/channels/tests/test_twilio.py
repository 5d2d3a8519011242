"""Text messages and calls, handed to a telephone company and refused by it."""

import pytest

from libs.channels.tests.builders import (
    NUMBER,
    TEXT,
    always,
    carrier,
    new_key,
    outgoing,
    speaking,
    twilio_url,
)


def sent(url: str, to: str = NUMBER, *, channel="sms", key="1", seconds=5.0, may_go=always):
    one = carrier(url, channel)
    return one.send(outgoing(to), key=key, seconds=seconds, may_go=may_go)


def test_a_text_is_accepted_under_the_companys_own_reference(outside):
    key = new_key()
    outcome = sent(outside.twilio_url(), key=key)
    (accepted,) = outside.accepted()
    assert (outcome.result, outcome.reference) == ("accepted", accepted["reference"])
    assert (accepted["channel"], accepted["key"]) == ("sms", key)
    assert (accepted["to"], accepted["text"]) == ("+12125550144", TEXT)
    assert accepted["sender"] == "+12025550100"


def test_a_call_reads_the_text_aloud_whatever_it_holds(outside):
    one = carrier(outside.twilio_url(), "voice")
    text = "T1 <urgent> & open"
    assert one.send(outgoing(NUMBER, text=text), key="1", seconds=5, may_go=always).is_accepted
    (accepted,) = outside.accepted()
    assert accepted["channel"] == "voice"
    assert accepted["text"] == "<Response><Say>T1 &lt;urgent&gt; &amp; open</Say></Response>"


@pytest.mark.parametrize(
    "number", ["", "nobody", "212 555 0144", "+0 123 456 789", "+1212555014\n4"]
)
def test_what_is_no_number_is_never_tried(outside, number):
    outcome = sent(outside.twilio_url(), number)
    assert (outcome.code, outcome.permanent) == ("bad_number", True)
    assert outside.accepted() == []


@pytest.mark.parametrize(
    ("fault", "code", "permanent", "later"),
    [
        ({"refuse": 400, "said": 21211}, "bad_number", True, None),
        ({"refuse": 400, "said": 21610}, "opted_out", True, None),
        ({"refuse": 400, "said": 21602}, "http_400", False, None),
        ({"refuse": 404}, "http_404", False, None),
        ({"refuse": 429, "retry_after": 17}, "http_429", False, 17.0),
        ({"refuse": 503, "retry_after": 2}, "http_503", False, 2.0),
        ({"refuse": 500}, "http_500", False, None),
    ],
)
def test_only_what_is_wrong_with_the_number_is_permanent(outside, fault, code, permanent, later):
    """Planted fault: every 4xx final, so that a lapsed account loses all messages for good."""
    outside.fail("phone_a", **fault)
    outcome = sent(outside.twilio_url())
    assert (outcome.result, outcome.code, outcome.permanent) == ("refused", code, permanent)
    assert (outcome.retry_after_seconds, outcome.may_repeat) == (later, False)


def test_a_wrong_token_is_no_fault_of_the_number(outside):
    outcome = sent(outside.twilio_url().replace("token-of", "no-token-of"))
    assert (outcome.code, outcome.permanent) == ("http_401", False)


@pytest.mark.parametrize("status", [502, 504])
def test_a_gateway_that_gives_up_may_have_passed_it_on(outside, status):
    outside.fail("phone_a", refuse=status)
    outcome = sent(outside.twilio_url())
    assert (outcome.result, outcome.code) == ("unknown", f"http_{status}")


def test_a_company_that_is_down_is_unreachable(outside):
    outside.fail("phone_a", down=True)
    assert sent(outside.twilio_url()).code == "unreachable"
    outside.fail("phone_a")
    assert sent(outside.twilio_url()).is_accepted


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"hang": "answer"}, "deadline"),
        ({"drip": True}, "deadline"),
        ({"lose_reply": True}, "cut_off"),
    ],
)
def test_a_lost_reply_leaves_it_unknown_and_the_same_key_makes_one_delivery(outside, fault, code):
    """Planted fault: no Idempotency-Key, or another at each attempt."""
    outside.fail("phone_a", **fault)
    first = sent(outside.twilio_url(), key="7", seconds=0.7)
    assert (first.result, first.code, first.may_repeat) == ("unknown", code, True)
    outside.fail("phone_a")
    again = sent(outside.twilio_url(), key="7")
    (delivered,) = outside.delivered()
    assert again.reference == delivered["reference"]


def test_a_company_that_knows_no_keys_delivers_a_repetition_and_we_said_that_it_might(outside):
    outside.fail("phone_a", lose_reply=True, forgetful=True)
    assert sent(outside.twilio_url(), key="7").may_repeat
    outside.fail("phone_a", forgetful=True)
    assert sent(outside.twilio_url(), key="7").is_accepted
    assert len(outside.delivered()) == 2


def test_a_text_that_was_called_back_does_not_go(outside):
    """Planted fault: `may_go` asked before connecting, which may take as long as the lease."""
    outcome = sent(outside.twilio_url(), may_go=lambda: False)
    assert (outcome.result, outcome.code) == ("refused", "called_off")
    assert outside.accepted() == []


@pytest.mark.parametrize("body", [b"", b"[]", b'{"sid": 7}', b"no json", b"[" * 60_000])
def test_a_reply_that_says_nothing_leaves_it_unknown(body):
    head = b"HTTP/1.1 201 Created\r\nContent-Length: %d\r\n\r\n" % len(body)
    outcome = sent(twilio_url(speaking([head + body])))
    assert (outcome.result, outcome.code) == ("unknown", "unreadable_reply")


def test_a_redirect_is_not_followed(outside):
    to = outside.twilio_url().partition("://")[2]
    head = f"HTTP/1.1 307 Elsewhere\r\nLocation: http://{to}\r\nContent-Length: 0\r\n\r\n"
    assert sent(twilio_url(speaking([head.encode()]))).code == "http_307"
    assert outside.accepted() == []
