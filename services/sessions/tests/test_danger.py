"""Who is not there and should be, what a facilitator sees, what the body tells: on both pairs."""

from uuid import uuid4

import pytest
import sqlalchemy as sa

from catalogue.crisis import TierChanged
from catalogue.numbers import CRISIS_NUMBERS
from catalogue.risk import RiskDetected
from catalogue.scheduling import OccurrenceCancelled
from services.sessions.tests.builders import ANN, BEN, case_of
from sessions.body_check import BodyCheck

BREAK = 2
NO_SHOW = (ANN, "T2", "no_show_at_risk")
NOT_BACK = (ANN, "T2", "not_back_from_break")


def changed(case, tier):
    return TierChanged(
        clinic_id=case.clinic_id, case_id=case.case_id, participant_id=case.participant_id,
        tier=tier,
    )  # fmt: skip


def cancelled(day):
    return OccurrenceCancelled(
        clinic_id=day.clinic_id, occurrence_id=day.occurrence_id, cohort_id=day.cohort_id,
        reason="closure",
    )  # fmt: skip


def to_the_break(room, day):
    """Ann is at risk and there, and the break begins at its time."""
    room.hear(case_of(day, ANN))
    room.open()
    room.house.advance(day.starts_at)
    room.log_in(ANN)
    room.log_in(BEN)
    for position in range(BREAK):
        room.start(position)
    room.house.advance(day.segments[BREAK].starts_at)
    room.start(BREAK)


@pytest.mark.parametrize(
    ("opened_as", "became", "looked_for"),
    [("T3", "T2", True), ("T2", "T3", False), ("T1", "T4", True), ("T3", "T3", False)],
)
def test_the_tier_that_counts_is_the_one_a_case_has_now(room, day, opened_as, became, looked_for):
    """Planted fault: `TierChanged` is not heard."""
    case = case_of(day, ANN, opened_as)
    room.hear(case, changed(case, became))
    room.open()
    room.house.advance(day.after(16))
    assert room.dangers() == ([NO_SHOW] if looked_for else [])


def test_who_comes_at_the_last_moment_is_not_looked_for(room, day):
    """Planted fault: the timer looks for everybody with a case."""
    room.hear(case_of(day, ANN))
    room.open()
    room.house.advance(day.after(14))
    room.log_in(ANN)
    room.house.advance(day.after(30))
    assert room.dangers() == []


def test_nobody_misses_a_day_that_was_called_off(room, day):
    """Planted fault: the timer does not look whether the day takes place."""
    room.hear(case_of(day, ANN))
    room.open()
    room.hear(cancelled(day))
    room.house.advance(day.after(30))
    assert room.dangers() == []
    assert room.seen(ANN)["state"] == "expected"


def test_nobody_is_missed_after_the_break_of_a_day_that_was_called_off_meanwhile(room, day):
    to_the_break(room, day)
    room.hear(cancelled(day))
    room.leave(ANN)
    room.house.advance(day.ends_at)
    assert room.dangers() == []


def test_who_left_and_came_back_from_a_break_is_not_looked_for(room, day):
    to_the_break(room, day)
    room.leave(ANN)
    room.house.advance(day.after(94))
    room.log_in(ANN)
    room.house.advance(day.after(120))
    assert room.dangers() == []


@pytest.mark.parametrize("last_heard", [80, 89.5, 90.5, 94])
def test_who_fell_silent_before_the_end_of_a_break_without_leaving_is_looked_for(
    room, day, last_heard
):
    """Planted fault: only who told that they left."""
    to_the_break(room, day)
    room.house.advance(day.after(last_heard))
    assert room.hear_heart(ANN).status_code == 204
    room.house.advance(day.after(94.9))
    assert room.dangers() == []
    room.house.advance(day.after(95))
    assert room.dangers() == ([NOT_BACK] if last_heard < 90 else [])


def test_who_never_sent_a_heartbeat_is_not_taken_for_silent(room, day):
    to_the_break(room, day)
    room.house.advance(day.after(120))
    assert room.dangers() == []


def test_a_break_that_began_late_is_over_late(room, day):
    room.hear(case_of(day, ANN))
    room.open()
    room.log_in(ANN)
    room.house.advance(day.after(88))
    for position in range(BREAK + 1):
        room.start(position)
    room.leave(ANN)
    room.house.advance(day.after(107))
    assert room.dangers() == []
    room.house.advance(day.after(108))
    assert room.dangers() == [NOT_BACK]


def test_the_panic_button_names_a_participant_who_is_in_danger_before_it_answers(room, day):
    room.open()
    answer = room.panic(ANN)
    assert answer.status_code == 201
    assert answer.json() == {
        "risk": {"tier": "T1", "trigger": "facilitator_panic"}, "crisis_numbers": CRISIS_NUMBERS,
    }  # fmt: skip
    (risk,) = room.announced(RiskDetected)
    assert (risk.participant_id, risk.tier, risk.trigger) == (ANN, "T1", "facilitator_panic")
    assert (risk.raised_by, risk.instrument) == (day.facilitator_id, None)


def test_no_state_of_the_day_refuses_the_panic_button(room, day):
    """Planted fault: the session must be open, or the person expected."""
    room.open()
    room.house.advance(day.ends_at)
    room.wrap_up()
    assert room.panic(ANN).status_code == 201
    assert room.dangers() == [(ANN, "T1", "facilitator_panic")]


def test_a_panic_button_that_is_refused_says_whom_to_call_and_tells_nobody(room):
    room.open()
    unknown = room.panic(uuid4())
    assert (unknown.status_code, unknown.json()["crisis_numbers"]) == (404, CRISIS_NUMBERS)
    wrong = room.staff("POST", room.at("panic"), {"participant_id": "Ann"})
    assert wrong.status_code == 422
    assert [one["field"] for one in wrong.json()["fields"]] == ["participant_id"]
    own = room.own(ANN, room.at("panic"), {"participant_id": str(ANN)})
    assert (own.status_code, own.json()["crisis_numbers"]) == (403, CRISIS_NUMBERS)
    assert room.dangers() == []


@pytest.mark.parametrize(
    ("answers", "risk"),
    [
        ({"short_nights": 2}, None),
        ({"short_nights": 3}, {"tier": "T3", "trigger": "body_check_sleep"}),
        ({"more_than_prescribed": True}, {"tier": "T1", "trigger": "body_check_overdose"}),
    ],
)
def test_a_body_check_is_kept_and_its_danger_announced_before_it_answers(room, answers, risk):
    room.open()
    answer = room.check_body(ANN, **answers)
    assert (answer.status_code, answer.json()["risk"]) == (201, risk)
    assert answer.json()["crisis_numbers"] == CRISIS_NUMBERS
    assert room.dangers() == ([(ANN, risk["tier"], risk["trigger"])] if risk else [])
    assert kept(room) == [answer.json()["body_check_id"]]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"short_nights": 8}, "short_nights"),
        ({"more_than_prescribed": None}, "more_than_prescribed"),
        ({"note": "help"}, "note"),
    ],
)
def test_a_body_check_that_is_refused_says_whom_to_call_and_keeps_nothing(room, wrong, field):
    room.open()
    refused = room.check_body(ANN, **{"more_than_prescribed": True, **wrong})
    assert refused.status_code == 422
    assert [one["field"] for one in refused.json()["fields"]] == [field]
    assert refused.json()["crisis_numbers"] == CRISIS_NUMBERS
    assert (kept(room), room.dangers()) == ([], [])


def kept(room):
    with room.house.runtime("sessions").database.work() as db:
        return [str(one) for one in db.scalars(sa.select(BodyCheck.body_check_id))]
