"""Screens: what an answer announces, in which transaction, and what a failed one leaves."""

from itertools import pairwise

import pytest
import sqlalchemy as sa
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from chassis.tables import event_log
from intake import instruments
from intake.instruments import INSTRUMENTS, SUICIDE_SCREENS
from intake.risk import TIERS, Risk
from intake.screen import Answer, Screen


def kept(given):
    with given.database.work() as db:
        told = db.execute(
            sa.select(sa.func.count()).where(event_log.c.type == "evenkeel.risk.risk_detected.v1")
        ).scalar_one()
        return (
            told,
            len(db.scalars(sa.select(Risk)).all()),
            len(db.scalars(sa.select(Answer)).all()),
        )


def answer(given, screen_id, answers, then=None):
    with given.database.work() as db:
        risk = Screen.find(db, screen_id).answer(db, answers, by="test", at=db.now)
        if then:
            raise then
        return risk


class Broken(Exception):
    pass


def test_an_answer_and_its_risk_are_kept_together_or_not_at_all(given):
    screen_id = given.screen(given.episode())
    with pytest.raises(Broken):
        answer(given, screen_id, {"q4": 1}, then=Broken())
    assert kept(given) == (0, 0, 0)
    answer(given, screen_id, {"q4": 1})
    assert kept(given) == (1, 1, 1)


def test_the_same_answers_again_change_nothing(given):
    screen_id = given.screen(given.episode())
    first = answer(given, screen_id, {"q1": 1})
    assert first is not None
    assert answer(given, screen_id, {"q1": 1}) is None
    assert kept(given) == (1, 1, 1)


def test_the_database_refuses_a_tier_told_twice(given):
    """Planted fault: a second row of the same screen and tier."""
    screen_id = given.screen(given.episode())
    risk = answer(given, screen_id, {"q4": 1})
    same = {c.key: getattr(risk, c.key) for c in sa.inspect(Risk).columns}
    with pytest.raises(IntegrityError):
        given.write(sa.insert(Risk).values({**same, "id": screen_id}))


STEPS = st.lists(
    st.tuples(st.sampled_from(INSTRUMENTS["C-SSRS"].items), st.integers(0, 1)), max_size=12
)


@settings(max_examples=300, deadline=None)
@drawn(STEPS)
def test_whatever_is_answered_in_whatever_order_a_grave_yes_is_a_sign_at_once(steps):
    answers = {}
    for item, value in steps:
        answers[item] = value
        sign = instruments.sign_of("C-SSRS", answers)
        if answers.get("q4") or answers.get("q5") or answers.get("q6_within_3_months"):
            assert sign.tier == "T1"
        elif answers.get("q3") or answers.get("q6"):
            assert sign.tier == "T2"
        elif answers.get("q1") or answers.get("q2"):
            assert sign.tier in ("T2", "T3")


@settings(max_examples=300, deadline=None)
@drawn(st.sampled_from(SUICIDE_SCREENS), st.data())
def test_more_yes_never_means_a_lower_tier(instrument, data):
    items = INSTRUMENTS[instrument].items
    yes = data.draw(st.lists(st.sampled_from(items), unique=True))
    tiers = []
    for n in range(len(yes) + 1):
        answers = {item: int(item in yes[:n]) for item in items}
        tiers.append(instruments.SUICIDE_TIERS.index(instruments.finding(instrument, answers)[0]))
    if instrument == "C-SSRS":  # a yes to 3-5 with a no to 2 contradicts until 2 is yes
        tiers = [t for t in tiers if instruments.SUICIDE_TIERS[t] != "INCOMPLETE"]
    assert all(before <= after for before, after in pairwise(tiers))


def test_crisis_tiers_rise_with_suicide_tiers():
    ranks = [
        TIERS.index(instruments.CRISIS_TIER[tier])
        for tier in instruments.SUICIDE_TIERS
        if tier != "NONE"
    ]
    assert ranks == sorted(ranks)
