"""Cohorts: opened with the whole series of their days, or not at all."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from catalogue.scheduling import CohortOpened, OccurrenceScheduled
from chassis.refusals import Conflict, Invalid, NotFound
from scheduling.cohort import Cohort, cohort_of, open_cohort
from scheduling.occurrence import Occurrence
from services.scheduling.tests.builders import BY, LICENCE, NOW, Clinic, while_undecided


def test_an_opened_cohort_is_announced_with_every_day_of_its_series(clinic):
    facilitator_id, programme_id = clinic.clinician(), clinic.programme()
    cohort_id, days = clinic.cohort(
        facilitator_id=facilitator_id, programme_id=programme_id, capacity=10
    )
    _, opened, *scheduled = clinic.announced()
    assert opened == CohortOpened(
        clinic_id=clinic.id,
        cohort_id=cohort_id,
        programme_id=programme_id,
        facilitator_id=facilitator_id,
        capacity=10,
        zone="America/New_York",
    )
    assert [one.occurrence_id for one in scheduled] == [day.id for day in days]
    assert [one.day_on for one in scheduled][-1] == date(2027, 4, 23)
    sixth, seventh = scheduled[5:7]
    assert (sixth.starts_at.hour, seventh.starts_at.hour) == (14, 13)
    assert seventh == OccurrenceScheduled(
        clinic_id=clinic.id,
        occurrence_id=days[6].id,
        cohort_id=cohort_id,
        facilitator_id=facilitator_id,
        day_on=date(2027, 3, 15),
        zone="America/New_York",
        starts_at=datetime(2027, 3, 15, 13, tzinfo=UTC),
        ends_at=datetime(2027, 3, 15, 16, tzinfo=UTC),
        segment_kinds=("check_in", "group", "break", "skills", "wrap_up"),
        segment_starts_at=minutes_from(13, 0, 15, 90, 105, 165),
        segment_ends_at=minutes_from(13, 15, 90, 105, 165, 180),
    )


def minutes_from(hour, *minutes):
    return tuple(datetime(2027, 3, 15, hour, tzinfo=UTC) + timedelta(minutes=m) for m in minutes)


def test_the_facilitator_is_bound_by_every_day(clinic):
    facilitator_id = clinic.clinician()
    _, days = clinic.cohort(facilitator_id=facilitator_id)
    assert [b.occurrence_id for b in clinic.bookings(facilitator_id)] == [day.id for day in days]


def test_a_facilitator_who_is_bound_on_one_day_gets_no_cohort_at_all(clinic):
    """Book without the savepoint and the transaction around it, and days would stay behind."""
    facilitator_id = clinic.clinician()
    _, (held,) = clinic.cohort(facilitator_id=facilitator_id, first_on=date(2027, 4, 23), count=1)
    before = len(clinic.announced())
    with pytest.raises(Conflict) as refused:
        clinic.cohort(facilitator_id=facilitator_id)
    assert refused.value.code == "double_booked"
    named = [{"occurrence_id": str(held.id), "day_on": "2027-04-23"}]
    assert refused.value.facts["occurrences"] == named
    assert [e for e in clinic.announced()[before:] if not e.type.count("clinician")] == []
    with clinic.work() as db:
        mine = sa.select(sa.func.count()).where(Occurrence.clinic_id == clinic.id)
        assert db.execute(mine).scalar_one() == 1


def test_a_facilitator_may_lead_two_cohorts_one_after_the_other(clinic):
    facilitator_id = clinic.clinician()
    clinic.cohort(facilitator_id=facilitator_id)
    clinic.cohort(
        facilitator_id=facilitator_id, programme_id=clinic.programme(starts_local=time(12))
    )
    assert len(clinic.bookings(facilitator_id)) == 48


def test_of_two_cohorts_opened_at_once_for_one_facilitator_one_is_opened(clinic):
    """The second waits at the clinician's row. Without that lock it waits while it inserts, and two
    that insert the same instant are a deadlock to PostgreSQL, not a refusal."""
    given = {"facilitator_id": clinic.clinician(), "programme_id": clinic.programme()}
    given |= {"capacity": 12, "first_on": date(2027, 3, 1), "count": 24, "by": BY, "at": NOW}

    def opening(db):
        return open_cohort(db, clinic.id, **given)

    outcome, waited_in = while_undecided(clinic, opening, opening)
    assert (type(outcome), outcome.code) == (Conflict, "double_booked")
    assert len(outcome.facts["occurrences"]) == 24
    assert waited_in == "the file" or "FROM clinicians" in waited_in
    assert len(clinic.bookings(given["facilitator_id"])) == 24


def test_a_cohort_past_the_end_of_every_licence_is_refused_with_its_days(clinic):
    licence = LICENCE | {"expires_on": date(2027, 4, 21)}
    facilitator_id = clinic.clinician([licence])
    with pytest.raises(Conflict) as refused:
        clinic.cohort(facilitator_id=facilitator_id)
    assert refused.value.code == "licence"
    assert [o["day_on"] for o in refused.value.facts["occurrences"]] == ["2027-04-23"]
    clinic.cohort(facilitator_id=facilitator_id, count=23)


@pytest.mark.parametrize(
    ("first_on", "code"), [(date(2027, 2, 21), "is_past"), (date(2029, 2, 22), "too_far_ahead")]
)
def test_a_series_begins_neither_in_the_past_nor_years_ahead(clinic, first_on, code):
    with pytest.raises(Invalid) as refused:
        clinic.cohort(first_on=first_on)
    assert refused.value.fields == {"first_on": [code]}


def test_a_series_may_begin_today(clinic):
    _, days = clinic.cohort(first_on=date(2027, 2, 22))
    assert days[0].day_on == NOW.date()


def test_another_clinics_programme_or_clinician_is_unknown(clinic, database):
    """The caller may work for both clinics; a cohort still belongs to one."""
    other = Clinic(database)
    with pytest.raises(Invalid) as refused:
        clinic.cohort(programme_id=other.programme())
    assert refused.value.fields == {"programme_id": ["unknown"]}
    with pytest.raises(Invalid) as refused:
        clinic.cohort(facilitator_id=other.clinician())
    assert refused.value.fields == {"facilitator_id": ["unknown"]}


def test_another_clinics_cohort_is_not_there(clinic, database):
    cohort_id, _ = clinic.cohort()
    with pytest.raises(NotFound), Clinic(database).request() as db:
        cohort_of(db, cohort_id)


@pytest.mark.parametrize("capacity", [0, 13])
def test_the_database_holds_no_cohort_larger_than_a_group_may_be(clinic, capacity):
    cohort_id, _ = clinic.cohort()
    with pytest.raises(IntegrityError), clinic.work() as db:
        db.execute(sa.update(Cohort).where(Cohort.id == cohort_id).values(capacity=capacity))


def test_the_database_holds_one_day_of_a_cohort_on_a_date(clinic):
    _, (first, second) = clinic.cohort(count=2)
    with pytest.raises(IntegrityError), clinic.work() as db:
        db.execute(
            sa.update(Occurrence).where(Occurrence.id == second.id).values(day_on=first.day_on)
        )
