"""A sign for somebody with an open case: it joins, may raise the tier, and calls people out again
where it is said or seen after somebody spoke with the participant."""

import pytest
import sqlalchemy as sa

from chassis.announce import uuid7
from crisis import rules
from crisis.timeline import Entry
from services.crisis.tests.builders import START, seconds

WAYS = {
    "paging": (),
    "acknowledged": ("acknowledges",),
    "engaged": ("acknowledges", "logs_contact"),
    "emergency_services": ("acknowledges", "logs_contact", "dispatches"),
    "handed_off": ("acknowledges", "logs_contact", "dispatches", "hands_over"),
}
SIGNS = (
    "help_button", "facilitator_panic", "checkin_not_safe", "checkin_urge", "body_check_overdose",
    "reply_risk_words", "no_show_at_risk", "not_back_from_break", "asq_positive",
)  # fmt: skip


def stands(clinic, state, tier="T2"):
    """A case in this state, and whose it is."""
    person = uuid7()
    case_id = clinic.raises(tier, participant_id=person)
    for step in WAYS[state]:
        getattr(clinic, step)(case_id)
    return case_id, person


def calls(trigger, state):
    """When people are called out again, said once more."""
    if trigger in ("no_show_at_risk", "not_back_from_break"):
        return state == "engaged"
    return trigger != "asq_positive" and state in ("engaged", "emergency_services", "handed_off")


@pytest.mark.parametrize("state", WAYS)
@pytest.mark.parametrize("trigger", SIGNS)
def test_what_nobody_has_heard_yet_calls_people_out_again(clinic, trigger, state):
    """Planted faults: no sign as grave as the case calls anybody; every sign does."""
    case_id, person = stands(clinic, state)
    clinic.later(60)
    before = len(clinic.pages(case_id))
    assert clinic.raises("T2", participant_id=person, trigger=trigger) == case_id
    called = len(clinic.pages(case_id)) > before
    assert called == calls(trigger, state)
    with clinic.case(case_id) as (_, case):
        assert case.tier == "T2"
        assert case.state == ("paging" if called else state)
        assert (case.acknowledged_by is None) == (case.state == "paging")
        if called:
            assert (case.rung, case.generation) == (1, 2)
            assert case.next_due_at == START + seconds(60 + 600)
    assert ("called_anew" in clinic.told(case_id)) == called


@pytest.mark.parametrize("trigger", SIGNS)
def test_a_lesser_sign_that_calls_again_does_so_in_the_tier_of_the_case(clinic, trigger):
    """Planted fault: the ladder of the sign that joined."""
    case_id, person = stands(clinic, "engaged", "T1")
    clinic.raises("T3", participant_id=person, trigger=trigger)
    with clinic.case(case_id) as (_, case):
        assert (case.tier, case.ladder) == ("T1", rules.LADDERS["T1"])
        assert case.is_calling == (trigger != "asq_positive")


def test_a_graver_sign_raises_and_is_told_as_that(clinic):
    case_id, person = stands(clinic, "engaged")
    clinic.raises("T1", participant_id=person, trigger=rules.HELP)
    assert clinic.told(case_id)[-3:] == ["risk_attached", "tier_raised", "rung_paged"]


def test_the_timeline_says_who_pressed_the_button(clinic):
    facilitator = uuid7()
    case_id = clinic.raises("T1", trigger="facilitator_panic", raised_by=facilitator)
    with clinic.case(case_id) as (db, _):
        opened, *_ = timeline_of(db, case_id)
        assert opened.facts["raised_by"] == str(facilitator)
    silent = clinic.raises("T1")
    with clinic.case(silent) as (db, _):
        opened, *_ = timeline_of(db, silent)
        assert "raised_by" not in opened.facts


def timeline_of(db, case_id):
    entries = sa.select(Entry).where(Entry.case_id == case_id).order_by(Entry.position)
    return db.scalars(entries).all()
