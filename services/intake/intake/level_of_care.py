"""The level-of-care decision table: first row that holds recommends, a human confirms.

Facts are coded; none is a free text, and no model learns anything. A fact nobody stated is
missing, never assumed, and what is missing leads to a clinician. Rows are CLINICAL: draft until a
licensed clinician has signed the 24 vignettes in the tests. Sources of the criteria:
https://nahri.org/articles/cms-releases-billing-requirements-new-condition-code-92 (IOP) and
https://med.noridianmedicare.com/web/jea/provider-types/mental-health/intensive-outpatient-program
(hours); the rows themselves are a decision of this project.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from intake import instruments
from intake.delivery import (
    CLINICIAN_REVIEW,
    EMERGENCY,
    EMERGENCY_EVAL,
    INPATIENT,
    IOP,
    MEDICAL_FIRST,
    OUTPATIENT,
    PHP,
    Recommendation,
    delivered,
)  # fmt: skip
from intake.facts import (
    AROUND_THE_CLOCK,
    BEFORE_ANY_LEVEL,
    DANGER_NOW,
    MEDICAL,
    ONLINE,
    SEEN_TODAY,
    Known,
)  # fmt: skip
from intake.instruments import GAD_7, HIGH, INCOMPLETE, LOW, MODERATE, NONE, PHQ_9, RELIABLE_CHANGE

PC_PTSD_5_POSITIVE = 4
"""https://comorbidityguidelines.org.au/appendix-r-primary-care-ptsd-screen-for-dsm5-pcptsd5"""

WEEKS_BEFORE_STEP_DOWN = 2
STEP_DOWN_DAYS = 7
"""From leaving a hospital to the first appointment, at most; practice aims at two days (F11)."""

OVERRIDE_EVIDENCE = ("discharge_assessment", "safety_plan", "means_plan")
"""What a licensed clinician must have before IOP may start in spite of tier HIGH (CLINICAL)."""

Row = Callable[[Known], Recommendation | None]


def danger_now(known: Known) -> Recommendation | None:
    """Row 1: attempt in progress, overdose, means in hand, violent intent: emergency services."""
    return _level(EMERGENCY, 1, known.yes(*DANGER_NOW), actions=("emergency_services_packet",))


def seen_today(known: Known) -> Recommendation | None:
    """Row 2: suicide tier HIGH, commands to harm, grave self-neglect: in person the same day."""
    found = known.yes(*SEEN_TODAY) + (("suicide_tier_high",) if known.tier == HIGH else ())
    return _level(EMERGENCY_EVAL, 2, found)


def medical_first(known: Known) -> Recommendation | None:
    """Row 3: withdrawal risk, unstable medical or eating-disorder signs, delirium."""
    return _level(MEDICAL_FIRST, 3, known.yes(*MEDICAL))


def around_the_clock(known: Known) -> Recommendation | None:
    """Row 4: 24-hour observation, psychosis or mania without insight, no safe home."""
    return _level(INPATIENT, 4, known.yes(*AROUND_THE_CLOCK))


def screen_incomplete(known: Known) -> Recommendation | None:
    """Row 9 before its turn: a suicide screen was begun and not ended, so a human calls back."""
    found = ("screen_incomplete",) if known.tier == INCOMPLETE else ()
    return _level(CLINICIAN_REVIEW, 9, found, actions=("callback",))


def partial_hospital(known: Known) -> Recommendation | None:
    """Row 5: severe, marked functional loss, moderate risk, and oversight needed or IOP failed.

    Which of these must hold together is to confirm; all do here, and fewer go to a clinician.
    """
    failed = known.yes("needs_daily_medical_oversight", "prior_care.iop_failed")
    grave = known.at_least("severe") and known.yes("marked_functional_loss")
    return _level(PHP, 5, failed if grave and known.tier == MODERATE else ())


def held_for_assessment(known: Known) -> Recommendation | None:
    """MODERATE holds the recommendation until a licensed assessment (to confirm, CLINICAL)."""
    if known.tier != MODERATE or known.yes("licensed_assessment_done"):
        return None
    otherwise = _first(_AFTER_HOLD, known).level
    candidates = [level for level in (otherwise,) if level != CLINICIAN_REVIEW]
    return Recommendation(
        level=CLINICIAN_REVIEW, rule="LOC-HOLD", held=True, reasons=("risk_tier_moderate",),
        candidates=(*candidates, *((PHP,) if known.at_least("severe") else ())),
        actions=("moderate_risk_actions_first",),
    )  # fmt: skip


def partial_hospital_in_doubt(known: Known) -> Recommendation | None:
    """IOP failed or daily oversight is needed, but row 5 does not hold in full: a clinician."""
    found = known.yes("needs_daily_medical_oversight", "prior_care.iop_failed")
    return _review(found, candidates=(IOP, PHP)) if found else None


def facts_missing(known: Known) -> Recommendation | None:
    """Row 9: a fact that every level rests on is missing."""
    missing = known.missing(("suicide_tier", *BEFORE_ANY_LEVEL))
    if known.severity is None and not known.yes("prior_care.step_down_referral"):
        if not missing:
            by_severity = [_first(_AFTER_HOLD, known.measured(points)).level for points in (15, 5)]
            return _review(("facts_missing",), ("severity",), tuple(by_severity))
        missing = ("severity", *missing)
    return _review(("facts_missing",), missing) if missing else None


def intensive_outpatient(known: Known) -> Recommendation | None:
    """Rows 6 and 7: moderate to severe, and weekly therapy is not enough or it is a step-down.

    A step-down from a hospital counts as at least moderate (to confirm, CLINICAL).
    """
    stepping_down = known.yes("prior_care.step_down_referral")
    weekly_failed = known.yes("prior_care.weekly_therapy_insufficient")
    if not (stepping_down or (known.at_least("moderate") and weekly_failed)):
        return None
    return _participation(known) or delivered(known)


def outpatient(known: Known) -> Recommendation | None:
    """Row 8: mild to moderate, functioning, low risk."""
    well = not known.at_least("moderately_severe") and not known.yes("marked_functional_loss")
    if well and known.severity and known.tier in (NONE, LOW):
        return Recommendation(level=OUTPATIENT, rule="LOC-8", row=8)
    return None


def nothing_fits(_known: Known) -> Recommendation:
    """Row 9: whatever the rows above do not decide."""
    return _review(("no_row_holds",))


def getting_worse(known: Known) -> Recommendation | None:
    """Continued stay: a rise by the reliable change, or any step up in item 9 or suicide tier.

    Thresholds are to confirm (CLINICAL).
    """
    rises = {
        "phq9_rise": _rise(known, "phq9_total", "phq9_baseline") >= RELIABLE_CHANGE[PHQ_9],
        "gad7_rise": _rise(known, "gad7_total", "gad7_baseline") >= RELIABLE_CHANGE[GAD_7],
        "item_9_rise": _rise(known, "phq9_item9", "phq9_item9_baseline") > 0,
        "suicide_tier_rise": instruments.higher(known.tier or NONE, _before(known))
        != _before(known),
    }
    found = tuple(name for name, rose in rises.items() if rose)
    if not found:
        return None
    return Recommendation(
        level=CLINICIAN_REVIEW, rule="LOC-UP", candidates=(PHP,), change="step_up_review",
        reasons=found,
    )  # fmt: skip


def well_enough(known: Known) -> Recommendation | None:
    """Continued stay: step down when row 8 holds two weeks running."""
    weeks = known.get("weeks_meeting_outpatient_row") or 0
    if outpatient(known) and weeks >= WEEKS_BEFORE_STEP_DOWN:
        return Recommendation(level=OUTPATIENT, rule="LOC-8", row=8, change="step_down")
    return None


def staying(known: Known) -> Recommendation | None:
    """Continued stay: goes on in IOP with progress or a changed plan, as row 6 or 7 delivers it.

    https://www.chartahealth.com/resources/iop-php-compliance
    """
    better = _rise(known, "phq9_total", "phq9_baseline") < 0
    if not (better or known.yes("plan_changed")):
        return None
    return _participation(known) or replace(delivered(known), rule="LOC-STAY", change="stay")


def _rise(known: Known, now: str, before: str) -> int:
    """Points since the baseline, more is worse; 0 where either is unknown."""
    points = known.get(f"measures.{now}"), known.get(f"measures.{before}")
    return 0 if None in points else points[0] - points[1]


def _before(known: Known) -> str:
    """The suicide tier of the screens before the last; unknown is as if nothing had changed."""
    return known.get("suicide_tier_before") or known.tier or NONE


_STOPS: tuple[Row, ...] = (
    danger_now, seen_today, medical_first, around_the_clock, screen_incomplete,
)  # fmt: skip
_AFTER_HOLD: tuple[Row, ...] = (
    partial_hospital_in_doubt, facts_missing, intensive_outpatient, outpatient, nothing_fits,
)  # fmt: skip
AT_INTAKE: tuple[Row, ...] = (*_STOPS, partial_hospital, held_for_assessment, *_AFTER_HOLD)
DURING_STAY: tuple[Row, ...] = (
    *_STOPS, partial_hospital, held_for_assessment, getting_worse, facts_missing, well_enough,
    staying, nothing_fits,
)  # fmt: skip


def recommend(facts: Mapping[str, Any]) -> Recommendation:
    """The first row that holds, with the actions, gates and readings that go with it.

    `facts` are those of FACTS, nested or dotted, with `suicide_tier`, `phase` and the measures
    of the screens.
    """
    known = Known(facts)
    rows = DURING_STAY if known.get("phase") == "continued_stay" else AT_INTAKE
    found = _first(rows, known)
    at_once = found.level in (EMERGENCY, EMERGENCY_EVAL)
    licensed = known.get("licensed_facilitator_available") is not False
    gates = (("imminent_risk",) if known.tier == HIGH else ()) + found.gates
    return replace(
        found,
        risk_tier=known.tier,
        crisis_tier="T1" if at_once else instruments.CRISIS_TIER.get(known.tier or NONE),
        step_down=bool(known.yes("prior_care.step_down_referral")),
        track="evening" if known.get("availability") == "evenings_only" else None,
        focus=_focus(known),
        actions=(*found.actions, *_actions(known)),
        placement=None if licensed else "waitlist_or_refer",
        reasons=(*found.reasons, *(() if licensed else ("licence",))),
        gates=(*gates, *(() if licensed else ("licence",))),
    )


def after_override(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts once a licensed clinician, holding OVERRIDE_EVIDENCE, overrode tier HIGH."""
    tier = facts.get("suicide_tier")
    assessed = {"suicide_tier": MODERATE if tier == HIGH else tier}
    return {**facts, **assessed, "licensed_assessment_done": True}


def _first(rows: tuple[Row, ...], known: Known) -> Recommendation:
    return next(found for row in rows if (found := row(known)) is not None)


def _level(level: str, row: int, reasons: tuple[str, ...], **more: Any) -> Recommendation | None:
    if not reasons:
        return None
    return Recommendation(level=level, rule=f"LOC-{row}", row=row, reasons=reasons, **more)


def _review(
    reasons: tuple[str, ...], missing: tuple[str, ...] = (), candidates: tuple[str, ...] = ()
) -> Recommendation:
    return Recommendation(
        level=CLINICIAN_REVIEW, rule="LOC-9", row=9, reasons=reasons, missing=missing,
        candidates=candidates,
    )  # fmt: skip


def _participation(known: Known) -> Recommendation | None:
    """What else row 6 asks, for a clinician to look at: groups, safety plan, nothing unknown."""
    at_risk = known.tier != NONE
    asked = (*ONLINE, *(("safety_plan_workable",) if at_risk else ()))
    if missing := known.missing(asked):
        return _review(("facts_missing",), missing, (IOP,))
    if not known.yes("can_take_part_in_groups"):
        return _review(("groups_not_possible",), candidates=(IOP, OUTPATIENT))
    if at_risk and not known.yes("safety_plan_workable"):
        return _review(("no_workable_safety_plan",), candidates=(IOP, PHP))
    return None


def _focus(known: Known) -> tuple[str, ...]:
    trauma = (known.get("measures.pc_ptsd5_total") or 0) >= PC_PTSD_5_POSITIVE
    return ("trauma",) if trauma else ()


def _actions(known: Known) -> tuple[str, ...]:
    """What a clinician is to do whatever the level."""
    actions: tuple[str, ...] = ()
    if known.tier == LOW:
        actions += ("same_day_clinician_review", "offer_safety_plan")
    if (known.get("measures.phq9_item9") or 0) >= 1 and known.tier == NONE:
        actions += ("note_discordance", "same_day_clinician_review")
    if known.yes("flashbacks_in_past_groups"):
        actions += ("clinician_note",)
    return actions
