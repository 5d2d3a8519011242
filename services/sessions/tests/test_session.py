"""The programme day itself: opening, its order, who is missed, wrap-up."""

from datetime import timedelta
from itertools import product
from types import SimpleNamespace
from uuid import uuid4

import pytest

from catalogue.crisis import CaseOpened
from catalogue.risk import RiskDetected
from catalogue.scheduling import OccurrenceCancelled
from catalogue.sessions import AttendanceCredited, SegmentStarted, SessionClosed
from chassis.refusals import Conflict, NotFound
from services.sessions.tests.builders import MINUTES, Day, cannot_come, released
from sessions import roster, session
from sessions.session import SESSION, Session

ANN, BEN, CYD = uuid4(), uuid4(), uuid4()
DAY = Day()


@pytest.mark.parametrize(("state", "step"), list(product(SESSION.states, SESSION.steps)))
def test_a_session_takes_the_steps_of_its_table_and_no_other(state, step):
    row = SimpleNamespace(state=state)
    if (state, step) in SESSION.table:
        SESSION.advance(row, step)
        assert row.state == SESSION.table[state, step]
    else:
        with pytest.raises(Conflict):
            SESSION.advance(row, step)
        assert row.state == state


def test_opening_expects_everybody_whose_series_covers_the_day(books):
    with books.database.work() as db:
        roster.offer_seat(db, DAY.offered(BEN, first_starts_at=DAY.after(-7 * 24 * 60)))
        roster.offer_seat(db, DAY.offered(CYD, first_starts_at=DAY.after(3 * 24 * 60)))
    books.know(DAY, ANN)
    assert books.states(books.open(DAY)) == {ANN: "expected", BEN: "expected"}


def test_seats_and_days_are_known_in_whichever_order_they_are_heard(books):
    with books.database.work() as db:
        roster.offer_seat(db, DAY.offered(ANN))
        roster.schedule(db, DAY.scheduled())
        roster.register(db, DAY.facilitator())
    assert books.states(books.open(DAY)) == {ANN: "expected"}


@pytest.mark.parametrize(
    ("minutes", "code"), [(-31, "too_early"), (-30, None), (179, None), (180, "day_is_over")]
)
def test_a_room_opens_from_half_an_hour_before_the_start_to_the_end(books, minutes, code):
    books.know(DAY)
    if code is None:
        assert books.open(DAY, at=DAY.after(minutes))
    else:
        with pytest.raises(Conflict) as refused:
            books.open(DAY, at=DAY.after(minutes))
        assert refused.value.code == code


def test_a_room_is_opened_once(books):
    books.know(DAY)
    first = books.open(DAY)
    with pytest.raises(Conflict) as refused:
        books.open(DAY)
    assert (refused.value.code, refused.value.facts) == ("already_open", {"session_id": first})


def test_a_cancelled_day_is_not_opened_and_one_that_has_begun_goes_on(books):
    begun, called_off = Day(), Day()
    books.know(begun, ANN)
    books.know(called_off, BEN)
    session_id = books.open(begun)
    with books.database.work() as db:
        for day in (begun, called_off):
            event = OccurrenceCancelled(
                clinic_id=day.clinic_id, occurrence_id=day.occurrence_id,
                cohort_id=day.cohort_id, reason="closure",
            )  # fmt: skip
            roster.cancel(db, event, at=db.now)
    with pytest.raises(Conflict, match="cancelled"):
        books.open(called_off)
    assert books.log_in(begun, session_id, ANN, begun.starts_at) == "present"


def test_segments_start_in_the_order_of_the_plan_and_each_once(books):
    books.know(DAY)
    session_id = books.open(DAY)
    outcomes = []
    for position in (1, 0, 0, 1, 2, 3, 4, 5):
        try:
            with books.database.request([DAY.clinic_id]) as db:
                day = Session.find(db, session_id, alone=True)
                day.start_segment(db, position, by=DAY.facilitator_id, at=db.now)
            outcomes.append("started")
        except Conflict as refused:
            outcomes.append(refused.code)
    out = "out_of_order"
    assert outcomes == [out, "started", out, *["started"] * 4, out]
    assert [event.position for event in books.announced(SegmentStarted)] == [0, 1, 2, 3, 4]


def test_a_seat_offered_after_opening_is_expected_and_its_release_takes_it_back(books):
    books.know(DAY, ANN)
    session_id = books.open(DAY)
    seat = DAY.offered(BEN)
    with books.database.work() as db:
        session.seat_changed(db, roster.offer_seat(db, seat))
    assert books.states(session_id) == {ANN: "expected", BEN: "expected"}
    with books.database.work() as db:
        session.seat_changed(db, roster.release_seat(db, released(seat), at=db.now))
    assert books.states(session_id)[BEN] == "released"
    with pytest.raises(NotFound):
        books.log_in(DAY, session_id, BEN, DAY.starts_at)


def test_a_new_seat_heard_before_the_old_one_s_release_keeps_the_person_expected(books):
    (old,) = books.know(DAY, ANN)
    session_id = books.open(DAY)
    with books.database.work() as db:
        session.seat_changed(db, roster.offer_seat(db, DAY.offered(ANN)))
        session.seat_changed(db, roster.release_seat(db, released(old), at=db.now))
    assert books.states(session_id) == {ANN: "expected"}


def test_a_person_who_is_there_keeps_the_day_although_their_seat_is_released(books):
    (seat,) = books.know(DAY, ANN)
    session_id = books.open(DAY)
    books.log_in(DAY, session_id, ANN, DAY.starts_at)
    with books.database.work() as db:
        session.seat_changed(db, roster.release_seat(db, released(seat), at=db.now))
    assert books.states(session_id) == {ANN: "present"}
    assert books.wrap_up(DAY, session_id, DAY.ends_at) == {ANN: MINUTES}


def test_a_day_of_another_cohort_or_one_that_is_closed_expects_nobody_new(books):
    closed, other = Day(), Day()
    books.know(closed)
    books.know(other)
    shut, apart = books.open(closed), books.open(other)
    books.wrap_up(closed, shut, closed.after(1))
    with books.database.work() as db:
        session.seat_changed(db, roster.offer_seat(db, closed.offered(ANN)))
    assert (books.states(shut), books.states(apart)) == ({}, {})


@pytest.mark.parametrize(
    ("tier", "looked_for"), [("T1", True), ("T2", True), ("T3", False), ("T4", True)]
)
def test_a_no_show_in_danger_or_in_follow_up_is_looked_for(books, tier, looked_for):
    books.know(DAY, ANN, BEN)
    case = CaseOpened(
        clinic_id=DAY.clinic_id, case_id=uuid4(), participant_id=ANN, risk_id=uuid4(), tier=tier
    )
    session_id = books.open(DAY)
    with books.database.work() as db:
        roster.note_case(db, case)
        db.get(Session, session_id).miss_no_shows(db)
    assert books.states(session_id) == {ANN: "no_show", BEN: "no_show"}
    found = [(e.participant_id, e.tier, e.trigger) for e in books.announced(RiskDetected)]
    assert found == ([(ANN, "T2", "no_show_at_risk")] if looked_for else [])


def test_somebody_at_risk_who_said_that_they_cannot_come_is_looked_for_all_the_same(books):
    """Planted fault: expecting nobody who said so would leave ANN to herself."""
    seats = books.know(DAY, ANN, BEN)
    with books.database.work() as db:
        for seat in seats:
            roster.note_absence(db, cannot_come(seat, DAY.occurrence_id))
        case = CaseOpened(
            clinic_id=DAY.clinic_id, case_id=uuid4(), participant_id=ANN, risk_id=uuid4(), tier="T2"
        )
        roster.note_case(db, case)
    session_id = books.open(DAY)
    with books.database.work() as db:
        Session.find(db, session_id, alone=True).miss_no_shows(db)
    assert [(e.participant_id, e.trigger) for e in books.announced(RiskDetected)] == [
        (ANN, "no_show_at_risk")
    ]
    assert books.states(session_id) == {ANN: "no_show", BEN: "no_show"}


def test_wrap_up_credits_everybody_expected_and_nobody_who_was_released(books):
    *_, seat = books.know(DAY, ANN, BEN, CYD)
    session_id = books.open(DAY)
    with books.database.work() as db:
        session.seat_changed(db, roster.release_seat(db, released(seat), at=db.now))
    books.log_in(DAY, session_id, ANN, DAY.starts_at)
    assert books.wrap_up(DAY, session_id, DAY.ends_at) == {ANN: MINUTES, BEN: 0}
    assert books.states(session_id) == {ANN: "credited", BEN: "no_show", CYD: "released"}
    told = {event.participant_id: event.minutes for event in books.announced(AttendanceCredited)}
    assert told == {ANN: MINUTES, BEN: 0}
    assert len(books.announced(SessionClosed)) == 1
    with pytest.raises(Conflict):
        books.wrap_up(DAY, session_id, DAY.ends_at)


def test_a_day_is_not_wrapped_up_before_its_first_segment_was_to_start(books):
    books.know(DAY, ANN)
    session_id = books.open(DAY, at=DAY.after(-10))
    with pytest.raises(Conflict) as refused:
        books.wrap_up(DAY, session_id, DAY.after(-1))
    too_early = ("too_early", {"starts_at": DAY.starts_at})
    assert (refused.value.code, refused.value.facts) == too_early
    books.log_in(DAY, session_id, ANN, DAY.starts_at)
    assert books.wrap_up(DAY, session_id, DAY.ends_at) == {ANN: MINUTES}


def test_a_closed_day_takes_nobody_in_any_more(books):
    books.know(DAY, ANN)
    session_id = books.open(DAY)
    books.wrap_up(DAY, session_id, DAY.ends_at)
    for act in (books.log_in, books.leave):
        with pytest.raises(Conflict) as refused:
            act(DAY, session_id, ANN, DAY.ends_at + timedelta(minutes=1))
        assert refused.value.code == "session_closed"
