"""The facts a level of care rests on: what a clinician may state, and what nobody has stated.

Facts are coded; none is a free text. A fact nobody stated is missing, never assumed.
"""

from collections.abc import Mapping
from typing import Any

from intake import instruments
from intake.instruments import GAD_7, HIGH, LOW, MODERATE, NONE, PHQ_9

DANGER_NOW = (
    "danger_now.attempt_in_progress", "danger_now.overdose", "danger_now.loss_of_consciousness",
    "danger_now.means_in_hand_no_agreement", "danger_now.violent_intent",
)  # fmt: skip
SEEN_TODAY = ("acute.command_hallucinations_to_harm", "acute.grave_self_neglect")
MEDICAL = (
    "medical.withdrawal_risk", "medical.unstable_medical", "medical.eating_disorder_signs",
    "medical.delirium",
)  # fmt: skip
AROUND_THE_CLOCK = (
    "acute.needs_24h_observation", "acute.psychosis_or_mania_without_insight",
    "acute.no_safe_home",
)  # fmt: skip
COURSE = (
    "prior_care.weekly_therapy_insufficient", "prior_care.iop_failed", "marked_functional_loss",
    "needs_daily_medical_oversight",
)  # fmt: skip
ONLINE = (
    "can_take_part_in_groups", "private_space", "device", "network_mbit_s", "accepts_video",
    "payer.virtual_allowed", "licensed_facilitator_available",
)  # fmt: skip
BEFORE_ANY_LEVEL = (*DANGER_NOW, *SEEN_TODAY, *MEDICAL, *AROUND_THE_CLOCK, *COURSE)

FACTS: dict[str, type | tuple[str, ...]] = {
    **dict.fromkeys(BEFORE_ANY_LEVEL, bool),
    **dict.fromkeys(ONLINE, bool),
    "private_space": ("ok", "fixable", "unsafe"),
    "device": ("own", "none"),
    "network_mbit_s": float,
    "privacy_plan": list,
    "phone": bool,
    "dial_in_plan": bool,
    "prior_care.step_down_referral": bool,
    "safety_plan_workable": bool,
    "licensed_assessment_done": bool,
    "risk_tier_stated": (LOW, MODERATE, HIGH),
    "availability": ("any", "evenings_only"),
    "flashbacks_in_past_groups": bool,
    "measures.pc_ptsd5_total": int,
    "weeks_meeting_outpatient_row": int,
    "plan_changed": bool,
}
"""Every fact a clinician may state, and what it may be. A fact that no row reads is refused."""

_SEVERITY = ("minimal", "mild", "moderate", "moderately_severe", "severe")


class Known:
    """The facts that somebody stated, by dotted name."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self._facts = dict(_flat(facts))

    def get(self, name: str) -> Any:
        return self._facts.get(name)

    def yes(self, *names: str) -> tuple[str, ...]:
        """Those of these facts that hold, by their last word."""
        return tuple(n.rpartition(".")[2] for n in names if self._facts.get(n) is True)

    def missing(self, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name for name in names if self._facts.get(name) is None)

    @property
    def tier(self) -> str | None:
        """Suicide tier of the screens; a clinician may state a graver one, never a lesser."""
        screened, stated = self.get("suicide_tier"), self.get("risk_tier_stated")
        if screened is None and stated != HIGH:
            return None
        return instruments.higher(screened or NONE, stated or NONE)

    @property
    def severity(self) -> str | None:
        """The graver band of PHQ-9 and GAD-7, or None when neither was answered."""
        totals = {PHQ_9: self.get("measures.phq9_total"), GAD_7: self.get("measures.gad7_total")}
        bands = [instruments.band_of_total(i, t) for i, t in totals.items() if t is not None]
        return max(bands, key=_SEVERITY.index, default=None)

    def at_least(self, band: str) -> bool:
        return self.severity is not None and _SEVERITY.index(self.severity) >= _SEVERITY.index(band)

    def measured(self, phq9_total: int) -> "Known":
        """The same facts, had PHQ-9 come to this total."""
        return Known({**self._facts, "measures.phq9_total": phq9_total})


def _flat(facts: Mapping[str, Any], within: str = "") -> list[tuple[str, Any]]:
    flat: list[tuple[str, Any]] = []
    for name, value in facts.items():
        if isinstance(value, Mapping):
            flat += _flat(value, f"{within}{name}.")
        else:
            flat.append((within + name, value))
    return flat
