"""The forms by which people say what they decided about a case."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from chassis.database import Session
from crisis import rota, rules
from crisis.board import words
from crisis.case import SAFETY_PLANS, Case

Options = list[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Field:
    """A choice, or a line of text where there are no options."""

    name: str
    label: str
    options: Options = field(default_factory=list)
    hint: str = ""
    value: str = ""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A form about one case: what it asks, and what it says before."""

    title: str
    lead: str
    button: str
    fields: list[Field]
    calls_for_help: bool = False
    """Whether the numbers to call stand above it."""

    def about(self, case: Case) -> dict[str, Any]:
        """What its template shows."""
        return {"decision": self, "case": case, "words": words}


def conclusion(db: Session, case: Case, person_id: UUID) -> Decision:
    """How the acute part of a case ends."""
    owes = rules.owes_follow_up(case.tier, "other")
    hint = "After T1 and T2 contact is owed, unless the case was raised in error." if owes else ""
    return Decision(
        title="Conclude",
        lead="How does it stand after your assessment? You decide by your licence; this software "
        "assesses nothing.",
        button="Conclude",
        fields=[
            Field(name="disposition", label="Disposition", options=_said(rules.DISPOSITIONS)),
            Field(name="safety_plan", label="Safety plan", options=_said(SAFETY_PLANS)),
            Field(name="follow_up", label="Contact afterwards", hint=hint,
                  options=_said(rules.FOLLOW_UPS)),
            _licence(db, person_id),
        ],
    )  # fmt: skip


def lower_tier(db: Session, case: Case, person_id: UUID) -> Decision:
    """That there is less danger than was feared."""
    lower = [(t, words.tier(t)) for t in rules.TIERS if rules.is_higher(case.tier, t)]
    return Decision(
        title="Lower the tier",
        lead=f"It is {words.tier(case.tier)} now. A machine only raises it; to lower it takes a "
        "licensed person and a reason.",
        button="Lower the tier",
        fields=[
            Field(name="tier", label="New tier", options=lower),
            Field(name="reason", label="Reason", options=_said(rules.LOWERED_BECAUSE)),
            _licence(db, person_id),
        ],
    )


def dispatch() -> Decision:
    """That emergency services were called, by a person."""
    return Decision(
        title="Emergency services",
        lead="This software calls nobody. Call first, then say on what basis you did; the packet "
        "has what they will ask you.",
        button="I have called them",
        fields=[Field(name="basis", label="Basis", options=_said(rules.BASES))],
        calls_for_help=True,
    )


def hand_over() -> Decision:
    """Who has the participant in their care now."""
    return Decision(
        title="Hand over",
        lead="Who has the participant in their care now? A disposition is still due afterwards.",
        button="Handed over",
        fields=[Field(name="to", label="Handed over to", options=_said(rules.TAKEN_BY))],
    )


def triggers() -> Options:
    """What a case may be opened for by hand."""
    return _said(rules.TRIGGERS_BY_HAND)


def _said(codes: Iterable[str]) -> Options:
    return [(code, _capital(words.said(code))) for code in codes]


def _licence(db: Session, person_id: UUID) -> Field:
    """The state whose licence one decides by; the only one is filled in."""
    clinician = db.get(rota.Clinician, person_id)
    licences = clinician.licences if clinician else []
    return Field(
        name="licence",
        label="Your licence",
        options=[(state, state) for state in licences],
        hint="" if licences else "The state, in two letters, such as NY. None is known of you.",
        value=licences[0] if len(licences) == 1 else "",
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
