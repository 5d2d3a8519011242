"""What a recommendation says, and how an IOP can be given: online, in person, or not yet.

Delivery, readiness and licence are gates apart from the level (CLINICAL; payer rows LEGAL).
"""

from dataclasses import dataclass, replace

from intake.facts import Known

OUTPATIENT, IOP, PHP, INPATIENT = "OUTPATIENT", "IOP", "PHP", "INPATIENT"
EMERGENCY, EMERGENCY_EVAL = "EMERGENCY", "EMERGENCY_EVAL"
MEDICAL_FIRST, CLINICIAN_REVIEW = "MEDICAL_FIRST", "CLINICIAN_REVIEW"
LEVELS = (
    OUTPATIENT, IOP, PHP, INPATIENT, EMERGENCY, EMERGENCY_EVAL, MEDICAL_FIRST, CLINICIAN_REVIEW,
)  # fmt: skip

SLOWEST_MBIT_S = 2.0
"""Below this a line needs support: 1 Mbit/s fails, 2 passes, between is undecided (to confirm)."""

ADMISSION = {
    "imminent_risk": "refused",
    "place": "blocked",
    "payer": "blocked",
    "video": "blocked",
    "licence": "blocked",
    "privacy_plan": "start_blocked",
    "readiness": "start_blocked",
}
"""Gates that stand between a level and admission to an online IOP, gravest first."""


@dataclass(frozen=True, kw_only=True)
class Recommendation:
    """A level with everything it rests on, for a clinician to review."""

    level: str
    rule: str
    row: int | None = None
    delivery: str = "none"
    held: bool = False
    step_down: bool = False
    risk_tier: str | None = None
    crisis_tier: str | None = None
    readiness: str | None = None
    track: str | None = None
    placement: str | None = None
    change: str | None = None
    candidates: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    alternatives: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    focus: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    gates: tuple[str, ...] = ()

    @property
    def admission(self) -> str:
        """Whether an online IOP may start: allowed, or what stands against it most."""
        return next((word for gate, word in ADMISSION.items() if gate in self.gates), "allowed")


def delivered(known: Known) -> Recommendation:
    """Row 6 where nothing stands against online, else row 7."""
    at_home = Recommendation(level=IOP, rule="LOC-6", row=6, delivery="online", readiness="ready")
    for obstacle in (_no_payer, _no_safe_place, _no_video, _slow_or_no_device, _overheard):
        at_home = obstacle(known, at_home)
    return at_home


def _no_payer(known: Known, found: Recommendation) -> Recommendation:
    """A payer that does not cover virtual IOP, Medicare for one.

    https://kriegdevault.com/insights/expansionofmedicarecoverageforbehavioralhealthservices/print
    """
    if known.yes("payer.virtual_allowed"):
        return found
    return _in_person(found, "payer", "payer_forbids_virtual")


def _no_safe_place(known: Known, found: Recommendation) -> Recommendation:
    """An unsafe home: call first, contact only where it is safe, no text to that number."""
    if known.get("private_space") != "unsafe":
        return found
    return replace(
        _in_person(found, "place", "no_safe_place"),
        alternatives=("online_with_safe_place_plan",),
        actions=(*found.actions, "clinician_call", "safe_contact_mode", "no_sms_to_home_number"),
    )


def _no_video(known: Known, found: Recommendation) -> Recommendation:
    if known.yes("accepts_video"):
        return found
    return _in_person(found, "video", "video_not_accepted")


def _slow_or_no_device(known: Known, found: Recommendation) -> Recommendation:
    """Support before the start: a loan, or dialling in where there is a phone."""
    if known.get("device") == "own" and known.get("network_mbit_s") >= SLOWEST_MBIT_S:
        return found
    if known.yes("phone") and known.yes("dial_in_plan"):
        return replace(found, conditions=(*found.conditions, "dial_in_plan"))
    support = "device_loan_or_dial_in_plan" if known.yes("phone") else "device_loan"
    return replace(
        _obstructed(found, "readiness"), readiness="needs_support",
        actions=(*found.actions, support),
    )  # fmt: skip


def _overheard(known: Known, found: Recommendation) -> Recommendation:
    """A place that can be made private: with a plan, or not before there is one."""
    if known.get("private_space") != "fixable":
        return found
    if known.get("privacy_plan"):
        return replace(found, conditions=(*found.conditions, "privacy_plan"))
    return replace(
        _obstructed(found, "privacy_plan"), actions=(*found.actions, "make_privacy_plan")
    )


def _in_person(found: Recommendation, gate: str, reason: str) -> Recommendation:
    found = _obstructed(found, gate)
    return replace(found, delivery="in_person", reasons=(*found.reasons, reason))


def _obstructed(found: Recommendation, gate: str) -> Recommendation:
    return replace(found, rule="LOC-7", row=7, gates=(*found.gates, gate))
