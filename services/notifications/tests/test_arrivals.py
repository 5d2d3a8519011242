"""Who came is left in peace; who did not is told once, five minutes after the day began."""

from datetime import timedelta
from itertools import permutations
from uuid import UUID, uuid4

import pytest

from catalogue.sessions import ParticipantLoggedIn, SessionOpened
from chassis.timers import Kind, Timers
from notifications import arrivals
from notifications.arrivals import MISSED, Room
from notifications.sending import send_due
from services.notifications.tests.builders import (
    CLINIC,
    STARTS_AT,
    Person,
    cancellation,
    day,
    hear,
    messages,
    reachable,
)

MINUTE = timedelta(minutes=1)


def opened(one, session_id: UUID) -> SessionOpened:
    return SessionOpened(
        clinic_id=CLINIC, session_id=session_id, occurrence_id=one.occurrence_id,
        cohort_id=one.cohort_id, opened_by=uuid4(),
    )  # fmt: skip


def logged_in(person, session_id: UUID) -> ParticipantLoggedIn:
    return ParticipantLoggedIn(
        clinic_id=CLINIC, attendance_id=uuid4(), session_id=session_id, participant_id=person.id,
        state="NY", whereabouts_version=1,
    )  # fmt: skip


@pytest.fixture
def person(database, vault) -> Person:
    one = Person()
    reachable(database, vault, one)
    return one


@pytest.fixture
def fire(database, clock):
    """Let time pass to so many minutes after the start, timers firing on the way."""
    kind = Kind(Room, lambda timer, room: arrivals.look_who_is_missed(timer.db, room))
    timers = Timers(database, {MISSED: kind})

    def run(minutes: float) -> None:
        while clock.now() < STARTS_AT + minutes * MINUTE:
            clock.advance_to(min(clock.now() + MINUTE, STARTS_AT + minutes * MINUTE))
            while timers.fire_one():
                pass

    return run


def missed(database, person) -> list[tuple[str, str | None]]:
    told = [m for m in messages(database, person) if m.template == "missed_you"]
    return [(m.state, m.reason) for m in told]


def open_at(database, clock, one, minutes: float) -> UUID:
    clock.advance_to(STARTS_AT + minutes * MINUTE)
    session_id = uuid4()
    hear(database, opened(one, session_id))
    return session_id


def test_who_has_not_come_after_five_minutes_is_told_that_they_are_missed(
    database, vault, clock, person, mail, post, fire
):
    one = day(person.cohort_id)
    hear(database, one, person.is_seated())
    open_at(database, clock, one, -20)
    fire(4)
    assert missed(database, person) == []
    fire(5)
    send_due(database, vault, post)
    assert missed(database, person) == [("sent", None)]
    assert mail.accepted()[-1]["text"].strip() == "We expected you at 9:00 AM. You can still join."


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_who_has_come_is_told_nothing_more_in_whichever_order_we_hear(
    database, clock, person, fire, order
):
    """Planted fault: without the room's row the log-in that comes first would be forgotten."""
    one, session_id = day(person.cohort_id), uuid4()
    hear(database, person.is_seated())
    clock.advance_to(STARTS_AT - 5 * MINUTE)
    told = [one, opened(one, session_id), logged_in(person, session_id)]
    hear(database, *(told[n] for n in order))
    fire(30)
    assert missed(database, person) == []


def test_who_comes_before_the_message_went_does_not_get_it(
    database, vault, clock, person, post, fire
):
    one = day(person.cohort_id)
    hear(database, one, person.is_seated())
    session_id = open_at(database, clock, one, -20)
    fire(5)
    hear(database, logged_in(person, session_id))
    send_due(database, vault, post)
    assert missed(database, person) == [("skipped", "arrived")]


def test_who_is_early_gets_no_further_reminder(database, clock, person):
    one = day(person.cohort_id)
    hear(database, one, person.is_seated())
    session_id = open_at(database, clock, one, -20)
    hear(database, logged_in(person, session_id))
    (near,) = [m for m in messages(database, person) if m.template == "day_is_near"]
    assert (near.state, near.reason) == ("skipped", "arrived")


def test_a_room_that_opens_late_moves_the_start(database, clock, person, fire):
    one = day(person.cohort_id)
    hear(database, one, person.is_seated())
    open_at(database, clock, one, 12)
    fire(16)
    assert missed(database, person) == []
    fire(17)
    assert missed(database, person) == [("queued", None)]


def test_nobody_is_missed_where_no_room_opened_or_the_day_was_cancelled(
    database, clock, person, fire
):
    unopened, lost = day(person.cohort_id), day(person.cohort_id)
    hear(database, unopened, lost, person.is_seated())
    open_at(database, clock, lost, -20)
    hear(database, cancellation(lost))
    fire(30)
    assert missed(database, person) == []


def test_it_is_too_late_to_be_missed_half_an_hour_after_the_start(
    database, vault, clock, person, mail, post, fire
):
    one = day(person.cohort_id)
    hear(database, one, person.is_seated())
    open_at(database, clock, one, -20)
    fire(5)
    clock.advance_to(STARTS_AT + 30 * MINUTE)
    while send_due(database, vault, post):
        pass
    assert missed(database, person) == [("skipped", "too_late")]
