"""Programmes: what is published, and what is refused with the path of the field."""

from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from chassis.refusals import Conflict, Invalid
from scheduling.programme import Programme
from services.scheduling.tests.builders import BY, SEGMENTS, Clinic, all_at_once


def test_a_published_programme_keeps_its_weekdays_in_order_and_says_who_and_when(clinic):
    programme_id = clinic.programme(weekdays=["FR", "MO", "WE"])
    with clinic.work() as db:
        one = db.get(Programme, programme_id)
        assert one.weekdays == ["MO", "WE", "FR"]
        assert one.weekly_minutes == 540
        assert one.made_by == BY


def test_a_programme_of_two_days_is_refused_by_path(clinic):
    with pytest.raises(Invalid) as refused:
        clinic.programme(weekdays=["MO", "WE"])
    assert refused.value.fields == {"weekdays": ["days_a_week<3", "weekly_hours<9"]}


def test_a_programme_that_starts_with_the_wrap_up_is_refused_by_path(clinic):
    with pytest.raises(Invalid) as refused:
        clinic.programme(segments=SEGMENTS[::-1])
    assert set(refused.value.fields) == {"segments.0.kind", "segments.4.kind"}


def test_a_code_is_published_once_in_a_clinic(clinic):
    first = clinic.programme(code="day-9")
    with pytest.raises(Conflict) as refused:
        clinic.programme(code="day-9")
    assert refused.value.code == "already_published"
    assert refused.value.facts == {"programme_id": str(first)}
    assert Clinic(clinic.database).programme(code="day-9") != first


def test_of_two_who_publish_a_code_at_once_the_database_refuses_one(clinic):
    """Drop the UNIQUE constraint and both rows go in."""
    publish = [lambda: clinic.programme(code="day-9")] * 2
    refused = [one for one in all_at_once(publish) if isinstance(one, Exception)]
    assert [type(one) for one in refused] in ([IntegrityError], [Conflict])
    programme_id = clinic.programme()
    same = sa.update(Programme).where(Programme.id == programme_id).values(code="day-9")
    with pytest.raises(IntegrityError), clinic.work() as db:
        db.execute(same)


@pytest.mark.parametrize("minutes", [539, 1200])
def test_the_database_holds_no_week_that_is_not_intensive_outpatient_care(clinic, minutes):
    """Drop the CHECK constraint and both rows go in."""
    programme_id = clinic.programme()
    too_much = sa.update(Programme).values(weekly_minutes=minutes)
    with pytest.raises(IntegrityError), clinic.work() as db:
        db.execute(too_much.where(Programme.id == programme_id))


def test_segments_of_a_day_are_instants_from_its_start(clinic):
    programme_id = clinic.programme()
    with clinic.work() as db:
        one = db.get(Programme, programme_id)
    span = one.span_on(date(2027, 3, 15))
    parts = one.parts_from(span.starts_at)
    assert span.starts_at == datetime(2027, 3, 15, 13, tzinfo=UTC)
    assert span.ends_at - span.starts_at == timedelta(minutes=180)
    assert [kind for kind, _ in parts] == ["check_in", "group", "break", "skills", "wrap_up"]
    assert parts[0][1].starts_at == span.starts_at
    assert parts[-1][1].ends_at == span.ends_at
