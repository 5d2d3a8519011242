"""Nobody is bound twice at the same time, whoever writes, and a day that is called off binds
nobody.

The guard is tried from both sides: with it, raw statements are refused; with the guard taken away
the same statements go through, so it is the database that refuses, not our code.
"""

from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4

import eventlet
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from catalogue.scheduling import OccurrenceCancelled
from chassis import migrations
from chassis.announce import uuid7
from chassis.clock import SimulatedClock
from chassis.database import Database, connect
from chassis.refusals import Conflict, NotFound
from scheduling.occurrence import OCCURRENCE, Booking, Occurrence, book, cancel
from services.scheduling.tests.builders import BY, NOW, Clinic, until_somebody_waits

NINE = datetime(2027, 3, 1, 14, tzinfo=UTC)
OVERLAPS = {
    "the same": (0, 180),
    "within": (30, 60),
    "around": (-30, 240),
    "its first minute": (-60, 1),
    "its last minute": (179, 300),
}
BESIDE = {"before": (-180, 0), "after": (180, 360), "the day after": (1440, 1620)}

TAKE_AWAY = {
    "postgresql": ["ALTER TABLE bookings DROP CONSTRAINT ex_bookings_double_booked"],
    "sqlite": [
        "DROP TRIGGER bookings_double_booked_insert",
        "DROP TRIGGER bookings_double_booked_update",
    ],
}


@pytest.fixture
def day(clinic):
    """A day to hang bookings on; who is bound, and when, is up to the test."""
    _, (day, *_) = clinic.cohort(count=1)
    return day


def raw_booking(day, person_id, span):
    starts, ends = span
    return {
        "id": uuid7(),
        "clinic_id": day.clinic_id,
        "person_id": person_id,
        "occurrence_id": day.id,
        "seat_id": None,
        "starts_at": NINE + timedelta(minutes=starts),
        "ends_at": NINE + timedelta(minutes=ends),
        "made_at": NOW,
        "made_by": BY,
    }


def insert(clinic, day, person_id, span, db=None):
    """Past our own code, into the table."""
    row = raw_booking(day, person_id, span)
    # a booking is unique for a day and person too: that constraint is not the one looked at
    row["occurrence_id"] = another_day(clinic, day, db)
    statement = sa.insert(Booking.__table__).values(row)
    if db is not None:
        return db.connection().execute(statement)
    with clinic.work() as own:
        return own.connection().execute(statement)


def another_day(clinic, day, db=None):
    """A row of `occurrences` of its own."""
    copy = {c.name: getattr(day, c.name) for c in Occurrence.__table__.columns}
    copy |= {"id": uuid7(), "day_on": date(2030, 1, 1) + timedelta(days=uuid4().int % 30000)}
    statement = sa.insert(Occurrence.__table__).values(copy)
    if db is not None:
        db.connection().execute(statement)
    else:
        with clinic.work() as own:
            own.connection().execute(statement)
    return copy["id"]


@pytest.mark.parametrize("span", OVERLAPS.values(), ids=OVERLAPS)
def test_the_database_refuses_to_bind_somebody_twice(clinic, day, span):
    person_id = uuid7()
    insert(clinic, day, person_id, (0, 180))
    with pytest.raises(IntegrityError, match="double_booked"):
        insert(clinic, day, person_id, span)
    assert len(clinic.bookings(person_id)) == 1


@pytest.mark.parametrize("span", BESIDE.values(), ids=BESIDE)
def test_the_database_lets_one_day_begin_when_another_ends(clinic, day, span):
    person_id = uuid7()
    insert(clinic, day, person_id, (0, 180))
    insert(clinic, day, person_id, span)
    assert len(clinic.bookings(person_id)) == 2


def test_two_people_may_be_bound_at_the_same_time(clinic, day):
    insert(clinic, day, uuid7(), (0, 180))
    insert(clinic, day, uuid7(), (0, 180))


def test_the_database_refuses_to_move_a_booking_onto_another(clinic, day):
    person_id = uuid7()
    insert(clinic, day, person_id, (0, 180))
    insert(clinic, day, person_id, (180, 360))
    moved = sa.update(Booking).where(Booking.starts_at > NINE, Booking.person_id == person_id)
    with pytest.raises(IntegrityError, match="double_booked"), clinic.work() as db:
        db.execute(moved.values(starts_at=NINE + timedelta(minutes=179)))


def test_the_database_refuses_a_booking_that_ends_before_it_starts(clinic, day):
    with pytest.raises(IntegrityError):
        insert(clinic, day, uuid7(), (180, 0))


def test_a_booking_of_another_clinic_stands_in_the_way_too(clinic, day, database):
    """A filter by clinic inside the guard would let this pass."""
    person_id = uuid7()
    insert(clinic, day, person_id, (0, 180))
    other = Clinic(database)
    _, (elsewhere, *_) = other.cohort(count=1)
    with pytest.raises(IntegrityError, match="double_booked"), other.request() as db:
        db.connection().execute(
            sa.insert(Booking.__table__).values(raw_booking(elsewhere, person_id, (60, 90)))
        )


@pytest.mark.parametrize("first_commits", [True, False])
def test_of_two_simultaneous_bookings_one_waits_for_the_other(clinic, day, database, first_commits):
    """Two real connections on PostgreSQL, the second inserting while the first is undecided."""
    person_id, written = uuid7(), eventlet.event.Event()

    def second():
        written.wait()
        try:
            insert(clinic, day, person_id, (60, 240))
        except IntegrityError as refused:
            return str(refused.orig)
        return "bound"

    waiter = eventlet.spawn(second)
    try:
        with clinic.work() as db:
            insert(clinic, day, person_id, (0, 180), db)
            written.send()
            until_somebody_waits(database)
            if not first_commits:
                raise TimeoutError
    except TimeoutError:
        pass
    answer = waiter.wait()
    assert ("double_booked" in answer) if first_commits else (answer == "bound")
    assert len(clinic.bookings(person_id)) == 1


@pytest.mark.parametrize("kind", list(TAKE_AWAY))
def test_without_the_guard_the_same_statements_bind_somebody_twice(urls_of, kind):
    """The planted fault: this is what every test above would see."""
    urls = urls_of(kind)
    migrations.upgrade("scheduling", urls.owner)
    owner = connect(urls.owner)
    with owner.begin() as connection:
        for statement in TAKE_AWAY[kind]:
            connection.exec_driver_sql(statement)
    owner.dispose()
    unguarded = Database(
        "scheduling", http_url=urls.http, work_url=urls.work, clock=SimulatedClock(NOW)
    )
    clinic = Clinic(unguarded)
    _, (day, *_) = clinic.cohort(count=1)
    person_id = uuid7()
    for span in OVERLAPS.values():
        insert(clinic, day, person_id, span)
    assert len(clinic.bookings(person_id)) == len(OVERLAPS)
    unguarded.close()


def test_a_clash_is_explained_by_the_days_that_stand_in_the_way(clinic):
    """All or nothing: of a series of 24 days, two clash, and none is booked."""
    facilitator_id = clinic.clinician()
    programme_id = clinic.programme(weekdays=["WE", "TH", "SU"], starts_local=time(11))
    _, held = clinic.cohort(
        programme_id=programme_id, facilitator_id=facilitator_id, first_on=date(2027, 3, 2), count=4
    )
    _, wanted = clinic.cohort()
    with pytest.raises(Conflict) as refused, clinic.work() as db:
        book(db, facilitator_id, wanted, by=BY, at=NOW)
    assert refused.value.code == "double_booked"
    assert refused.value.facts == {
        "person_id": str(facilitator_id),
        "occurrences": [
            {"occurrence_id": str(o.id), "day_on": o.day_on.isoformat()}
            for o in held
            if o.day_on.weekday() == 2
        ],
    }
    assert len(refused.value.facts["occurrences"]) == 2
    assert len(clinic.bookings(facilitator_id)) == 4


def test_a_clash_in_a_clinic_that_the_caller_may_not_see_is_not_explained(clinic, database):
    facilitator_id = clinic.clinician()
    clinic.cohort(facilitator_id=facilitator_id)
    other = Clinic(database)
    _, wanted = other.cohort()
    with pytest.raises(Conflict) as refused, other.request() as db:
        book(db, facilitator_id, wanted, by=BY, at=NOW)
    assert refused.value.facts["occurrences"] == []


def test_any_other_broken_constraint_is_not_taken_for_a_clash(clinic):
    _, (day, *_) = clinic.cohort(count=1)
    with pytest.raises(IntegrityError), clinic.work() as db:
        book(db, uuid7(), [day], seat_id=uuid7(), by=BY, at=NOW)


def test_a_cancelled_day_is_announced_and_binds_nobody(clinic):
    facilitator_id = clinic.clinician()
    cohort_id, (first, second) = clinic.cohort(facilitator_id=facilitator_id, count=2)
    participant_id = clinic.participant()
    clinic.seated(cohort_id, participant_id)
    with clinic.work() as db:
        cancel(db, first.id, reason="snow", by=BY, at=NOW)
    for person_id in (facilitator_id, participant_id):
        assert [b.occurrence_id for b in clinic.bookings(person_id)] == [second.id]
    assert clinic.announced_of(OccurrenceCancelled) == [
        OccurrenceCancelled(
            clinic_id=clinic.id, occurrence_id=first.id, cohort_id=cohort_id, reason="snow"
        )
    ]
    with clinic.work() as db:
        kept = db.get(Occurrence, first.id)
        assert (kept.state, kept.reason, kept.cancelled_by) == ("cancelled", "snow", BY)
        assert kept.cancelled_at == NOW


def test_a_day_is_cancelled_once(clinic, day):
    with clinic.work() as db:
        cancel(db, day.id, reason="snow", by=BY, at=NOW)
    with pytest.raises(Conflict) as refused, clinic.work() as db:
        cancel(db, day.id, reason="snow", by=BY, at=NOW)
    assert refused.value.code == "step_not_allowed"


def test_a_day_that_is_over_cannot_be_cancelled(clinic, day):
    with clinic.work() as db:
        cancel_at = day.ends_at - timedelta(seconds=1)
        cancel(db, day.id, reason="fire_alarm", by=BY, at=cancel_at)
    _, (other, *_) = clinic.cohort(count=1)
    with pytest.raises(Conflict) as refused, clinic.work() as db:
        cancel(db, other.id, reason="snow", by=BY, at=other.ends_at)
    assert refused.value.code == "already_over"


def test_another_clinics_day_cannot_be_cancelled(clinic, day, database):
    with pytest.raises(NotFound), Clinic(database).request() as db:
        cancel(db, day.id, reason="snow", by=BY, at=NOW)


@pytest.mark.parametrize("state", OCCURRENCE.states)
@pytest.mark.parametrize("step", OCCURRENCE.steps)
def test_a_day_takes_the_steps_of_its_table_and_no_others(state, step):
    day = Occurrence(state=state)
    if (state, step) in OCCURRENCE.table:
        OCCURRENCE.advance(day, step)
        assert day.state == OCCURRENCE.table[state, step]
    else:
        with pytest.raises(Conflict):
            OCCURRENCE.advance(day, step)


def test_the_database_knows_no_other_state(clinic, day):
    with pytest.raises(IntegrityError), clinic.work() as db:
        db.execute(sa.update(Occurrence).where(Occurrence.id == day.id).values(state="maybe"))
