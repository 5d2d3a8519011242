"""Who came, where they were, and the minutes that are credited."""

from datetime import timedelta
from itertools import product
from types import SimpleNamespace
from uuid import uuid4

import pytest
import sqlalchemy as sa

from catalogue.sessions import ParticipantLeft, ParticipantLoggedIn
from chassis.refusals import Conflict, NotFound
from services.sessions.tests.builders import MINUTES, Day
from sessions.attendance import ATTENDANCE, Movement, Run

ANN, BEN = uuid4(), uuid4()
DAY = Day()


@pytest.mark.parametrize(("state", "step"), list(product(ATTENDANCE.states, ATTENDANCE.steps)))
def test_attendance_takes_the_steps_of_its_table_and_no_other(state, step):
    row = SimpleNamespace(state=state)
    if (state, step) in ATTENDANCE.table:
        ATTENDANCE.advance(row, step)
        assert row.state == ATTENDANCE.table[state, step]
    else:
        with pytest.raises(Conflict):
            ATTENDANCE.advance(row, step)
        assert row.state == state


@pytest.fixture
def session_id(books):
    books.know(DAY, ANN)
    return books.open(DAY)


def test_leaving_and_coming_back_is_credited_without_the_time_between(books, session_id):
    books.log_in(DAY, session_id, ANN, DAY.after(0))
    books.leave(DAY, session_id, ANN, DAY.after(20))
    books.log_in(DAY, session_id, ANN, DAY.after(50))
    assert books.wrap_up(DAY, session_id, DAY.ends_at) == {ANN: MINUTES - 30}


def test_doubled_log_ins_and_leaves_change_no_minutes_and_a_leave_is_announced_once(
    books, session_id
):
    for _ in range(2):
        books.log_in(DAY, session_id, ANN, DAY.after(0))
    for _ in range(2):
        books.leave(DAY, session_id, ANN, DAY.after(60))
    assert books.wrap_up(DAY, session_id, DAY.ends_at) == {ANN: 60}
    assert len(books.announced(ParticipantLoggedIn)) == 2
    assert len(books.announced(ParticipantLeft)) == 1


def test_each_log_in_confirms_the_whereabouts_anew(books, session_id):
    for minute in (0, 5, 9):
        books.log_in(DAY, session_id, ANN, DAY.after(minute))
    told = books.announced(ParticipantLoggedIn)
    assert [event.whereabouts_version for event in told] == [1, 2, 3]
    with books.database.request([DAY.clinic_id]) as db:
        assert books.vault.open(db, ANN)["confirmed_at"] == "2027-03-12T14:09:00.000000Z"


def test_who_is_not_alone_waits_until_a_clinician_logs_them_in(books, session_id):
    """Fails when a participant's own word is enough after a log-in that was not private."""
    assert books.log_in(DAY, session_id, ANN, DAY.after(0), private=False) == "needs_clinician"
    assert books.log_in(DAY, session_id, ANN, DAY.after(5)) == "needs_clinician"
    assert books.leave(DAY, session_id, ANN, DAY.after(6)) == "left"
    assert books.log_in(DAY, session_id, ANN, DAY.after(8)) == "needs_clinician"
    assert books.log_in(DAY, session_id, ANN, DAY.after(15), vouched=True) == "present"
    assert books.wrap_up(DAY, session_id, DAY.ends_at) == {ANN: MINUTES - 15}


def test_losing_privacy_during_the_day_stops_the_credit(books, session_id):
    books.log_in(DAY, session_id, ANN, DAY.after(0))
    assert books.log_in(DAY, session_id, ANN, DAY.after(30), private=False) == "needs_clinician"
    assert books.wrap_up(DAY, session_id, DAY.ends_at) == {ANN: 30}


def test_nobody_learns_who_else_is_expected(books, session_id):
    for act in (books.log_in, books.leave, books.hear):
        with pytest.raises(NotFound):
            act(DAY, session_id, BEN, DAY.after(0))


def test_nobody_leaves_who_never_came(books, session_id):
    with pytest.raises(Conflict):
        books.leave(DAY, session_id, ANN, DAY.after(0))


def test_a_thousand_heartbeats_are_one_row(books, session_id):
    books.log_in(DAY, session_id, ANN, DAY.after(0))
    for beat in range(100):
        books.hear(DAY, session_id, ANN, DAY.after(0) + beat * timedelta(seconds=15))
    with books.database.work() as db:
        (run,) = db.scalars(sa.select(Run))
    assert run.last_at - run.first_at == 99 * timedelta(seconds=15)


def test_heartbeats_bridge_one_that_was_lost_and_no_more(books, session_id):
    books.log_in(DAY, session_id, ANN, DAY.after(0))
    for second in (0, 30, 61):
        books.hear(DAY, session_id, ANN, DAY.after(0) + timedelta(seconds=second))
    with books.database.work() as db:
        runs = list(db.scalars(sa.select(Run).order_by(Run.first_at)))
    assert [(run.last_at - run.first_at).seconds for run in runs] == [30, 0]


def test_a_heartbeat_of_somebody_who_left_is_no_presence(books, session_id):
    books.log_in(DAY, session_id, ANN, DAY.after(0))
    books.hear(DAY, session_id, ANN, DAY.after(0))
    books.leave(DAY, session_id, ANN, DAY.after(0.1))
    books.hear(DAY, session_id, ANN, DAY.after(0.2))
    books.log_in(DAY, session_id, ANN, DAY.after(0.3))
    books.hear(DAY, session_id, ANN, DAY.after(0.35))
    with books.database.work() as db:
        runs = list(db.scalars(sa.select(Run)))
        kinds = list(db.scalars(sa.select(Movement.kind).order_by(Movement.at)))
    assert len(runs) == 2
    assert kinds == ["log_in", "leave", "log_in"]


def test_a_client_that_falls_silent_ends_the_credit_although_nobody_left(books, session_id):
    books.log_in(DAY, session_id, ANN, DAY.after(0))
    for beat in range(4 * 30 + 1):
        books.hear(DAY, session_id, ANN, DAY.after(0) + beat * timedelta(seconds=15))
    assert books.wrap_up(DAY, session_id, DAY.ends_at) == {ANN: 30}
