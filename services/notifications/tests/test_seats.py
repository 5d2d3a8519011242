from datetime import timedelta
from itertools import permutations
from uuid import uuid4

import eventlet
import pytest

from notifications import seats
from notifications.messages import withdraw
from notifications.templates import REMINDERS
from services.notifications.tests.builders import (
    STARTS_AT,
    Person,
    cancellation,
    day,
    hear,
    messages,
    queue,
    states,
)

TOMORROW = timedelta(days=1)


def reminded_of(database, person) -> set:
    """The days of which somebody is to be reminded."""
    return {
        m.about_id
        for m in messages(database, person)
        if m.template == "day_begins" and m.state == "queued"
    }


def test_a_seat_is_told_at_once_and_each_of_its_days_ahead(database, clock):
    person = Person()
    days = [day(person.cohort_id, STARTS_AT + n * TOMORROW) for n in range(3)]
    hear(database, *days, person.is_seated())
    planned = [(m.template, m.not_before) for m in messages(database, person)]
    assert ("seat_offered", clock.now()) in planned
    ahead = [
        (told.code, max(clock.now(), one.starts_at - told.lead))
        for one in days
        for told in REMINDERS
    ]
    assert sorted(planned) == sorted([*ahead, ("seat_offered", clock.now())])


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_seats_and_days_may_come_in_any_order(database, order):
    person = Person()
    days = [day(person.cohort_id, STARTS_AT + n * TOMORROW) for n in range(2)]
    told = [*days, person.is_seated()]
    hear(database, *(told[n] for n in order))
    assert reminded_of(database, person) == {one.occurrence_id for one in days}


def test_days_of_other_cohorts_and_from_before_the_seat_are_none_of_ours(database):
    person = Person()
    early = day(person.cohort_id, STARTS_AT - TOMORROW)
    hear(database, early, day(uuid4()), person.is_seated(), day(uuid4()))
    assert reminded_of(database, person) == set()


def test_a_cancelled_day_is_skipped_with_its_reason_for_everybody(database):
    first = Person()
    second = Person(cohort_id=first.cohort_id)
    kept, lost = day(first.cohort_id), day(first.cohort_id, STARTS_AT + TOMORROW)
    hear(database, kept, lost, first.is_seated(), second.is_seated(), cancellation(lost))
    for person in (first, second):
        assert ("day_begins", "skipped", "cancelled") in states(database, person)
        assert reminded_of(database, person) == {kept.occurrence_id}


def test_a_seat_taken_after_a_day_was_cancelled_does_not_bring_it_back(database):
    person = Person()
    lost = day(person.cohort_id)
    hear(database, lost, cancellation(lost), person.is_seated())
    assert reminded_of(database, person) == set()


def test_a_released_seat_takes_all_its_messages_with_it(database):
    person = Person()
    stays = Person(cohort_id=person.cohort_id)
    one = day(person.cohort_id)
    hear(database, one, person.is_seated(), stays.is_seated(), person.gives_seat_up())
    assert {state for _, state, _ in states(database, person)} == {"skipped"}
    assert {reason for _, _, reason in states(database, person)} == {"seat_released"}
    assert reminded_of(database, stays) == {one.occurrence_id}


@pytest.mark.parametrize("order", list(permutations(range(2))))
def test_moving_to_another_seat_of_the_same_cohort_keeps_the_reminders(database, order):
    """The new seat may be heard of before the old one's release, or after."""
    person = Person()
    one = day(person.cohort_id)
    hear(database, one, person.is_seated())
    released = person.gives_seat_up()
    anew = person.is_seated(seat_id=uuid4())
    hear(database, *([released, anew][n] for n in order))
    assert reminded_of(database, person) == {one.occurrence_id}
    assert len([m for m in messages(database, person) if m.template == "day_begins"]) == 1


def test_a_day_that_moved_is_announced_at_its_new_hour_only(database):
    person = Person()
    one = day(person.cohort_id)
    moved = day(person.cohort_id, STARTS_AT + TOMORROW, one.occurrence_id)
    hear(database, one, person.is_seated(), moved)
    (left,) = [m for m in messages(database, person) if m.template == "day_begins"]
    assert (left.state, left.about_at) == ("queued", moved.starts_at)
    assert left.not_before == moved.starts_at - timedelta(hours=1)


def test_a_cancelled_day_that_takes_place_after_all_is_announced_again(database):
    person = Person()
    one = day(person.cohort_id)
    hear(database, one, person.is_seated(), cancellation(one), one)
    assert reminded_of(database, person) == {one.occurrence_id}


def test_telling_it_twice_plans_it_once(database):
    person = Person()
    one = day(person.cohort_id)
    hear(database, one, person.is_seated(), one, one)
    assert len(messages(database, person)) == 1 + len(REMINDERS)


def _at_the_same_time(database, person, one, between) -> None:
    """A seat and a day of its cohort in two transactions, each calling `between` to wait."""

    def handle(step, event) -> None:
        with database.work() as db:
            between("before", db, event)
            step(db, event, by=uuid4())
            db.flush()
            between("after", db, event)

    going = [
        eventlet.spawn(handle, seats.take_seat, person.is_seated()),
        eventlet.spawn(handle, seats.schedule_day, one),
    ]
    for greenlet in going:
        greenlet.wait()


def test_a_seat_and_a_day_handled_at_the_same_time_see_each_other(database):
    person = Person()
    one = day(person.cohort_id)

    def hold(when, db, event) -> None:
        if when == "before":
            seats.hold_cohorts(db, [event])
        eventlet.sleep(0)

    _at_the_same_time(database, person, one, hold)
    assert reminded_of(database, person) == {one.occurrence_id}


def test_without_the_cohorts_lock_they_would_miss_each_other(postgres_database):
    """The planted fault: nobody holds the cohort, and both plan before either commits."""
    person = Person()
    one = day(person.cohort_id)
    with postgres_database.work() as db:
        seats.hold_cohorts(db, [one])
    planned = []

    def meet(when, _db, event) -> None:
        if when == "after":
            planned.append(event)
            with eventlet.Timeout(10):
                while len(planned) < 2:
                    eventlet.sleep(0)

    _at_the_same_time(postgres_database, person, one, meet)
    assert reminded_of(postgres_database, person) == set()


def test_homework_handed_in_needs_no_reminder(database):
    person = Person()
    message_id = queue(database, person, "homework_due")
    (planned,) = messages(database, person)
    assert planned.not_before == STARTS_AT - timedelta(hours=2)
    with database.work() as db:
        withdraw(db, [planned.about_id], "submitted", recipient_id=person.id)
    assert states(database, person) == [("homework_due", "skipped", "submitted")]
    assert planned.message_id == message_id
