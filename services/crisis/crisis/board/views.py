"""What the case board and the page of a case show, by the server's clock."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from chassis.database import Session
from chassis.details import Vault
from chassis.refusals import NotFound
from crisis import rota, rules
from crisis.board import drawing, people, words
from crisis.board.words import Moment
from crisis.case import CALLING, HELD, STATES, Case, Risk
from crisis.paging.page import Page
from crisis.participant import Participant
from crisis.timeline import Entry

MOST_CASES, MOST_PAGES, MOST_ENTRIES = 100, 200, 200

GROUPS = (
    ("calling", "Nobody has it", CALLING, Case.raised_at),
    ("held", "Somebody has it", HELD[:-1], Case.raised_at),
    ("follow_up", "Follow-up", ("follow_up",), Case.next_due_at),
)  # fmt: skip
"""The parts of the board, the most urgent first; in each the oldest case comes first, and of
follow-ups the one whose next contact is due first."""

DUE = {"acknowledged": "Contact", "follow_up": "The next contact"}
"""What is due of a case that somebody has; in any other state, a disposition."""


@dataclass(frozen=True)
class Called:
    """Somebody who was paged at a rung, and what became of it."""

    name: str
    state: str


@dataclass(frozen=True)
class Rung:
    """A rung that was called, when, and whom."""

    number: int
    at: datetime
    people: list[Called]


@dataclass(frozen=True, kw_only=True)
class Card:
    """A case as the board shows it."""

    case: Case
    moment: Moment
    has_it: str | None
    rungs: list[Rung]
    next: str
    steps: frozenset[str]

    @property
    def is_late(self) -> bool:
        """Whether its deadline is over and nothing has happened yet."""
        return self.case.next_due_at is not None and self.moment.is_over(self.case.next_due_at)


@dataclass(frozen=True)
class Group:
    """A part of the board; `more` are those that are not shown."""

    id: str
    title: str
    cards: list[Card]
    more: int


def board(db: Session, vault: Vault) -> dict[str, Any]:
    """Every open case of the reader's clinics."""
    found = [_of(db, states, order) for _, _, states, order in GROUPS]
    cards = iter(_cards(db, vault, [case for cases, _ in found for case in cases]))
    return {
        "groups": [
            Group(name, title, [next(cards) for _ in cases], more)
            for (name, title, _, _), (cases, more) in zip(GROUPS, found, strict=True)
        ],
        "words": words,
    }


def one(db: Session, vault: Vault, case_id: UUID, *, names_participant: bool) -> dict[str, Any]:
    """A case with all that happened to it. Raises NotFound."""
    case = db.get(Case, case_id)
    if case is None:
        raise NotFound("case", case_id=str(case_id))
    (card,) = _cards(db, vault, [case])
    entries = _latest(db, Entry, case, MOST_ENTRIES, Entry.position)
    pages = _latest(db, Page, case, MOST_PAGES, Page.called_at, Page.id)
    had_it = (entry.facts.get("had_it") for entry in entries)
    written = people.authors([entry.by for entry in entries])
    staff = {page.clinician_id for page in pages} | {UUID(who) for who in had_it if who} | written
    called = people.names(db, vault, {*staff, case.acknowledged_by, case.closed_by})
    risks = sa.select(Risk).where(Risk.case_id == case_id).order_by(Risk.noticed_at, Risk.id)
    return {
        "card": card,
        "participant": people.participant(db, vault, case.participant_id)
        if names_participant
        else None,
        "risks": db.scalars(risks).all(),
        "entries": [
            (entry, words.told(entry.what, entry.facts, card.moment, called),
             people.author(entry.by, called))
            for entry in entries
        ],
        "earlier": case.version - len(entries),
        "picture": _picture(case, pages, entries, card.moment.now, called),
        "words": words,
    }  # fmt: skip


def case_of(db: Session, case_id: UUID) -> Case:
    """A case of the reader's clinics. Raises NotFound."""
    case = db.get(Case, case_id)
    if case is None:
        raise NotFound("case", case_id=str(case_id))
    return case


def _of(db: Session, states: Sequence[str], order: Any) -> tuple[Sequence[Case], int]:
    """The oldest cases in these states, and how many more there are."""
    of_group = Case.state.in_(states)
    wanted = sa.select(Case).where(of_group).order_by(order, Case.id).limit(MOST_CASES)
    cases = db.scalars(wanted).all()
    if len(cases) < MOST_CASES:
        return cases, 0
    count = db.scalar(sa.select(sa.func.count()).select_from(Case).where(of_group)) or 0
    return cases, count - len(cases)


def _cards(db: Session, vault: Vault, cases: Sequence[Case]) -> list[Card]:
    pages = _pages_of_generation(db, cases)
    on_call = {clinic: rota.on_call(db, clinic) for clinic in {case.clinic_id for case in cases}}
    steps = {case.id: _next_step(case, on_call[case.clinic_id]) for case in cases}
    called = {case.id: _called(steps[case.id], on_call[case.clinic_id]) for case in cases}
    ids = {page.clinician_id for some in pages.values() for page in some}
    ids |= {person for some in called.values() for person in some}
    names = people.names(db, vault, [*ids, *(case.acknowledged_by for case in cases)])
    zones = _zones(db, cases)
    return [
        Card(
            case=case,
            moment=(moment := Moment(db.now, zones.get(case.participant_id))),
            has_it=names.get(str(case.acknowledged_by)),
            rungs=_rungs(pages.get(case.id, []), names),
            next=_next(case, steps[case.id], called[case.id], moment, names),
            steps=frozenset(step for state, step in STATES.table if state == case.state),
        )
        for case in cases
    ]


def _next_step(case: Case, on_call: rota.OnCall) -> rules.Step | None:
    """What the ladder will do when it is due, while nobody has the case."""
    if case.state not in CALLING or case.next_due_at is None:
        return None
    return rules.steps_due(
        case.ladder,
        rung=case.rung,
        generation=case.generation,
        due_at=case.next_due_at,
        now=case.next_due_at,
        manned=on_call.manned(case.ladder),
    )[-1]


def _called(step: rules.Step | None, on_call: rota.OnCall) -> list[UUID]:
    return on_call.called(step) if isinstance(step, rules.Call) else []


def _next(
    case: Case,
    step: rules.Step | None,
    called: list[UUID],
    moment: Moment,
    names: dict[str, str],
) -> str:
    """What is due next, and whom it calls."""
    if case.next_due_at is None:
        return "Nothing is due any more"
    match step:
        case rules.Rise():
            return moment.due(f"Tier {step.tier}", case.next_due_at)
        case rules.Call():
            what = "Everybody again" if step.rung == case.rung else f"Rung {step.rung}"
            whom = ", ".join(names[str(person)] for person in called) or "the desk"
            return f"{moment.due(what, case.next_due_at)}: {whom}"
    return moment.due(DUE.get(case.state, "A disposition"), case.next_due_at)


def _rungs(pages: Sequence[Page], names: dict[str, str]) -> list[Rung]:
    """The rungs that were called, each person once, however many channels they have."""
    rungs = []
    for number in dict.fromkeys(page.rung for page in pages):
        of_rung = [page for page in pages if page.rung == number]
        listed = [
            Called(names[str(person)], _became([p for p in of_rung if p.clinician_id == person]))
            for person in dict.fromkeys(page.clinician_id for page in of_rung)
        ]
        rungs.append(Rung(number, min(page.called_at for page in of_rung), listed))
    return rungs


def _became(pages: Iterable[Page]) -> str:
    """The best that became of somebody's pages, in words."""
    states = {page.state for page in pages}
    best = next((state for state in ("sent", "sending", "queued") if state in states), None)
    return words.PAGES[best or "cancelled"]


def _pages_of_generation(db: Session, cases: Sequence[Case]) -> dict[UUID, list[Page]]:
    wanted = (
        sa.select(Page)
        .join(Case, Case.id == Page.case_id)
        .where(Page.case_id.in_([case.id for case in cases]), Page.generation == Case.generation)
        .order_by(Page.rung, Page.called_at, Page.id)
    )
    found: dict[UUID, list[Page]] = {}
    for page in db.scalars(wanted):
        found.setdefault(page.case_id, []).append(page)
    return found


def _zones(db: Session, cases: Sequence[Case]) -> dict[UUID, str]:
    ids = [case.participant_id for case in cases]
    rows = db.execute(sa.select(Participant.id, Participant.zone).where(Participant.id.in_(ids)))
    return {row.id: row.zone for row in rows}


def _latest(db: Session, kind: Any, case: Case, most: int, *order: Any) -> list[Any]:
    """The last rows of a case, in their order."""
    newest_first = (column.desc() for column in order)
    rows = sa.select(kind).where(kind.case_id == case.id).order_by(*newest_first)
    return [*reversed(db.scalars(rows.limit(most)).all())]


def _picture(
    case: Case,
    pages: Sequence[Page],
    entries: Sequence[Entry],
    now: datetime,
    called: dict[str, str],
) -> drawing.Picture:
    """Calls, and who had the case since when; the deadline while it is minutes away."""
    marks = {
        (page.clinician_id, page.rung, page.generation): drawing.Mark(
            called[str(page.clinician_id)], page.called_at, "called", str(page.rung),
            f"called at rung {page.rung}",
        )
        for page in pages
    }  # fmt: skip
    had_it = [
        drawing.Mark(people.author(entry.by, called), entry.at, "has_it", "✓", "has it")
        for entry in entries
        if entry.what in ("acknowledged", "taken_over")
    ]
    is_near = case.is_calling or case.state == "acknowledged"
    return drawing.picture(
        [*marks.values(), *had_it],
        begins_at=case.raised_at,
        now=now,
        due_at=case.next_due_at if is_near else None,
    )
