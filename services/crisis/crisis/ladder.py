"""The engine: how a case begins, climbs its ladder while nobody has it, and rises in tier.

Everything happens in the caller's transaction: the rung, its pages, the next deadline, the
timeline and the event commit together or not at all.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import cache, partial
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from catalogue.crisis import CaseOpened, RiskAttached, RungPaged
from catalogue.risk import RiskDetected
from chassis.announce import uuid7
from chassis.database import Session
from crisis import case as cases
from crisis import rules
from crisis.case import Case, Drill, Risk
from crisis.paging import page
from crisis.paging.page import Called
from crisis.participant import zone_of
from crisis.rota import OnCall, on_call, policy
from crisis.rules import Call, Lapse, Rise, Skip, Step
from crisis.tables import ENGINE
from crisis.timeline import record

CODES_TRIED = 8


class Taken(NamedTuple):
    """What became of a risk: `opened`, `attached`, `raised`, `called_anew`, or `known` before."""

    case: Case
    outcome: str
    steps: list[Step | Lapse]


def take(
    db: Session,
    risk: RiskDetected,
    *,
    noticed_at: datetime,
    by: str,
    at: datetime,
    drill: Drill | None = None,
) -> Taken:
    """A risk becomes a case or joins the open one. The ladder counts from when it was noticed."""
    case_id = uuid7()
    refused: IntegrityError | None = None
    codes = drill.codes if drill else rules.case_codes(case_id)
    for code in islice(codes, CODES_TRIED):
        case = cases.open_case_of(db, risk.clinic_id, risk.participant_id)
        if case is not None:
            return _attach(db, case, risk, noticed_at=noticed_at, by=by, at=at)
        try:
            with db.begin_nested():
                when = {"noticed_at": noticed_at, "by": by, "at": at}
                case = _begun(db, case_id, code, risk, drill, **when)
        except IntegrityError as taken:  # the code, or another case of the same moment
            refused = taken
            continue
        return _open(db, case, risk, noticed_at=noticed_at, by=by, at=at)
    raise refused or LookupError(risk.participant_id)


def climb(db: Session, case: Case, *, at: datetime) -> list[Step | Lapse]:
    """Do all that is due of a case, to the highest rung due. Does nothing before its deadline."""
    calls: list[Called] = []
    steps = _climb(db, case, on_call(db, case.clinic_id), calls, at=at)
    page.call(db, calls, at=at)
    return steps


def climb_all(db: Session, cases_due: Sequence[Case], *, at: datetime) -> list[Step | Lapse]:
    """The same for many cases, their rows and those of their pages written in one go each. What
    drills went through is not among what it tells."""
    db.expunge_all()
    on_call_in = cache(partial(on_call, db))
    calls: list[Called] = []
    steps: list[Step | Lapse] = []
    for case in cases_due:
        db.info["correlation_id"] = case.correlation_id
        taken = _climb(db, case, on_call_in(case.clinic_id), calls, at=at)
        steps += [] if case.is_drill else taken
    page.call(db, calls, at=at)
    cases.keep(db, cases_due)
    return steps


def due(
    db: Session, *, limit: int, at: datetime, passing_over: Sequence[UUID] = ()
) -> Sequence[Case]:
    """Cases whose deadline is over, locked, the longest overdue first; not those others hold."""
    return db.scalars(
        sa.select(Case)
        .where(Case.next_due_at <= at, Case.id.not_in(passing_over))
        .order_by(Case.next_due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()


def next_due(db: Session) -> datetime | None:
    """When the next deadline of any case is, those that are over left out."""
    return db.scalar(sa.select(sa.func.min(Case.next_due_at)).where(Case.next_due_at > db.now))


def _climb(
    db: Session, case: Case, people: OnCall, calls: list[Called], *, at: datetime
) -> list[Step | Lapse]:
    """What a case goes through now; whom that calls is added to `calls`."""
    taken: list[Step | Lapse] = []
    if case.next_due_at is None or case.next_due_at > at:
        return taken
    if case.drill_ends_at and case.drill_ends_at <= at:
        cases.give_up_drill(db, case, at=at)
        return taken
    if not case.is_calling:
        taken.append(_lapse(db, case, at=at))
    people = OnCall(((case.drill_for,),)) if case.drill_for else people
    while True:
        ladder = case.ladder
        steps = rules.steps_due(
            ladder,
            rung=case.rung,
            generation=case.generation,
            due_at=case.next_due_at,
            now=at,
            manned=people.manned(ladder),
        )
        for step in steps:
            _do(db, case, step, people, calls, at=at)
        taken += steps
        if not isinstance(steps[-1], Rise):
            return taken


def _begun(
    db: Session,
    case_id: UUID,
    code: str,
    risk: RiskDetected,
    drill: Drill | None,
    *,
    noticed_at: datetime,
    by: str,
    at: datetime,
) -> Case:
    zone = zone_of(db, risk.participant_id)
    first = policy.first_ladder(db, risk.clinic_id, risk.tier, noticed_at, zone)
    case = Case(
        id=case_id,
        clinic_id=risk.clinic_id,
        participant_id=risk.participant_id,
        code=code,
        tier=risk.tier,
        policy=rules.snapshot_of(first),
        raised_at=noticed_at,
        next_due_at=noticed_at,
        opened_at=at,
        opened_by=by,
        correlation_id=db.info.get("correlation_id") or case_id,
        previous_case_id=cases.latest_closed_of(db, risk.clinic_id, risk.participant_id),
        drill_ends_at=drill.ends_at if drill else None,
        drill_for=drill.person_id if drill else None,
    )
    db.add(case)
    db.flush()
    return case


def _open(
    db: Session, case: Case, risk: RiskDetected, *, noticed_at: datetime, by: str, at: datetime
) -> Taken:
    _keep(db, case, risk, noticed_at)
    record(db, case, "opened", by=by, at=at, **_sign(risk))
    cases.announce_of(
        db,
        case,
        CaseOpened(
            clinic_id=case.clinic_id,
            case_id=case.id,
            participant_id=case.participant_id,
            risk_id=risk.risk_id,
            tier=risk.tier,
        ),
    )
    return Taken(case, "opened", climb(db, case, at=at))


def _attach(
    db: Session, case: Case, risk: RiskDetected, *, noticed_at: datetime, by: str, at: datetime
) -> Taken:
    if _is_known(db, case, risk):
        return Taken(case, "known", [])
    _keep(db, case, risk, noticed_at)
    record(db, case, "risk_attached", by=by, at=at, **_sign(risk))
    taken = Taken(case, "attached", [])
    if rules.is_higher(risk.tier, case.tier):
        steps = _raise(db, case, risk.tier, from_=noticed_at, by=by, at=at)
        taken = Taken(case, "raised", steps)
    elif rules.calls_anew(risk.trigger, case.state):
        steps = _raise(db, case, case.tier, from_=noticed_at, by=by, at=at)
        taken = Taken(case, "called_anew", steps)
    cases.announce_of(
        db,
        case,
        RiskAttached(
            clinic_id=case.clinic_id,
            case_id=case.id,
            participant_id=case.participant_id,
            risk_id=risk.risk_id,
            tier=case.tier,  # pyright: ignore[reportArgumentType]
        ),
    )
    return taken


def _raise(
    db: Session, case: Case, tier: str, *, from_: datetime, by: str, at: datetime
) -> list[Step | Lapse]:
    """Call anew from the first rung, in a tier that never falls, and keep the earlier of both
    deadlines."""
    before = case.next_due_at
    _restart(db, case, tier, generation=case.generation + 1, due_at=from_, by=by, at=at)
    steps = climb(db, case, at=at)
    if before is not None and case.next_due_at is not None:
        case.next_due_at = min(before, case.next_due_at)
    return steps


def _restart(
    db: Session,
    case: Case,
    tier: str,
    *,
    generation: int,
    due_at: datetime,
    by: str,
    at: datetime,
) -> None:
    zone = zone_of(db, case.participant_id)
    next_one = policy.next_ladder(db, case.clinic_id, case.ladder, tier, due_at, zone)
    cases.STATES.advance(case, "raise_tier")
    what = "called_anew" if tier == case.tier else "tier_raised"
    case.tier, case.policy = tier, rules.snapshot_of(next_one)
    case.rung, case.generation = 0, generation
    case.raised_at = case.next_due_at = due_at
    case.acknowledged_by = None
    record(db, case, what, by=by, at=at, tier=tier, generation=generation, due_at=due_at)


MISSED = {"acknowledged": "contact", "follow_up": "follow_up"}
"""What whoever has a case did not do in time; in any other state, say how it ended."""


def _lapse(db: Session, case: Case, *, at: datetime) -> Lapse:
    """Whoever had the case did not do the next thing in time: the calling goes on."""
    assert case.next_due_at is not None
    lapse = Lapse(MISSED.get(case.state, "disposition"), case.next_due_at)
    cases.STATES.advance(case, "lapse")
    facts = {"missed": lapse.missed, "due_at": lapse.due_at, "had_it": case.acknowledged_by}
    record(db, case, "lapsed", by=ENGINE, at=at, **facts)
    case.acknowledged_by = None
    if lapse.missed == "contact":
        case.rung = rules.rung_after_lapse(case.ladder, case.rung)
    elif lapse.missed == "follow_up":
        facts = {"generation": case.generation + 1, "due_at": lapse.due_at}
        _restart(db, case, rules.OVERDUE_FOLLOW_UP_TIER, **facts, by=ENGINE, at=at)
        cases.announce_tier(db, case)
    return lapse


def _do(
    db: Session, case: Case, step: Step, people: OnCall, calls: list[Called], *, at: datetime
) -> None:
    match step:
        case Skip():
            facts = {"rung": step.rung, "generation": step.generation, "due_at": step.due_at}
            what = f"rung_{step.reason}"
            record(db, case, what, by=ENGINE, at=at, **facts, times=step.times)
        case Call():
            calls.append(_call(db, case, step, people, at=at))
        case Rise():
            facts = {"generation": step.generation, "due_at": step.due_at}
            _restart(db, case, step.tier, **facts, by=ENGINE, at=at)
            cases.announce_tier(db, case)


def _call(db: Session, case: Case, call: Call, people: OnCall, *, at: datetime) -> Called:
    """Whom a rung calls; the case goes on, and others are told."""
    staff = people.called(call)
    desk = [page.DESK] if case.ladder.repeats(call.rung) and not case.drill_for else []
    called = Called(case, list(dict.fromkeys([*staff, *desk])), call.rung, call.generation)
    cases.STATES.advance(case, "page")
    case.rung, case.generation = call.rung, call.generation
    case.next_due_at = min(call.next_due_at, case.drill_ends_at or call.next_due_at)
    facts = {"rung": call.rung, "generation": call.generation, "due_at": call.due_at}
    if not staff:
        record(db, case, f"rung_{rules.EMPTY}", by=ENGINE, at=at, **facts, times=1)
    record(db, case, "rung_paged", by=ENGINE, at=at, **facts, people=len(called.people))
    cases.announce_of(
        db,
        case,
        RungPaged(
            clinic_id=case.clinic_id,
            case_id=case.id,
            participant_id=case.participant_id,
            rung=call.rung,
            generation=call.generation,
        ),
    )
    return called


def _keep(db: Session, case: Case, risk: RiskDetected, noticed_at: datetime) -> None:
    db.add(
        Risk(
            clinic_id=case.clinic_id,
            case_id=case.id,
            risk_id=risk.risk_id,
            tier=risk.tier,
            trigger=risk.trigger,
            instrument=risk.instrument,
            noticed_at=noticed_at,
        )
    )


def _sign(risk: RiskDetected) -> dict[str, Any]:
    """What the timeline says of a risk."""
    facts: dict[str, Any] = {"tier": risk.tier, "trigger": risk.trigger}
    return facts | ({"raised_by": risk.raised_by} if risk.raised_by else {})


def _is_known(db: Session, case: Case, risk: RiskDetected) -> bool:
    same = sa.select(Risk.id).where(
        Risk.case_id == case.id, Risk.risk_id == risk.risk_id, Risk.tier == risk.tier
    )
    return db.scalar(same) is not None
