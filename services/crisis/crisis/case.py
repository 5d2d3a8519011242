"""A case: somebody may be in danger, and who has it. What people decide about it is here; how
it climbs its ladder while nobody has it is in `ladder.py`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from catalogue.crisis import CaseAcknowledged, TierChanged
from catalogue.event import Event
from chassis.announce import announce
from chassis.bulk import update_all
from chassis.database import OfClinic, Session
from chassis.refusals import Conflict, NotFound
from chassis.states import States
from crisis import rules
from crisis.paging import notice, page
from crisis.participant import zone_of
from crisis.rota import must_be_licensed, policy
from crisis.rules import DRILL
from crisis.tables import ENGINE, Base, Identified
from crisis.timeline import record

HELD = ("acknowledged", "engaged", "emergency_services", "handed_off", "follow_up")
"""Somebody has the case."""

STATES = States("case", {
    ("open", "page"): "paging",
    ("paging", "page"): "paging",
    ("paging", "acknowledge"): "acknowledged",
    ("acknowledged", "log_contact"): "engaged",
    ("engaged", "dispatch"): "emergency_services",
    ("emergency_services", "hand_over"): "handed_off",
    ("engaged", "follow_up"): "follow_up",
    ("handed_off", "follow_up"): "follow_up",
    ("follow_up", "keep_contact"): "follow_up",
    ("engaged", "close"): "closed",
    ("handed_off", "close"): "closed",
    ("follow_up", "close"): "closed",
    **{(state, "take_over"): state for state in HELD},
    **{(state, "lower_tier"): state for state in HELD[:-1]},
    **{(state, "lapse"): "open" for state in HELD},
    **{(state, "raise_tier"): "open" for state in ("open", "paging", *HELD)},
})  # fmt: skip
"""`open` lasts no longer than a transaction: whoever opens a case pages its rung at once. What
the practice calls stabilised is a disposition here: nothing can be late in it."""

CALLING = ("open", "paging")
CLIMBING = (
    "tier", "state", "policy", "rung", "generation", "raised_at", "next_due_at", "version",
    "acknowledged_by", "closed_by", "closed_at", "disposition", "safety_plan", "licence",
)  # fmt: skip
"""What the engine changes of a case, the end of a drill included."""

SAFETY_PLANS = ("made", "declined", "not_applicable")

NOBODY = UUID(int=0)
"""Who ends a drill that nobody answered."""

_NOT_CLOSED = sa.text("state <> 'closed'")


class Case(Identified, OfClinic, Base):
    """A case. `next_due_at` is the one instant at which the engine acts next: while calling the
    next rung, while acknowledged the contact's deadline, then the disposition's, in follow-up
    the next contact's; `follow_ups` are all that are still to come.

    `version` is the fence: it rises with every entry of the timeline and never falls.
    """

    __tablename__ = "cases"
    __table_args__ = (
        STATES.check(),
        CheckConstraint("(state = 'closed') = (next_due_at IS NULL)", name="never_silent"),
        CheckConstraint(
            "(state IN ('open', 'paging', 'closed')) = (acknowledged_by IS NULL)",
            name="one_has_it",
        ),
        CheckConstraint(
            "state <> 'closed' OR (closed_by IS NOT NULL AND closed_at IS NOT NULL"
            " AND disposition IS NOT NULL AND safety_plan IS NOT NULL AND licence IS NOT NULL)",
            name="closing",
        ),
        CheckConstraint("tier IN ('T1', 'T2', 'T3', 'T4')", name="tier"),
        CheckConstraint("rung >= 0 AND generation >= 1", name="rung"),
        Index("uq_cases_open", "clinic_id", "participant_id", unique=True,
              postgresql_where=_NOT_CLOSED, sqlite_where=_NOT_CLOSED),
        Index("uq_cases_code", "clinic_id", "code", unique=True,
              postgresql_where=_NOT_CLOSED, sqlite_where=_NOT_CLOSED),
        Index("ix_cases_next_due_at", "next_due_at"),
    )  # fmt: skip

    participant_id: Mapped[UUID]
    code: Mapped[str] = mapped_column(String(5))
    tier: Mapped[str] = mapped_column(String(2))
    state: Mapped[str] = mapped_column(String(24), default=STATES.initial)
    policy: Mapped[dict[str, Any]]
    rung: Mapped[int] = mapped_column(default=0)
    generation: Mapped[int] = mapped_column(default=1)
    raised_at: Mapped[datetime]
    next_due_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=0)
    opened_at: Mapped[datetime]
    opened_by: Mapped[str] = mapped_column(String(96))
    correlation_id: Mapped[UUID]
    acknowledged_by: Mapped[UUID | None]
    acknowledged_at: Mapped[datetime | None]
    contacted_at: Mapped[datetime | None]
    disposition: Mapped[str | None] = mapped_column(String(64))
    safety_plan: Mapped[str | None] = mapped_column(String(16))
    licence: Mapped[str | None] = mapped_column(String(16))
    follow_ups: Mapped[list[str]] = mapped_column(default=list)
    closed_by: Mapped[UUID | None]
    closed_at: Mapped[datetime | None]
    previous_case_id: Mapped[UUID | None] = mapped_column(ForeignKey("cases.id"))
    drill_ends_at: Mapped[datetime | None]
    drill_for: Mapped[UUID | None]

    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}  # noqa: RUF012

    @property
    def ladder(self) -> rules.Ladder:
        """The snapshot taken when its tier was raised."""
        return rules.ladder_of(self.policy)

    @property
    def is_drill(self) -> bool:
        """Whether nobody is in danger: people practise, or one of them is sent a test page."""
        return self.drill_ends_at is not None

    @property
    def counted_as(self) -> str:
        """Under which tier it is counted; drills are counted as drills."""
        return DRILL if self.is_drill else self.tier

    @property
    def is_calling(self) -> bool:
        """Whether nobody has it."""
        return self.state in CALLING


@dataclass(frozen=True)
class Drill:
    """What makes a case a drill: the codes it may have, when it ends by itself, and who alone is
    called, where it is a test page."""

    codes: Sequence[str]
    ends_at: datetime
    person_id: UUID | None = None


class Risk(Identified, OfClinic, Base):
    """A sign of danger that belongs to a case."""

    __tablename__ = "case_risks"
    __table_args__ = (UniqueConstraint("case_id", "risk_id", "tier"),)

    case_id: Mapped[UUID] = mapped_column(ForeignKey("cases.id"))
    risk_id: Mapped[UUID]
    tier: Mapped[str] = mapped_column(String(2))
    trigger: Mapped[str] = mapped_column(String(64))
    instrument: Mapped[str | None] = mapped_column(String(64))
    noticed_at: Mapped[datetime]


def locked(db: Session, case_id: UUID) -> Case:
    """A case, until the end of the transaction nobody else's to change. Raises NotFound."""
    case = db.get(Case, case_id, with_for_update=True)
    if case is None:
        raise NotFound("case", case_id=str(case_id))
    return case


def open_case_of(db: Session, clinic_id: UUID, participant_id: UUID) -> Case | None:
    """The participant's open case, locked; there is one at most."""
    return db.scalars(
        sa.select(Case)
        .where(
            Case.clinic_id == clinic_id,
            Case.participant_id == participant_id,
            Case.state != "closed",
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def keep(db: Session, climbed: Sequence[Case]) -> None:
    """Write what the engine made of cases that no session watches, all in one go."""
    update_all(db, Case, [{n: getattr(one, n) for n in ("id", *CLIMBING)} for one in climbed])


def latest_closed_of(db: Session, clinic_id: UUID, participant_id: UUID) -> UUID | None:
    """The case that a new one follows."""
    return db.scalars(
        sa.select(Case.id)
        .where(
            Case.clinic_id == clinic_id,
            Case.participant_id == participant_id,
            Case.state == "closed",
        )
        .order_by(Case.closed_at.desc())
        .limit(1)
    ).one_or_none()


def acknowledge(db: Session, case_id: UUID, person_id: UUID, *, by: str, at: datetime) -> Case:
    """Say "I have it". The first one has; everybody after is told who. Paging stops, and everybody
    else who was paged is told."""
    case = locked(db, case_id)
    if not case.is_calling:
        has_it = case.acknowledged_by or case.closed_by
        raise Conflict("already_acknowledged", acknowledged_by=str(has_it), state=case.state)
    STATES.advance(case, "acknowledge")
    case.acknowledged_by, case.acknowledged_at = person_id, at
    case.next_due_at = rules.contact_due_at(case.ladder, case.raised_at, at)
    notice.stand_down(db, case, at=at)
    record(db, case, "acknowledged", by=by, at=at, contact_due_at=case.next_due_at)
    announce_of(
        db,
        case,
        CaseAcknowledged(
            clinic_id=case.clinic_id,
            case_id=case.id,
            participant_id=case.participant_id,
            acknowledged_by=person_id,
        ),
    )
    if case.is_drill:
        _end_drill(db, case, person_id, by=by, at=at)
    return case


def give_up_drill(db: Session, case: Case, *, at: datetime) -> None:
    """Nobody answered a drill in its time."""
    STATES.advance(case, "acknowledge")
    page.stop(db, case.id, at=at)
    _end_drill(db, case, NOBODY, by=ENGINE, at=at)


def _end_drill(db: Session, case: Case, person_id: UUID, *, by: str, at: datetime) -> None:
    """A drill is over with its acknowledgement: nobody has to be spoken with. It goes the ways
    of a real case, so that there are no others."""
    STATES.advance(case, "log_contact")
    STATES.advance(case, "close")
    case.acknowledged_by = case.next_due_at = None
    case.closed_by, case.closed_at = person_id, at
    case.disposition, case.safety_plan, case.licence = "drill", "not_applicable", "none"
    record(db, case, "drill_ended", by=by, at=at, answered=person_id != NOBODY)


def take_over(db: Session, case_id: UUID, person_id: UUID, *, by: str, at: datetime) -> Case:
    """Have a case instead of whoever has it. No deadline moves."""
    case = locked(db, case_id)
    STATES.advance(case, "take_over")
    had_it, case.acknowledged_by = case.acknowledged_by, person_id
    record(db, case, "taken_over", by=by, at=at, had_it=had_it)
    return case


def log_contact(db: Session, case_id: UUID, *, by: str, at: datetime) -> Case:
    """Somebody speaks with the participant."""
    case = locked(db, case_id)
    STATES.advance(case, "log_contact")
    case.contacted_at = at
    case.next_due_at = rules.disposition_due_at(case.ladder, at)
    record(db, case, "contact_logged", by=by, at=at, disposition_due_at=case.next_due_at)
    return case


def lower_tier(
    db: Session,
    case_id: UUID,
    person_id: UUID,
    *,
    tier: str,
    reason: str,
    licence: str,
    by: str,
    at: datetime,
) -> Case:
    """A licensed person finds less danger than was feared: from now on the targets of the lower
    tier count, and its ladder, should the calling begin anew."""
    case = locked(db, case_id)
    must_be_licensed(db, person_id, licence)
    STATES.advance(case, "lower_tier")
    if not rules.is_higher(case.tier, tier):
        raise Conflict("tier_is_not_lower", tier=case.tier)
    zone = zone_of(db, case.participant_id)
    ladder = policy.next_ladder(db, case.clinic_id, case.ladder, tier, at, zone)
    case.tier, case.policy, case.raised_at = tier, rules.snapshot_of(ladder), at
    case.rung, case.generation = 0, case.generation + 1
    if case.state == "acknowledged":
        case.next_due_at = rules.contact_due_at(ladder, at, at)
    facts = {"reason": reason, "licence": licence, "due_at": case.next_due_at}
    record(db, case, "tier_lowered", by=by, at=at, tier=tier, **facts)
    announce_tier(db, case)
    return case


def announce_of(db: Session, case: Case, event: Event) -> None:
    """Announce what happened to a case. Of a drill no other service hears."""
    if not case.is_drill:
        announce(db, event)


def announce_tier(db: Session, case: Case) -> None:
    """Tell others of a tier that no new risk brought."""
    announce_of(
        db,
        case,
        TierChanged(
            clinic_id=case.clinic_id,
            case_id=case.id,
            participant_id=case.participant_id,
            tier=case.tier,  # pyright: ignore[reportArgumentType]
        ),
    )


def note_discharge(
    db: Session, clinic_id: UUID, participant_id: UUID, *, by: str, at: datetime
) -> None:
    """A discharge ends no case; whoever has it must see that it happened."""
    case = open_case_of(db, clinic_id, participant_id)
    if case is not None:
        record(db, case, "participant_discharged", by=by, at=at)
