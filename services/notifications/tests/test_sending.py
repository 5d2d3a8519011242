"""From a planned message to a mail in somebody's box, over a real mail server."""

import io
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import eventlet
import pytest
import sqlalchemy as sa

from catalogue.notifications import MessageSent, MessageSkipped
from channels.channel import Channel
from chassis import logs
from evenkeel_ops.providers.running import providers
from notifications.messages import LEASE, claim_due, held
from notifications.sending import send_due
from notifications.wishes import prefer
from services.notifications.tests.builders import (
    STARTS_AT,
    Person,
    announced,
    by_mail,
    hear,
    keep_address,
    message,
    queue,
    reachable,
)

ROOT = Path(__file__).resolve().parents[3]
HOUR = timedelta(hours=1)


@pytest.fixture
def person(database, vault) -> Person:
    """Somebody whom nothing keeps from being written to."""
    one = Person()
    reachable(database, vault, one)
    return one


@pytest.fixture
def send(database, vault, post):
    """Send what is due until nothing is."""

    def run(channels: dict[str, Channel] = post) -> None:
        while send_due(database, vault, channels):
            pass

    return run


def look(database, message_id):
    one = message(database, message_id)
    return one.state, one.reason


def test_a_message_is_sent_once_in_discreet_words(database, clock, person, mail, send):
    message_id = queue(database, person)
    send()
    assert mail.accepted() == []
    clock.advance_to(STARTS_AT - HOUR)
    send()
    send()
    (accepted,) = mail.accepted()
    assert accepted["key"] == f"{message_id}@evenkeel"
    assert (accepted["to"], accepted["subject"]) == (person.address, "Reminder")
    assert accepted["text"].strip() == "You have an appointment at 9:00 AM."
    one = message(database, message_id)
    assert (one.state, one.attempts, one.sent_at, one.consent_version) == (
        "sent", 1, clock.now(), "2026-01",
    )  # fmt: skip
    (told,) = announced(database)
    assert isinstance(told, MessageSent)
    assert (told.message_id, told.recipient_id, told.channel) == (message_id, person.id, "email")


def test_a_seat_is_told_with_its_day(database, person, mail, send):
    queue(database, person, "seat_offered")
    send()
    (accepted,) = mail.accepted()
    assert accepted["text"].strip() == (
        "You have an appointment on Tuesday, December 1 at 9:00 AM."
    )


def test_everybody_is_written_to_in_the_language_of_their_newest_details(
    database, vault, clock, mail, send
):
    """Planted fault: the language of the first details would have the second mail in English."""
    person = Person()
    reachable(database, vault, person)
    queue(database, person, "seat_offered")
    send()
    person.language = "es"
    hear(database, person.changes_details(2))
    keep_address(database, vault, person, version=2)
    queue(database, person, "seat_offered")
    send()
    assert [one["subject"] for one in mail.accepted()] == ["Your appointment", "Su cita"]
    assert mail.accepted()[-1]["text"].strip() == (
        "Tiene una cita el martes 1 de diciembre, hora: 9:00 a. m."
    )


@pytest.mark.parametrize("how", ["never_given", "taken_back", "discharged", "opted_out"])
def test_nobody_is_written_to_whose_consent_does_not_hold_at_the_moment_of_sending(
    database, clock, person, mail, send, how
):
    """Planted fault: asking when the message is planned lets the last three through."""
    if how == "never_given":
        person = Person()
        hear(database, person.changes_details())
    message_id = queue(database, person)
    if how == "taken_back":
        hear(database, person.consents())
    elif how == "discharged":
        hear(database, person.is_discharged())
    elif how == "opted_out":
        _opt_out(database, person)
    clock.advance_to(STARTS_AT - HOUR)
    send()
    reason = "opted_out" if how == "opted_out" else "no_consent"
    assert look(database, message_id) == ("skipped", reason)
    assert mail.accepted() == []
    (told,) = announced(database)
    assert isinstance(told, MessageSkipped)
    assert told.reason == reason


def _opt_out(database, person) -> None:
    with database.work() as db:
        prefer(db, person.id, {"email": False}, own=True, by="t")


def test_consent_taken_back_between_two_attempts_stops_the_next_one(
    database, vault, clock, person, mail, send
):
    message_id = queue(database, person, "seat_offered")
    send(by_mail(clock, "smtp://127.0.0.1:1"))
    assert look(database, message_id) == ("queued", "unreachable")
    hear(database, person.consents())
    clock.advance_to(clock.now() + timedelta(seconds=30))
    send()
    assert look(database, message_id) == ("skipped", "no_consent")
    assert mail.accepted() == []


def test_a_message_in_quiet_hours_waits_for_the_morning_in_the_same_row(
    database, clock, person, mail, send
):
    evening = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)  # ten in the evening in New York
    clock.advance_to(evening)
    message_id = queue(database, person, "seat_offered")
    send()
    put_off = message(database, message_id)
    assert (put_off.state, put_off.reason, put_off.attempts) == ("queued", "quiet_hours", 0)
    assert put_off.not_before == datetime(2026, 11, 25, 13, 0, tzinfo=UTC)
    assert mail.accepted() == []
    clock.advance_to(put_off.not_before)
    send()
    assert [one["key"] for one in mail.accepted()] == [f"{message_id}@evenkeel"]


def test_the_reminder_of_an_early_day_passes_quiet_hours(database, clock, person, mail, send):
    starts_at = datetime(2026, 12, 1, 12, 30, tzinfo=UTC)  # half past seven in New York
    message_id = queue(database, person, "day_is_near", about_at=starts_at)
    clock.advance_to(starts_at - timedelta(minutes=10))
    send()
    assert look(database, message_id) == ("sent", None)


def test_what_would_be_over_by_the_morning_is_not_sent_at_all(database, clock, person, mail, send):
    due_at = datetime(2026, 12, 2, 4, 30, tzinfo=UTC)  # half past eleven in the evening
    message_id = queue(database, person, "homework_due", about_at=due_at)
    clock.advance_to(due_at - 2 * HOUR)
    send()
    assert look(database, message_id) == ("skipped", "quiet_hours")
    assert mail.accepted() == []


def test_what_has_lost_its_purpose_is_skipped(database, clock, person, mail, send):
    message_id = queue(database, person)
    clock.advance_to(STARTS_AT)
    send()
    assert look(database, message_id) == ("skipped", "too_late")
    assert mail.accepted() == []


def test_a_message_waits_for_an_address_that_is_on_its_way(database, vault, clock, mail, send):
    late = Person()
    hear(database, late.consents("email"))
    message_id = queue(database, late, "seat_offered")
    send()
    assert look(database, message_id) == ("queued", "waits_for_zone")
    hear(database, late.changes_details())
    clock.advance_to(clock.now() + timedelta(seconds=5))
    send()
    assert look(database, message_id) == ("queued", "waits_for_address")
    keep_address(database, vault, late)
    clock.advance_to(message(database, message_id).not_before)
    send()
    assert look(database, message_id) == ("sent", None)
    assert message(database, message_id).attempts == 1


def test_a_replaced_address_is_not_written_to(database, vault, clock, person, mail, send):
    """Planted fault: taking whatever address is at hand writes to one that may be unsafe."""
    message_id = queue(database, person, "seat_offered")
    hear(database, person.changes_details(version=2))
    send()
    assert look(database, message_id) == ("queued", "waits_for_address")
    person.address = "safe@post.example"
    keep_address(database, vault, person, version=2)
    clock.advance_to(message(database, message_id).not_before)
    send()
    assert [one["to"] for one in mail.accepted()] == ["safe@post.example"]


def test_somebody_without_an_address_is_skipped(database, vault, clock, send):
    person = Person()
    person.address = ""
    reachable(database, vault, person)
    message_id = queue(database, person, "seat_offered")
    send()
    assert look(database, message_id) == ("skipped", "no_address")


def test_details_that_were_erased_are_never_used(database, vault, clock, person, mail, send):
    message_id = queue(database, person, "seat_offered")
    with database.work() as db:
        vault.erase(db, person.id)
    send()
    assert look(database, message_id) == ("queued", "waits_for_address")
    assert mail.accepted() == []


def test_a_mail_server_that_comes_back_gets_every_message_once(
    database, vault, clock, mail_directory
):
    people = [Person() for _ in range(12)]
    for one in people:
        reachable(database, vault, one)
    ids = {str(queue(database, one, "seat_offered")) for one in people}
    with providers(mail_directory, refuse=451) as refusing:
        channel = by_mail(clock, refusing.smtp_url())
        while send_due(database, vault, channel):
            pass
        port = refusing.ports["mail_a"]
    with providers(mail_directory, mail_port=port) as accepting:
        for _ in range(2):  # one tries whether the server is well, then all others follow
            clock.advance_to(clock.now() + timedelta(seconds=30))
            while send_due(database, vault, channel):
                pass
        accepted = [one["key"].removesuffix("@evenkeel") for one in accepting.accepted()]
    assert sorted(accepted) == sorted(ids)


def test_a_permanent_refusal_ends_it_and_leaves_a_code_only(database, vault, clock, mail_directory):
    """The address is a canary: it must be in no row, no event and no line of the log."""
    person = Person()
    person.address = "canary-7f3k@post.example"
    reachable(database, vault, person)
    message_id = queue(database, person, "seat_offered")
    written = io.StringIO()
    logs.configure(stream=written)
    with providers(mail_directory, refuse=550) as refusing:
        send_due(database, vault, by_mail(clock, refusing.smtp_url()))
    logs.configure()
    assert look(database, message_id) == ("failed", "smtp_550")
    assert "canary" not in written.getvalue() + _every_row(database)


def _every_row(database) -> str:
    with database.work() as db:
        names = sa.inspect(db.connection()).get_table_names()
        return str([db.execute(sa.text(f'SELECT * FROM "{name}"')).all() for name in names])


def test_one_message_that_cannot_be_written_stops_no_other(database, vault, clock, mail, send):
    broken = Person(zone="America/Nowhere")
    sound = Person()
    for one in (broken, sound):
        reachable(database, vault, one)
    first, second = (queue(database, one, "seat_offered") for one in (broken, sound))
    written = io.StringIO()
    logs.configure(stream=written)
    send()
    logs.configure()
    assert look(database, first) == ("queued", "fault")
    assert message(database, first).not_before == clock.now() + timedelta(seconds=30)
    assert look(database, second) == ("sent", None)
    assert "letter_not_written" in written.getvalue()
    assert "Nowhere" not in written.getvalue()


def test_a_sender_that_was_stopped_past_its_lease_writes_nothing(
    database, vault, clock, person, mail, post
):
    """Its mail may have gone out twice, under one Message-ID; its row counts once."""
    message_id = queue(database, person, "seat_offered")
    with database.work() as db:
        (stopped,) = claim_due(db, 10)
    clock.advance_to(clock.now() + LEASE)
    assert not send_due(database, vault, post)
    with database.work() as db:
        assert held(db, stopped) is None
    one = message(database, message_id)
    assert (one.state, one.may_repeat, one.fence) == ("sent", True, 2)
    assert [type(told) for told in announced(database)] == [MessageSent]


def test_a_process_killed_between_accepted_and_recorded_repeats_the_same_message_id(
    database, urls, vault_key, clock, person, mail_directory
):
    """SIGKILL to a real process after the server has the message and before we know it.

    Planted fault: a Message-ID made for each attempt, with which no reader could drop the repeat.
    """
    message_id = queue(database, person, "seat_offered")
    with providers(mail_directory, hang="answer") as silent:
        first = _start_sending(urls, vault_key, silent, clock.now())
        with eventlet.Timeout(60):
            while not silent.accepted():
                eventlet.sleep(0.02)
        first.send_signal(signal.SIGKILL)
        assert first.wait() == -signal.SIGKILL
    assert look(database, message_id) == ("sending", None)
    clock.advance_to(clock.now() + LEASE)
    with providers(mail_directory) as accepting:
        assert _start_sending(urls, vault_key, accepting, clock.now()).wait() == 0
        accepted = accepting.accepted()
    assert [one["key"] for one in accepted] == [f"{message_id}@evenkeel"] * 2
    one = message(database, message_id)
    assert (one.state, one.may_repeat, one.fence) == ("sent", True, 2)
    assert [type(told) for told in announced(database)] == [MessageSent]


def _start_sending(urls, key: bytes, server, now: datetime) -> subprocess.Popen:
    program = "services.notifications.tests.sending_process"
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        program,
        urls.work,
        key.hex(),
        server.smtp_url(),
    ]
    return subprocess.Popen([*command, now.isoformat()], cwd=ROOT)
