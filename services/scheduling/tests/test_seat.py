"""Seats: the whole series or nothing, never one too many, only for whom intake admitted."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import eventlet
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from catalogue.scheduling import SeatOffered, SeatReleased, SeatReleasedForDay
from chassis import migrations
from chassis.announce import uuid7
from chassis.clock import SimulatedClock
from chassis.database import Database, connect
from chassis.refusals import Conflict, NotFound
from scheduling import seat
from scheduling.cohort import Cohort
from scheduling.occurrence import cancel
from scheduling.seat import SEAT, Admission, Seat, discharge, release, release_day, seat_of
from services.scheduling.tests.builders import (
    BY,
    LICENCE,
    NOW,
    Clinic,
    admitted,
    all_at_once,
    while_undecided,
)


def refused_code(clinic, *args, **given):
    with pytest.raises(Conflict) as refused:
        clinic.seated(*args, **given)
    return refused.value.code


def taken(clinic, cohort_id):
    with clinic.work() as db:
        held = sa.select(Seat.number).where(Seat.cohort_id == cohort_id, Seat.state == "offered")
        return sorted(db.scalars(held))


def test_a_seat_is_every_day_of_the_series_and_is_announced_once(clinic):
    cohort_id, days = clinic.cohort()
    participant_id = clinic.participant()
    one = clinic.seated(cohort_id, participant_id)
    assert [b.occurrence_id for b in clinic.bookings(participant_id)] == [d.id for d in days]
    assert clinic.announced_of(SeatOffered) == [
        SeatOffered(
            clinic_id=clinic.id,
            seat_id=one.id,
            cohort_id=cohort_id,
            participant_id=participant_id,
            episode_id=one.episode_id,
            first_starts_at=datetime(2027, 3, 1, 14, tzinfo=UTC),
            occurrences=24,
        )
    ]


def test_who_comes_later_is_seated_on_what_is_still_to_begin(clinic):
    cohort_id, days = clinic.cohort()
    participant_id = clinic.participant()
    with clinic.work() as db:
        cancel(db, days[20].id, reason="holiday", by=BY, at=NOW)
    clinic.seated(cohort_id, participant_id, at=days[9].starts_at + timedelta(minutes=1))
    bound = [b.occurrence_id for b in clinic.bookings(participant_id)]
    assert bound == [d.id for d in days[10:] if d is not days[20]]


def test_a_series_that_has_begun_for_the_last_time_takes_nobody(clinic):
    cohort_id, days = clinic.cohort(count=1)
    late = days[0].starts_at + timedelta(minutes=1)
    assert refused_code(clinic, cohort_id, clinic.participant(), at=late) == "series_over"


def test_one_clash_is_enough_for_no_seat_at_all(clinic):
    """Book day by day, each in its own transaction, and 23 bookings stay behind."""
    participant_id = clinic.participant()
    other_id, (held,) = clinic.cohort(first_on=date(2027, 3, 17), count=1)
    clinic.seated(other_id, participant_id)
    cohort_id, _ = clinic.cohort()
    with pytest.raises(Conflict) as refused:
        clinic.seated(cohort_id, participant_id)
    assert refused.value.code == "double_booked"
    assert refused.value.facts == {
        "person_id": str(participant_id),
        "occurrences": [{"occurrence_id": str(held.id), "day_on": "2027-03-17"}],
    }
    assert len(clinic.bookings(participant_id)) == 1
    assert taken(clinic, cohort_id) == []
    assert len(clinic.announced_of(SeatOffered)) == 1


def test_whom_intake_did_not_admit_gets_no_seat(clinic, database):
    cohort_id, _ = clinic.cohort()
    assert refused_code(clinic, cohort_id, uuid7()) == "not_admitted"
    assert refused_code(clinic, cohort_id, Clinic(database).participant()) == "not_admitted"


def test_nobody_sits_in_a_cohort_twice(clinic):
    cohort_id, _ = clinic.cohort()
    participant_id = clinic.participant()
    clinic.seated(cohort_id, participant_id)
    assert refused_code(clinic, cohort_id, participant_id) == "already_seated"


def test_a_facilitator_without_the_participants_licence_is_refused_with_the_days(clinic):
    licences = [LICENCE, {"state": "NJ", "number": "1", "expires_on": date(2027, 4, 20)}]
    cohort_id, _ = clinic.cohort(facilitator_id=clinic.clinician(licences))
    with pytest.raises(Conflict) as refused:
        clinic.seated(cohort_id, clinic.participant(state="NJ"))
    assert refused.value.code == "licence"
    assert refused.value.facts["state"] == "NJ"
    assert [o["day_on"] for o in refused.value.facts["occurrences"]] == ["2027-04-21", "2027-04-23"]
    with pytest.raises(Conflict) as refused:
        clinic.seated(cohort_id, clinic.participant(state="CT"))
    assert len(refused.value.facts["occurrences"]) == 24


def test_the_thirteenth_of_twelve_is_refused(clinic):
    cohort_id, _ = clinic.cohort(capacity=12, count=1)
    for _ in range(12):
        clinic.seated(cohort_id)
    with pytest.raises(Conflict) as refused:
        clinic.seated(cohort_id)
    assert refused.value.code == "capacity"
    assert refused.value.facts == {"cohort_id": str(cohort_id), "capacity": 12}


def test_the_last_seat_is_given_once_however_many_ask(clinic):
    cohort_id, _ = clinic.cohort(capacity=3, count=3)
    clinic.seated(cohort_id)
    clinic.seated(cohort_id)
    participants = [clinic.participant() for _ in range(20)]
    outcomes = all_at_once([lambda p=p: clinic.seated(cohort_id, p) for p in participants])
    refused = [o.code for o in outcomes if isinstance(o, Conflict)]
    assert refused == ["capacity"] * 19
    assert taken(clinic, cohort_id) == [1, 2, 3]


def forgetful(monkeypatch, asking):
    """Plant a fault: seats are given without the cohort's lock, and all that ask count before
    any of them writes."""
    counted, everybody = [], eventlet.event.Event()
    number_of = seat._number

    def cohort_of(db, cohort_id, lock=False):
        return db.get(Cohort, cohort_id)

    def number(db, cohort, participant_id):
        found = number_of(db, cohort, participant_id)
        counted.append(found)
        if len(counted) == asking:
            everybody.send()
        everybody.wait()
        return found

    monkeypatch.setattr(seat, "cohort_of", cohort_of)
    monkeypatch.setattr(seat, "_number", number)


@pytest.fixture
def postgres_alone(urls_of):
    """A database of the kind on which several may write at the same time; its owner's url too."""
    urls = urls_of("postgresql")
    migrations.upgrade("scheduling", urls.owner)
    made = Database("scheduling", http_url=urls.http, work_url=urls.work, clock=SimulatedClock(NOW))
    yield made, urls.owner
    made.close()


def last_seat_for_five(database):
    clinic = Clinic(database)
    cohort_id, _ = clinic.cohort(capacity=1, count=1)
    participants = [clinic.participant() for _ in range(5)]
    return clinic, cohort_id, [lambda p=p: clinic.seated(cohort_id, p) for p in participants]


def test_even_code_that_forgets_the_lock_cannot_give_the_last_seat_twice(
    postgres_alone, monkeypatch
):
    clinic, cohort_id, asking = last_seat_for_five(postgres_alone[0])
    forgetful(monkeypatch, 5)
    outcomes = all_at_once(asking)
    assert sum(isinstance(o, IntegrityError) for o in outcomes) == 4
    assert taken(clinic, cohort_id) == [1]


def test_without_the_databases_guard_the_same_fault_gives_the_last_seat_five_times(
    postgres_alone, monkeypatch
):
    """The planted fault: what the tests of the last seat would see."""
    database, owner_url = postgres_alone
    owner = connect(owner_url)
    with owner.begin() as connection:
        connection.exec_driver_sql("DROP INDEX uq_seats_number")
    owner.dispose()
    clinic, cohort_id, asking = last_seat_for_five(database)
    forgetful(monkeypatch, 5)
    all_at_once(asking)
    assert taken(clinic, cohort_id) == [1] * 5


@pytest.mark.parametrize(
    "change", [{"number": 3}, {"number": 0}, {"number": 2}, {"capacity": 12, "number": 12}]
)
def test_the_database_refuses_a_seat_beyond_the_capacity_or_one_given_already(clinic, change):
    cohort_id, _ = clinic.cohort(capacity=2, count=1)
    first = clinic.seated(cohort_id)
    clinic.seated(cohort_id)
    with pytest.raises(IntegrityError), clinic.work() as db:
        db.execute(sa.update(Seat).where(Seat.id == first.id).values(**change))


def test_a_cohort_cannot_be_made_smaller_than_those_who_sit_in_it(clinic):
    cohort_id, _ = clinic.cohort(capacity=3, count=1)
    clinic.seated(cohort_id)
    clinic.seated(cohort_id)
    resized = sa.update(Cohort).where(Cohort.id == cohort_id)
    with pytest.raises(IntegrityError), clinic.work() as db:
        db.execute(resized.values(capacity=1))
    with clinic.work() as db:
        db.execute(resized.values(capacity=2))
    assert refused_code(clinic, cohort_id) == "capacity"


def test_a_released_seat_is_announced_and_given_to_somebody_else(clinic):
    cohort_id, days = clinic.cohort(capacity=1)
    participant_id = clinic.participant()
    one = clinic.seated(cohort_id, participant_id)
    after_two_days = days[1].ends_at
    with clinic.work() as db:
        release(db, seat_of(db, one.id), reason="withdrawn", by=BY, at=after_two_days)
    assert [b.occurrence_id for b in clinic.bookings(participant_id)] == [d.id for d in days[:2]]
    assert clinic.announced_of(SeatReleased) == [
        SeatReleased(
            clinic_id=clinic.id,
            seat_id=one.id,
            cohort_id=cohort_id,
            participant_id=participant_id,
            reason="withdrawn",
        )
    ]
    clinic.seated(cohort_id, at=after_two_days)
    assert taken(clinic, cohort_id) == [1]


def free_day(clinic, occurrence_id, participant_id, *, at=NOW):
    with clinic.work() as db:
        release_day(db, occurrence_id, participant_id, at=at)


def test_a_day_that_a_participant_cannot_come_to_is_free_and_the_seat_is_kept(clinic):
    cohort_id, days = clinic.cohort(capacity=1, count=3)
    participant_id = clinic.participant()
    one = clinic.seated(cohort_id, participant_id)
    for _ in range(2):
        free_day(clinic, days[1].id, participant_id)
    left = [b.occurrence_id for b in clinic.bookings(participant_id)]
    assert left == [days[0].id, days[2].id]
    assert clinic.announced_of(SeatReleasedForDay) == [
        SeatReleasedForDay(
            clinic_id=clinic.id,
            seat_id=one.id,
            cohort_id=cohort_id,
            participant_id=participant_id,
            occurrence_id=days[1].id,
            reason="cannot_come",
        )
    ]
    assert taken(clinic, cohort_id) == [1]
    other, _ = clinic.cohort(first_on=days[1].day_on, count=1)
    clinic.seated(other, participant_id)


def test_a_day_that_is_over_or_that_somebody_has_no_seat_on_is_not_freed(clinic):
    cohort_id, days = clinic.cohort(count=2)
    participant_id = clinic.participant()
    clinic.seated(cohort_id, participant_id)
    free_day(clinic, days[0].id, participant_id, at=days[0].ends_at)
    free_day(clinic, days[0].id, clinic.participant())
    free_day(clinic, uuid4(), participant_id)
    facilitator_id = days[0].facilitator_id
    free_day(clinic, days[0].id, facilitator_id)
    assert len(clinic.bookings(participant_id)) == len(clinic.bookings(facilitator_id)) == 2
    assert clinic.announced_of(SeatReleasedForDay) == []


def test_a_seat_is_released_once(clinic):
    cohort_id, _ = clinic.cohort()
    one = clinic.seated(cohort_id)
    with clinic.work() as db:
        release(db, seat_of(db, one.id), reason="withdrawn", by=BY, at=NOW)
    with pytest.raises(Conflict), clinic.work() as db:
        release(db, seat_of(db, one.id), reason="withdrawn", by=BY, at=NOW)
    assert len(clinic.announced_of(SeatReleased)) == 1


def test_another_clinics_seat_is_not_there(clinic, database):
    cohort_id, _ = clinic.cohort()
    one = clinic.seated(cohort_id)
    with pytest.raises(NotFound), Clinic(database).request() as db:
        seat_of(db, one.id)


def test_a_discharge_releases_every_seat_of_the_episode_and_leaves_others(clinic):
    morning, _ = clinic.cohort(count=2)
    evening, _ = clinic.cohort(first_on=date(2027, 4, 1), count=2)
    participant_id = clinic.participant()
    episode_id = clinic.seated(morning, participant_id).episode_id
    clinic.seated(evening, participant_id)
    clinic.seated(morning)
    with clinic.work() as db:
        discharge(db, episode_id, by="intake:1", at=NOW)
    assert clinic.bookings(participant_id) == []
    assert [e.reason for e in clinic.announced_of(SeatReleased)] == ["discharged"] * 2
    assert len(taken(clinic, morning)) == 1
    assert taken(clinic, evening) == []
    assert refused_code(clinic, evening, participant_id) == "not_admitted"


def test_a_discharge_of_an_episode_nobody_was_admitted_on_changes_nothing(clinic):
    with clinic.work() as db:
        discharge(db, uuid7(), by="intake:1", at=NOW)
    assert clinic.announced() == []


def test_somebody_admitted_again_is_seated_on_the_new_episode(clinic):
    cohort_id, _ = clinic.cohort()
    participant_id = clinic.participant()
    first = clinic.seated(cohort_id, participant_id)
    with clinic.work() as db:
        discharge(db, first.episode_id, by="intake:1", at=NOW)
        db.add(
            Admission(
                episode_id=uuid4(),
                clinic_id=clinic.id,
                participant_id=participant_id,
                home_state="NY",
                zone="America/New_York",
                admitted_at=NOW,
            )
        )
    again = clinic.seated(cohort_id, participant_id)
    assert again.episode_id != first.episode_id


@pytest.mark.parametrize("cancelled_first", [True, False])
def test_a_day_cancelled_while_somebody_is_seated_does_not_bind_them(clinic, cancelled_first):
    """Read the days without FOR SHARE, and a booking of the day cancelled first is left."""
    cohort_id, days = clinic.cohort(count=3)
    participant_id = clinic.participant()
    both = [
        lambda db: seat.offer(db, cohort_id, participant_id, by=BY, at=NOW),
        lambda db: cancel(db, days[1].id, reason="snow", by=BY, at=NOW),
    ]
    while_undecided(clinic, *(both[::-1] if cancelled_first else both))
    bound = [b.occurrence_id for b in clinic.bookings(participant_id)]
    assert bound == [days[0].id, days[2].id]


@pytest.mark.parametrize("discharged_first", [True, False])
def test_whoever_is_discharged_while_being_seated_has_no_seat_afterwards(clinic, discharged_first):
    """Read the admission without its lock, and whoever was discharged first keeps the seat."""
    cohort_id, _ = clinic.cohort(count=3)
    episode = admitted(clinic.id)
    with clinic.work() as db:
        seat.admit(db, episode, at=NOW)
    both = [
        lambda db: seat.offer(db, cohort_id, episode.participant_id, by=BY, at=NOW),
        lambda db: discharge(db, episode.episode_id, by="intake:1", at=NOW),
    ]
    while_undecided(clinic, *(both[::-1] if discharged_first else both))
    assert taken(clinic, cohort_id) == []
    assert clinic.bookings(episode.participant_id) == []
    assert len(clinic.announced_of(SeatOffered)) == len(clinic.announced_of(SeatReleased))


def test_of_two_series_that_clash_asked_for_at_once_one_is_given(clinic):
    """The second waits at the admission. Lock none, and it waits while it inserts: two that insert
    the same instant are then a deadlock to PostgreSQL, not a refusal."""
    participant_id = clinic.participant()
    cohorts = [clinic.cohort()[0] for _ in range(2)]
    asked = [lambda db, c=c: seat.offer(db, c, participant_id, by=BY, at=NOW) for c in cohorts]
    outcome, waited_in = while_undecided(clinic, *asked)
    assert (type(outcome), outcome.code) == (Conflict, "double_booked")
    assert waited_in == "the file" or "FROM admissions" in waited_in
    assert len(clinic.bookings(participant_id)) == 24


@pytest.mark.parametrize("state", SEAT.states)
@pytest.mark.parametrize("step", SEAT.steps)
def test_a_seat_takes_the_steps_of_its_table_and_no_others(state, step):
    one = Seat(state=state)
    if (state, step) in SEAT.table:
        SEAT.advance(one, step)
        assert one.state == SEAT.table[state, step]
    else:
        with pytest.raises(Conflict):
            SEAT.advance(one, step)


def test_the_database_knows_no_other_state_of_a_seat(clinic):
    cohort_id, _ = clinic.cohort()
    one = clinic.seated(cohort_id)
    with pytest.raises(IntegrityError), clinic.work() as db:
        db.execute(sa.update(Seat).where(Seat.id == one.id).values(state="perhaps"))
