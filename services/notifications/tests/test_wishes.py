"""What people wish holds at once, also for what is waiting."""

from datetime import UTC, datetime, time, timedelta

import pytest

from notifications.messages import claim_due, held
from notifications.purposes import CHANNELS
from notifications.recipients import find_recipient
from notifications.sending import send_due
from notifications.wishes import choose, prefer, start, stop
from services.notifications.tests.builders import (
    STARTS_AT,
    Person,
    hear,
    message,
    queue,
    reachable,
)

HOUR = timedelta(hours=1)


@pytest.fixture
def person(database, vault) -> Person:
    one = Person()
    reachable(database, vault, one)
    return one


def look(database, message_id):
    one = message(database, message_id)
    return one.state, one.reason


def with_recipient(database, person, act, *given):
    with database.work() as db:
        return act(db, find_recipient(db, person.id), *given, by=f"participant:{person.id}")


@pytest.mark.parametrize("how", ["wishes", "page", "reply"])
def test_what_is_queued_is_withdrawn_the_moment_somebody_wants_no_more(database, person, how):
    """Planted fault: an opt-out that is asked about only when a message is sent leaves it queued,
    and a start before that moment would let it go."""
    message_id = queue(database, person)
    if how == "wishes":
        with database.work() as db:
            prefer(db, person.id, {"email": False}, own=True, by="t")
    elif how == "page":
        with_recipient(database, person, choose, [])
    else:
        with_recipient(database, person, stop, CHANNELS)
    assert look(database, message_id) == ("skipped", "opted_out")


def test_only_the_purpose_that_was_unticked_is_withdrawn(database, person):
    kept, gone = queue(database, person), queue(database, person, "homework_due")
    with_recipient(database, person, choose, [("days", "email")])
    assert look(database, kept)[0] == "queued"
    assert look(database, gone) == ("skipped", "opted_out")


def test_a_message_that_another_channel_may_still_carry_stays(database, vault):
    """Texts were stopped, e-mail was agreed to: what waits goes by e-mail."""
    person = Person()
    hear(database, person.consents("email", "days.sms"))
    message_id = queue(database, person)
    with_recipient(database, person, stop, ["sms"])
    assert look(database, message_id)[0] == "queued"


def test_a_message_that_is_being_sent_is_not_tried_again(database, clock, person):
    message_id = queue(database, person)
    clock.advance_to(STARTS_AT - HOUR)
    with database.work() as db:
        (claim,) = claim_due(db, 10)
    with_recipient(database, person, stop, CHANNELS)
    with database.work() as db:
        row = held(db, claim)
        assert row is not None
        row.retry(db, "smtp_451", may_have_arrived=False)
    assert look(database, message_id) == ("skipped", "opted_out")


def test_a_start_brings_back_what_still_has_a_purpose(database, clock, person):
    """Planted fault: a start that leaves withdrawn rows never reminds of days planned before."""
    past = queue(database, person, about_at=clock.now() + HOUR)
    ahead = queue(database, person)
    with_recipient(database, person, stop, CHANNELS)
    clock.advance_to(clock.now() + 2 * HOUR)
    assert with_recipient(database, person, start, CHANNELS)
    assert look(database, past) == ("skipped", "opted_out")
    assert look(database, ahead) == ("queued", None)
    assert message(database, ahead).not_before == STARTS_AT - HOUR


def test_a_start_takes_back_only_what_a_reply_had_stopped(database, person):
    """What was unticked on the page stays so."""
    gone = queue(database, person, "homework_due")
    with_recipient(database, person, choose, [("days", "email")])
    with_recipient(database, person, stop, CHANNELS)
    with_recipient(database, person, start, CHANNELS)
    assert look(database, gone) == ("skipped", "opted_out")


def test_the_staff_may_end_messages_for_somebody_and_never_begin_them_again(database, person):
    """Planted fault: wishes taken as they are sent let any form of the staff undo a STOP."""
    message_id = queue(database, person)
    for said, own, expected in (
        (False, False, "skipped"), (True, False, "skipped"), (True, True, "queued"),
    ):  # fmt: skip
        with database.work() as db:
            wanted = prefer(db, person.id, {"email": said}, own=own, by="clinician:7")["email"]
        assert (look(database, message_id)[0], wanted) == (expected, expected == "queued")


def test_outside_the_safe_hours_nothing_is_sent_however_near_it_is(
    database, vault, clock, person, mail, post
):
    """Planted fault: quiet hours instead of safe hours let the reminder of an early day pass."""
    with database.work() as db:
        hours = {"email": True, "safe_from": time(9), "safe_to": time(15)}
        prefer(db, person.id, hours, own=True, by="t")
    early = queue(database, person, about_at=datetime(2026, 12, 1, 12, 30, tzinfo=UTC))
    late = queue(database, person, "seat_offered")
    clock.advance_to(datetime(2026, 11, 24, 20, 30, tzinfo=UTC))  # half past three in New York
    send_due(database, vault, post)
    assert look(database, late) == ("queued", "unsafe_hours")
    assert message(database, late).not_before == datetime(2026, 11, 25, 14, 0, tzinfo=UTC)
    clock.advance_to(datetime(2026, 12, 1, 11, 30, tzinfo=UTC))
    while send_due(database, vault, post):
        pass
    assert look(database, early) == ("skipped", "unsafe_hours")
    assert mail.accepted() == []
