"""Screening instruments: their items, how they are scored, and which answer needs a human now.

No item is worded here. What may be shown, and under which licence, is said in
`instruments/<id>/licence.yaml`. Every threshold is CLINICAL: a licensed clinician must sign it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

Answers = Mapping[str, int]
"""Item code to answer: 0-3 on PHQ-9 and GAD-7, 0 (no) or 1 (yes) on ASQ and C-SSRS."""

PHQ_9, GAD_7, ASQ, C_SSRS = "PHQ-9", "GAD-7", "ASQ", "C-SSRS"
SUICIDE_SCREENS = (C_SSRS, ASQ)

NONE, LOW, INCOMPLETE, MODERATE, HIGH = "NONE", "LOW", "INCOMPLETE", "MODERATE", "HIGH"
SUICIDE_TIERS = (NONE, LOW, INCOMPLETE, MODERATE, HIGH)
"""Rising. INCOMPLETE counts as MODERATE until a human has looked; it is never NONE."""

CRISIS_TIER = {LOW: "T3", INCOMPLETE: "T2", MODERATE: "T2", HIGH: "T1"}
"""Which crisis tier a suicide tier asks for (the project's own mapping, CLINICAL)."""

SCREEN_MINUTES = 10
"""A screen not ended this long after its start is INCOMPLETE (project rule, CLINICAL)."""


@dataclass(frozen=True)
class Instrument:
    """Items in the order they are asked; each is answered from 0 to `highest`."""

    id: str
    items: tuple[str, ...]
    highest: int
    loinc: Mapping[str, str] = field(default_factory=dict)
    """LOINC code of the panel, the total and each item, where one is on file."""


@dataclass(frozen=True)
class Sign:
    """A sign of danger: how urgent, and what gave it."""

    tier: str
    trigger: str


def _coded(prefix: str, codes: str) -> dict[str, str]:
    return {f"{prefix}_{i}": code for i, code in enumerate(codes.split(), 1)}


_PHQ_LOINC = _coded(
    "phq9", "44250-9 44255-8 44259-0 44254-1 44251-7 44258-2 44252-5 44253-3 44260-8"
)
_GAD_LOINC = _coded("gad7", "69725-0 68509-9 69733-4 69734-2 69735-9 69689-8 69736-7")

INSTRUMENTS = {
    one.id: one
    for one in (
        # Codes: https://loinc.org/69729-2 (both as parts of PHQ-SADS), https://loinc.org/44249-1
        Instrument(
            PHQ_9, tuple(_PHQ_LOINC), 3, {"panel": "44249-1", "total": "44261-6", **_PHQ_LOINC}
        ),
        Instrument(
            GAD_7, tuple(_GAD_LOINC), 3, {"panel": "69737-5", "total": "70274-6", **_GAD_LOINC}
        ),
        Instrument(ASQ, tuple(f"asq_{i}" for i in range(1, 6)), 1),
        # Code: https://github.com/SPiER-Project/adoption-guide
        Instrument(
            C_SSRS,
            ("q1", "q2", "q3", "q4", "q5", "q6", "q6_within_3_months"),
            1,
            {"panel": "93373-9", "total": "93374-7"},
        ),
    )
}

BANDS = {
    # https://www.calcipedia.org/calculators/phq-9-calculator
    PHQ_9: ((0, "minimal"), (5, "mild"), (10, "moderate"), (15, "moderately_severe"),
            (20, "severe")),
    # https://github.com/ucam-department-of-psychiatry/camcops
    GAD_7: ((0, "minimal"), (5, "mild"), (10, "moderate"), (15, "severe")),
}  # fmt: skip
"""Lowest total of each band, in points."""

POSITIVE_FROM = {PHQ_9: 10, GAD_7: 10}
"""Total from which the screen is positive, in points; sources as for the bands."""

RELIABLE_CHANGE = {PHQ_9: 5, GAD_7: 4}
"""Smallest change that counts, in points (to confirm).

Of the two PHQ-9 figures in use, 5 and 6, the smaller: it misses less deterioration.
"""


def wrong_answers(instrument: str, answers: Answers) -> dict[str, str]:
    """Items that the instrument does not have, and answers outside its range."""
    about = INSTRUMENTS[instrument]
    wrong = dict.fromkeys(set(answers) - {*about.items}, "Not an item of this instrument.")
    for item in about.items:
        if not 0 <= answers.get(item, 0) <= about.highest:
            wrong[item] = f"Must be 0 to {about.highest}."
    return wrong


def missing(instrument: str, answers: Answers) -> tuple[str, ...]:
    """Items still to be answered.

    ASQ asks item 5 after a yes to items 1-4. The C-SSRS Screener asks 1, 2 and 6 of everybody,
    3 to 5 after a yes to 2, and the three months after a yes to 6
    (https://github.com/SPiER-Project/adoption-guide).
    """
    skipped: tuple[str, ...] = ()
    if instrument == ASQ and not _yes(answers, "asq_1", "asq_2", "asq_3", "asq_4"):
        skipped = ("asq_5",)
    if instrument == C_SSRS:
        skipped = () if _yes(answers, "q2") else ("q3", "q4", "q5")
        skipped += () if _yes(answers, "q6") else ("q6_within_3_months",)
    return tuple(i for i in INSTRUMENTS[instrument].items if i not in answers and i not in skipped)


def total(instrument: str, answers: Answers) -> int | None:
    """The sum of a PHQ-9 (0-27) or GAD-7 (0-21) answered to the end; ASQ and C-SSRS have none."""
    return sum(answers.values()) if instrument in BANDS else None


def band(instrument: str, answers: Answers) -> str:
    """The band of an instrument answered to the end."""
    if instrument in BANDS:
        return band_of_total(instrument, sum(answers.values()))
    if instrument == C_SSRS:
        return suicide_tier(C_SSRS, answers).lower()
    return {HIGH: "imminent", MODERATE: "positive_not_imminent"}.get(
        suicide_tier(ASQ, answers), "negative"
    )


def band_of_total(instrument: str, points: int) -> str:
    """The severity band of a PHQ-9 or GAD-7 total."""
    return next(name for lowest, name in reversed(BANDS[instrument]) if points >= lowest)


def is_positive(instrument: str, points: int) -> bool:
    """Whether a PHQ-9 or GAD-7 total screens positive."""
    return points >= POSITIVE_FROM[instrument]


def suicide_tier(instrument: str, answers: Answers) -> str:
    """The suicide tier of an ended ASQ or C-SSRS; INCOMPLETE when anything is missing."""
    tier, _ = finding(instrument, answers)
    if tier in (HIGH, MODERATE) or not missing(instrument, answers):
        return tier
    return INCOMPLETE


def finding(instrument: str, answers: Answers) -> tuple[str, tuple[str, ...]]:
    """The suicide tier of what has been answered so far, and what it rests on. First match wins."""
    return _asq(answers) if instrument == ASQ else _cssrs(answers)


def _asq(answers: Answers) -> tuple[str, tuple[str, ...]]:
    """Item 5 yes is HIGH, a positive screen MODERATE (mapping proposed, to confirm, CLINICAL).

    https://www.nimh.nih.gov/labs-at-nimh/asq-toolkit-materials/index.shtml
    """
    if _yes(answers, "asq_5"):
        return HIGH, ("asq_5",)
    positive = _yes(answers, "asq_1", "asq_2", "asq_3", "asq_4")
    return (MODERATE, positive) if positive else (NONE, ("all_no",))


def _cssrs(answers: Answers) -> tuple[str, tuple[str, ...]]:
    """Columbia's own triage for HIGH; MODERATE and LOW are local policy (CLINICAL).

    https://fdocuments.in/document/microsoft-word-c-ssrs-triage-web-view-clinical-triage-and-workflow-guidelines.html
    https://docsbay.net/doc/914678/c-ssrs-triage-guidelines
    Some public guides treat item 4 as moderate, which under-triages: here it is HIGH.
    """
    if high := _yes(answers, "q4", "q5", "q6_within_3_months"):
        return HIGH, high
    if answers.get("q2") == 0 and {"q3", "q4", "q5"} & set(answers):
        return INCOMPLETE, ("contradictory",)
    moderate = _yes(answers, "q3") + (("q6_older",) if _yes(answers, "q6") else ())
    if moderate:
        return MODERATE, moderate
    low = _yes(answers, "q1", "q2")
    return (LOW, low) if low else (NONE, ("all_no",))


def asks_for_suicide_screen(answers: Answers) -> bool:
    """Whether PHQ-9 item 9 opens a suicide screen in the same flow, whatever the total.

    Project rule (CLINICAL): stopping there is INCOMPLETE.
    """
    return answers.get("phq9_9", 0) >= 1


def sign_of(instrument: str, answers: Answers) -> Sign | None:
    """What the answers so far ask of crisis: the most urgent sign, or None.

    PHQ-9 item 9 of 2 or 3 is T2 even when the suicide screen that follows is all no; 1 waits for
    that screen, whose result decides (project rule, CLINICAL). ASQ and C-SSRS go by their suicide
    tier.
    """
    if instrument == PHQ_9:
        return ITEM_9_SIGN if answers.get("phq9_9", 0) >= 2 else None
    if instrument not in SUICIDE_SCREENS:
        return None
    tier, _ = finding(instrument, answers)
    if tier == INCOMPLETE:
        return INCOMPLETE_SIGN
    if instrument == ASQ:
        trigger = "asq_imminent" if tier == HIGH else "asq_positive"
    else:
        trigger = f"cssrs_{tier.lower()}"
    return Sign(CRISIS_TIER[tier], trigger) if tier in CRISIS_TIER else None


INCOMPLETE_SIGN = Sign("T2", "screen_incomplete")
"""What a screen that was started, or asked for by item 9, and not ended asks of crisis."""

ITEM_9_SIGN = Sign("T2", "phq9_item9")


def higher(one: str, other: str) -> str:
    """The graver of two suicide tiers."""
    return max(one, other, key=SUICIDE_TIERS.index)


def _yes(answers: Answers, *items: str) -> tuple[str, ...]:
    return tuple(item for item in items if answers.get(item))
