"""Homework: to whom, until when, and handed in once."""

from datetime import UTC, date, datetime, time
from itertools import product
from types import SimpleNamespace
from uuid import uuid4

import pytest

from catalogue.sessions import HomeworkAssigned, HomeworkSubmitted
from chassis.refusals import Conflict, Invalid, NotFound
from services.sessions.tests.builders import STARTS_AT, Day
from sessions.homework import HOMEWORK, Homework, assign
from sessions.session import Session

ANN, BEN = uuid4(), uuid4()
DAY = Day()


@pytest.mark.parametrize(("state", "step"), list(product(HOMEWORK.states, HOMEWORK.steps)))
def test_homework_takes_the_steps_of_its_table_and_no_other(state, step):
    row = SimpleNamespace(state=state)
    if (state, step) in HOMEWORK.table:
        HOMEWORK.advance(row, step)
        assert row.state == HOMEWORK.table[state, step]
    else:
        with pytest.raises(Conflict):
            HOMEWORK.advance(row, step)
        assert row.state == state


@pytest.fixture
def session_id(books):
    books.know(DAY, ANN, BEN)
    session_id = books.open(DAY)
    books.log_in(DAY, session_id, ANN, DAY.starts_at)
    return session_id


def give(books, session_id, template="thought_record", due_on=date(2027, 3, 14)):
    with books.database.request([DAY.clinic_id]) as db:
        return assign(
            db, Session.find(db, session_id), template=template, due_on=due_on,
            due_local=time(20), by=DAY.facilitator_id, at=db.now,
        )  # fmt: skip


def submit(books, homework_id, clinic_id=DAY.clinic_id):
    with books.database.request([clinic_id]) as db:
        Homework.find(db, homework_id).submit(db, by=f"participant:{ANN}", at=db.now)


def test_homework_goes_to_those_who_came_and_is_due_in_the_cohort_s_zone(books, session_id):
    (row,) = give(books, session_id)
    assert (row.participant_id, row.due_at) == (ANN, datetime(2027, 3, 15, tzinfo=UTC))
    (told,) = books.announced(HomeworkAssigned)
    assert (told.homework_id, told.due_at) == (row.homework_id, row.due_at)


def test_giving_the_same_again_reaches_only_who_has_it_not_yet(books, session_id):
    give(books, session_id)
    with pytest.raises(Conflict) as refused:
        give(books, session_id)
    assert refused.value.code == "already_assigned"
    books.log_in(DAY, session_id, BEN, DAY.after(30))
    assert [row.participant_id for row in give(books, session_id)] == [BEN]
    assert len(give(books, session_id, template="sleep_diary")) == 2


def test_nothing_is_due_in_the_past(books, session_id):
    with pytest.raises(Invalid):
        give(books, session_id, due_on=STARTS_AT.date().replace(day=11))


def test_homework_is_handed_in_once_also_when_it_is_late(books, session_id):
    (row,) = give(books, session_id)
    with books.database.work() as db:
        db.get(Homework, row.homework_id).fall_due()
    submit(books, row.homework_id)
    with pytest.raises(Conflict) as refused:
        submit(books, row.homework_id)
    assert refused.value.code == "already_submitted"
    assert len(books.announced(HomeworkSubmitted)) == 1


def test_homework_of_another_clinic_is_not_there(books, session_id):
    (row,) = give(books, session_id)
    with pytest.raises(NotFound):
        submit(books, row.homework_id, clinic_id=uuid4())
