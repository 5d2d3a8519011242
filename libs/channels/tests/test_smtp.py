"""One attempt against a real server: what comes of it, and that none takes longer than it may."""

import socket
import time

import eventlet
import pytest

from evenkeel_ops.providers.running import providers
from libs.channels.tests.builders import (
    ADDRESS,
    SENDER,
    TEXT,
    always,
    mail_server,
    new_key,
    outgoing,
    speaking,
)


def sent(url: str, to: str = ADDRESS, *, key: str = "1", seconds: float = 5.0, may_go=always):
    return mail_server(url).send(outgoing(to), key=key, seconds=seconds, may_go=may_go)


def test_an_accepted_letter_carries_its_key_and_nothing_of_this_machine(outside):
    key = new_key()
    outcome = sent(outside.smtp_url(), key=key)
    assert (outcome.result, outcome.reference) == ("accepted", f"{key}@evenkeel")
    (accepted,) = outside.accepted()
    assert accepted["key"] == f"{key}@evenkeel"
    assert (accepted["to"], accepted["sender"]) == (ADDRESS, SENDER)
    assert (accepted["subject"], accepted["text"].strip()) == ("Reminder", TEXT)
    assert socket.gethostname() not in str(accepted)


@pytest.mark.parametrize("name", ["", "Lantern House", "Casa Mañana"])
def test_a_letter_shows_the_name_of_its_sender_if_it_was_given_one(name):
    letter = mail_server("smtp://127.0.0.1")._letter(outgoing(sender_name=name), "1")
    (shown,) = letter["From"].addresses
    assert (shown.display_name, shown.addr_spec) == (name, SENDER)


@pytest.mark.parametrize(("code", "final"), [(451, False), (421, False), (550, True), (552, True)])
def test_a_refusal_is_known_by_its_code_and_only_a_permanent_one_is_final(tmp_path, code, final):
    with providers(tmp_path, refuse=code) as outside:
        outcome = sent(outside.smtp_url())
        assert outside.accepted() == []
    assert (outcome.result, outcome.code) == ("refused", f"smtp_{code}")
    assert (outcome.permanent, outcome.may_repeat) == (final, False)


def test_a_server_that_is_down_is_unreachable(outside):
    outside.fail("mail_a", down=True)
    outcome = sent(outside.smtp_url())
    assert (outcome.result, outcome.code, outcome.may_repeat) == ("refused", "unreachable", False)


@pytest.mark.parametrize("fault", [{"hang": "message"}, {"hang": "answer"}, {"drip": True}])
def test_a_server_that_never_answers_costs_the_deadline_and_may_have_taken_the_letter(
    tmp_path, fault
):
    with providers(tmp_path, **fault) as outside:
        began = time.monotonic()
        outcome = sent(outside.smtp_url(), seconds=0.5)
        assert time.monotonic() - began < 5
    assert (outcome.result, outcome.code, outcome.may_repeat) == ("unknown", "deadline", True)


def test_a_letter_that_was_called_back_does_not_go(outside):
    """Planted fault: `may_go` asked before connecting, which may take as long as the lease."""
    outcome = sent(outside.smtp_url(), may_go=lambda: False)
    assert (outcome.result, outcome.code) == ("refused", "called_off")
    assert outside.accepted() == []


def test_a_reply_that_was_lost_leaves_it_unknown_and_the_same_key_tells_the_repetition(tmp_path):
    with providers(tmp_path, lose_reply=True) as outside:
        assert sent(outside.smtp_url(), key="7").result == "unknown"
        outside.fail("mail_a")
        assert sent(outside.smtp_url(), key="7").is_accepted
        assert [one["key"] for one in outside.accepted()] == ["7@evenkeel"] * 2


def test_with_a_server_that_knows_the_key_a_repetition_is_delivered_once(tmp_path):
    with providers(tmp_path, lose_reply=True, forgetful=False) as outside:
        assert sent(outside.smtp_url(), key="7").result == "unknown"
        outside.fail("mail_a", forgetful=False)
        assert sent(outside.smtp_url(), key="7").is_accepted
        assert len(outside.delivered()) == 1


def test_a_server_that_turns_us_away_at_the_door_is_tried_again():
    port = speaking([b"554 no service here\r\n"])
    outcome = sent(f"smtp://127.0.0.1:{port}", seconds=2)
    assert (outcome.code, outcome.permanent) == ("smtp_554", False)


def test_a_lost_goodbye_does_not_undo_an_acceptance():
    port = speaking([
        b"220 here\r\n", b"250 here\r\n", b"250 sender\r\n", b"250 recipient\r\n",
        b"354 go on\r\n", b"250 accepted\r\n",
    ])  # fmt: skip
    outcome = sent(f"smtp://127.0.0.1:{port}", seconds=5)
    assert outcome.is_accepted


def test_a_server_that_offers_tls_and_cannot_prove_itself_gets_nothing():
    """Planted fault: going on in the clear when STARTTLS fails hands over the address."""
    heard: list[bytes] = []
    lines = [b"220 here\r\n", b"250-here\r\n250 STARTTLS\r\n", b"220 go on\r\n", b"no handshake"]
    port = speaking(lines, heard=heard)
    outcome = sent(f"smtp://127.0.0.1:{port}", seconds=5)
    assert outcome.code == "unreachable"
    assert b"STARTTLS" in b"".join(heard)
    assert b"post.example" not in b"".join(heard)


def test_a_server_that_must_offer_tls_and_does_not_gets_nothing(outside):
    """Planted fault: STARTTLS only when it is offered, which anybody in between can take away."""
    outcome = sent(f"smtp+starttls://127.0.0.1:{outside.ports['mail_a']}")
    assert (outcome.result, outcome.permanent, outcome.code) == ("refused", False, "not_supported")
    assert outside.accepted() == []


@pytest.mark.parametrize(
    "address", ["", "nobody", "a b@c.example", "a@b.example\r\nBcc: c@d.example"]
)
def test_what_is_no_address_is_never_tried(outside, address):
    outcome = sent(outside.smtp_url(), address)
    assert (outcome.code, outcome.permanent) == ("bad_address", True)
    assert outside.accepted() == []


def test_other_greenlets_go_on_while_a_server_hangs(tmp_path):
    """Planted fault: a blocking socket would stop the hub, and nothing would be counted."""
    counted = []
    with providers(tmp_path, hang="message") as outside:
        attempt = eventlet.spawn(sent, outside.smtp_url(), seconds=0.5)
        while not attempt.dead:
            counted.append(1)
            eventlet.sleep(0)
    assert len(counted) > 10
