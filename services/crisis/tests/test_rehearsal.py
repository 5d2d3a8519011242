"""A rota and a policy are tried on the past; the load that people bore is counted."""

from datetime import date, time, timedelta

import pytest
import sqlalchemy as sa

from crisis import ladder, sweeper
from crisis.case import Case
from crisis.rota import policy, rehearsal
from crisis.rota.past import is_night
from crisis.rota.published import in_force
from crisis.rota.shifts import Rota, Rotation
from crisis.rota.times import LONGEST, Times
from crisis.tables import Base
from services.crisis.tests.builders import START, Clinic, seconds

SINCE = START - timedelta(days=1)
FAST = {**LONGEST, "T1": Times((60,) * 5, 60, 3600)}


def goes_on(clinic: Clinic, minutes: int) -> None:
    """Time passes, and each ladder climbs when it is due."""
    end = clinic.clock.now() + timedelta(minutes=minutes)
    while True:
        with clinic.database.work() as db:
            due_at = ladder.next_due(db)
        if due_at is None or due_at > end:
            return clinic.clock.advance_to(end)
        clinic.clock.advance_to(due_at)
        sweeper.sweep(clinic.database)


def rehearses(clinic: Clinic, rota=None, times=None):
    with clinic.database.request([clinic.id]) as db:
        rota = rota or in_force(db, clinic.id)
        times = times or policy.times_in_force(db, clinic.id)
        return rehearsal.rehearse(db, clinic.id, rota, times, SINCE)


def answered(clinic):
    case_id = clinic.raises("T1")
    goes_on(clinic, 5)
    clinic.acknowledges(case_id)


def never_answered(clinic):
    clinic.raises("T2")
    goes_on(clinic, 50)


def lapsed(clinic):
    case_id = clinic.raises("T1")
    goes_on(clinic, 1)
    clinic.acknowledges(case_id)
    goes_on(clinic, 7)
    clinic.acknowledges(case_id)
    clinic.logs_contact(case_id)
    clinic.closes(case_id)
    goes_on(clinic, 5)


def raised(clinic):
    case_id = clinic.raises("T2")
    goes_on(clinic, 11)
    with clinic.case(case_id) as (_, case):
        same = {"participant_id": case.participant_id}
    clinic.raises("T1", **same)
    goes_on(clinic, 5)
    clinic.acknowledges(case_id)


def lowered(clinic):
    case_id = clinic.raises("T1")
    goes_on(clinic, 1)
    clinic.acknowledges(case_id)
    clinic.lowers(case_id, "T2")
    goes_on(clinic, 25)


def of_the_same_day(clinic):
    clinic.raises("T3")
    goes_on(clinic, 15 * 60)


HISTORIES = [answered, never_answered, lapsed, raised, lowered, of_the_same_day]


@pytest.mark.parametrize("history", HISTORIES)
def test_by_the_rota_and_policy_in_force_it_would_have_been_as_it_was(clinic, history):
    history(clinic)
    (one,) = rehearses(clinic)
    assert one.was
    assert one.would_be == one.was


def test_by_another_rota_others_would_have_been_paged(clinic):
    answered(clinic)
    fresh = [clinic.hire() for _ in range(3)]
    weekly = Rotation(((fresh[0],),), "America/New_York", date(2027, 6, 1))
    rota = Rota(((weekly,), *Rota.of_rungs([fresh[1:]]).layers))
    (one,) = rehearses(clinic, rota)
    assert [(page.at - START, page.rung) for page in one.would_be] == [
        (seconds(0), 1), (seconds(120), 2), (seconds(120), 2), (seconds(240), 3), (seconds(240), 3)
    ]  # fmt: skip
    assert {page.person for page in one.would_be} == set(fresh)
    assert {page.person for page in one.was} == {rung[0] for rung in clinic.rungs[:3]}


def test_by_a_faster_policy_more_would_have_been_paged(clinic):
    answered(clinic)
    (one,) = rehearses(clinic, times=FAST)
    assert [(page.at - START).total_seconds() for page in one.would_be][:3] == [0, 60, 120]
    assert len(one.would_be) > len(one.was)


def test_who_would_lapse_by_it_is_paged_once_and_not_for_ever(clinic):
    case_id = clinic.raises("T1")
    clinic.acknowledges(case_id)
    clinic.later(150)
    clinic.logs_contact(case_id)
    clinic.later(3000)
    (one,) = rehearses(clinic, times=FAST)
    assert [(page.at - START).total_seconds() for page in one.would_be] == [0, 60]
    assert len(one.was) == 1


def test_nights_are_counted_by_the_clock_of_each(clinic):
    clinic.later(15 * 3600)  # one o'clock in New York
    answered(clinic)
    with clinic.database.work() as db:
        cases = rehearsal.rehearse(db, clinic.id, in_force(db, clinic.id), LONGEST, SINCE)
        compared = rehearsal.compared(db, clinic.id, cases)
    assert len(compared) == 3
    assert {(was.pages, was.at_night, now.at_night) for _, was, now in compared} == {(1, 1, 1)}


@pytest.mark.parametrize(
    ("at", "night"),
    [(time(21, 59), False), (time(22), True), (time(6, 59), True), (time(7), False)],
)
def test_a_night_is_from_ten_to_seven(at, night):
    there = START.replace(hour=at.hour, minute=at.minute)
    assert is_night(there, "UTC") is night
    assert is_night(START, "America/New_York") is False
    assert is_night(START, "Asia/Tokyo") is True


def everything(clinic):
    with clinic.database.work() as db:
        tables = Base.metadata.sorted_tables
        return {one.name: sorted(map(repr, db.execute(sa.select(one)).all())) for one in tables}


def test_a_rehearsal_writes_nothing(clinic, monkeypatch):
    """Planted fault: the rehearsal climbs the real ladder to see whom that pages."""
    never_answered(clinic)
    before = everything(clinic)
    assert rehearses(clinic, times=FAST)
    assert everything(clinic) == before
    monkeypatch.setattr(rehearsal, "_moments", climbing)
    rehearses(clinic, times=FAST)
    assert everything(clinic) != before


def climbing(db, case: Case):
    ladder.climb(db, case, at=db.now + timedelta(minutes=5))
    return []


def test_the_load_of_people_is_told_by_week_at_night_and_for_others(clinic):
    first, second = clinic.rungs[0][0], clinic.rungs[1][0]
    case_id = clinic.raises("T1")
    goes_on(clinic, 2)
    clinic.acknowledges(case_id, second)
    clinic.clock.advance_to(START + timedelta(days=7, hours=14))  # midnight, a week later
    sweeper.sweep(clinic.database)
    clinic.acknowledges(clinic.raises("T1"), first)
    with clinic.database.work() as db:
        found = rehearsal.loads(db, clinic.id, SINCE)
    told = {(one.week_on, one.person_id): one for one in found}
    one = told[date(2026, 11, 23), first]
    assert (one.pages, one.at_night, one.taken_by_others) == (1, 0, 1)
    one = told[date(2026, 11, 23), second]
    assert (one.pages, one.at_night, one.taken_by_others) == (1, 0, 0)
    one = told[date(2026, 11, 30), first]
    assert one.at_night >= 1
    assert found[0].week_on == date(2026, 11, 30)
