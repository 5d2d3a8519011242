"""Who is tried next, when, and what is said of it."""

import pytest

from channels import channel as channels
from channels.breaker import OPENS_AFTER, PAUSE_SECONDS
from channels.channel import Channel
from libs.channels.tests.builders import NUMBER, carrier, new_key, outgoing


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make(outside, clock):
    def channel(*names: str, urgent: bool = False) -> Channel:
        every = [carrier(outside.twilio_url(name)) for name in names or ("phone_a", "phone_b")]
        return Channel(every, urgent=urgent, clock=clock)

    return channel


def send(channel: Channel, key: str | None = None, to: str = NUMBER):
    return channel.send(outgoing(to), key=key or new_key())


def whose(outside) -> list[str]:
    return [one["provider"] for one in outside.accepted()]


def test_the_first_provider_has_it_while_it_is_well(make, outside):
    outcome = send(make())
    assert (outcome.is_accepted, outcome.provider) == (
        True,
        f"127.0.0.1:{outside.ports['phone_a']}",
    )
    assert whose(outside) == ["phone_a"]


@pytest.mark.parametrize("fault", [{"refuse": 429}, {"refuse": 500}, {"down": True}])
def test_the_next_one_is_tried_at_once_when_one_refuses_for_now(make, outside, fault):
    outside.fail("phone_a", **fault)
    outcome = send(make())
    assert (outcome.is_accepted, outcome.may_repeat) == (True, False)
    assert whose(outside) == ["phone_b"]


def test_a_number_that_is_none_for_one_provider_is_not_shown_to_the_next(make, outside):
    outside.fail("phone_a", refuse=400, said=21211)
    outcome = send(make())
    assert (outcome.code, outcome.permanent) == ("bad_number", True)
    assert outside.accepted() == []


def test_what_may_have_gone_is_not_given_to_another_provider(make, outside):
    """Planted fault: failover after any failure, so that two companies deliver the same text."""
    outside.fail("phone_a", lose_reply=True)
    outcome = send(make())
    assert (outcome.result, outcome.may_repeat) == ("unknown", True)
    assert whose(outside) == ["phone_a"]


def test_what_is_urgent_goes_on_to_the_next_provider_and_says_that_it_may_repeat(
    make, outside, monkeypatch
):
    """Planted fault: the second provider's acceptance in place of both outcomes."""
    monkeypatch.setattr(channels, "DEADLINE_SECONDS", 0.7)
    for fault in ({"lose_reply": True}, {"hang": "answer"}):
        outside.fail("phone_a", **fault)
        outcome = send(make(urgent=True))
        assert (outcome.is_accepted, outcome.may_repeat) == (True, True)
    assert whose(outside) == ["phone_a", "phone_b"] * 2


def test_what_is_urgent_goes_on_after_a_permanent_refusal_too(make, outside):
    outside.fail("phone_a", refuse=400, said=21610)
    assert send(make(urgent=True)).is_accepted
    assert whose(outside) == ["phone_b"]


def test_a_lost_reply_is_remembered_when_everybody_else_refuses(make, outside):
    outside.fail("phone_a", lose_reply=True)
    outside.fail("phone_b", refuse=503)
    outcome = send(make(urgent=True))
    assert (outcome.result, outcome.code, outcome.may_repeat) == ("refused", "http_503", True)


def test_who_fails_in_a_row_is_left_alone_and_then_tried_once(make, outside, clock):
    """Planted fault: a breaker that is asked and never told."""
    outside.fail("phone_a", refuse=503)
    channel = make()
    for _ in range(OPENS_AFTER):
        assert send(channel).is_accepted
    outside.fail("phone_a")
    assert send(channel).provider.endswith(str(outside.ports["phone_b"]))
    clock.seconds += PAUSE_SECONDS
    assert send(channel).provider.endswith(str(outside.ports["phone_a"]))
    assert send(channel).provider.endswith(str(outside.ports["phone_a"]))


def test_with_all_breakers_open_nobody_is_asked(make, outside):
    outside.fail("phone_a", refuse=503)
    channel = make("phone_a")
    for _ in range(OPENS_AFTER):
        assert send(channel).code == "http_503"
    outside.fail("phone_a")
    outcome = send(channel)
    assert (outcome.result, outcome.code, outcome.permanent) == ("refused", "breaker_open", False)
    assert outside.accepted() == []


def test_what_is_urgent_is_tried_rather_than_not_sent(make, outside):
    """Planted fault: a breaker that keeps a page back although nobody else is there to send it."""
    outside.fail("phone_a", refuse=503)
    channel = make("phone_a", urgent=True)
    for _ in range(OPENS_AFTER + 1):
        assert send(channel).code == "http_503"
    outside.fail("phone_a")
    assert send(channel).is_accepted


def test_bad_numbers_open_no_breaker(make, outside):
    channel = make("phone_a")
    for _ in range(OPENS_AFTER + 1):
        assert send(channel, to="nobody").code == "bad_number"
    assert send(channel).is_accepted


def test_what_was_called_off_is_not_given_to_anybody_else(make, outside):
    asked = []
    channel = make(urgent=True)
    outcome = channel.send(outgoing(NUMBER), key="1", may_go=lambda: bool(asked.append(1)))
    assert (outcome.code, len(asked)) == ("called_off", 1)
    assert outside.accepted() == []
