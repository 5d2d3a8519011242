"""The check-in and what it says of danger."""

from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from catalogue.risk import RiskDetected
from catalogue.sessions import CheckInSubmitted
from services.sessions.tests.builders import Day
from sessions.attendance import Attendance
from sessions.checkin import CheckIn, check_in

ANN = uuid4()
DAY = Day()
CALM = {"safe": True, "urge": 0, "mood": 6, "sleep_hours": 7, "substance": False}


def submit(books, session_id, **other):
    with books.database.request([DAY.clinic_id]) as db:
        row = Attendance.find(db, session_id, ANN)
        return check_in(db, row, **{**CALM, **other}, by=f"participant:{ANN}", at=db.now)


@pytest.fixture
def session_id(books):
    books.know(DAY, ANN)
    return books.open(DAY)


def test_a_calm_check_in_is_announced_without_its_answers(books, session_id):
    row, risk = submit(books, session_id)
    assert risk is None
    (told,) = books.announced(CheckInSubmitted)
    assert (told.checkin_id, told.participant_id) == (row.checkin_id, ANN)
    assert books.announced(RiskDetected) == []


def test_danger_and_answers_are_stored_together_or_not_at_all(books, session_id):
    """Fails when the risk is announced in a transaction of its own."""
    with pytest.raises(IntegrityError):
        submit(books, session_id, safe=False, mood=11)
    assert books.announced(RiskDetected) == []
    submit(books, session_id, safe=False)
    assert [event.trigger for event in books.announced(RiskDetected)] == ["checkin_not_safe"]


def test_every_check_in_of_a_day_counts_also_one_after_wrap_up(books, session_id):
    submit(books, session_id)
    books.wrap_up(DAY, session_id, DAY.ends_at)
    submit(books, session_id, urge=7)
    submit(books, session_id, safe=False)
    assert [event.tier for event in books.announced(RiskDetected)] == ["T2", "T1"]


def test_an_answer_that_was_not_given_is_missing_and_not_zero(books, session_id):
    submit(books, session_id, safe=False, urge=None, mood=None, sleep_hours=None, substance=None)
    with books.database.work() as db:
        row = db.scalars(sa.select(CheckIn)).one()
    assert (row.urge, row.mood, row.sleep_hours, row.substance) == (None, None, None, None)
