"""A case: somebody may be in danger, and who has it. What people decide about it is here; how
it climbs its ladder while nobody has it is in `ladder.py`."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from catalogue.crisis import CaseAcknowledged, CaseClosed
from chassis.announce import announce
from chassis.database import OfClinic, Session
from chassis.refusals import Conflict, NotFound
from chassis.states import States
from crisis import page, rules
from crisis.tables import Base, Identified
from crisis.timeline import BEGINNING, record

STATES = States("case", {
    ("open", "page"): "paging",
    ("paging", "page"): "paging",
    ("paging", "acknowledge"): "acknowledged",
    ("acknowledged", "log_contact"): "engaged",
    ("engaged", "close"): "closed",
    ("acknowledged", "lapse"): "open",
    ("engaged", "lapse"): "open",
    ("open", "raise_tier"): "open",
    ("paging", "raise_tier"): "open",
    ("acknowledged", "raise_tier"): "open",
    ("engaged", "raise_tier"): "open",
})  # fmt: skip
"""`open` lasts no longer than a transaction: whoever opens a case pages its rung at once."""

CALLING = ("open", "paging")
SAFETY_PLANS = ("made", "declined", "not_applicable")

_NOT_CLOSED = sa.text("state <> 'closed'")


class Case(Identified, OfClinic, Base):
    """A case. `next_due_at` is the one instant at which the engine acts next: while calling the
    next rung, while acknowledged the contact's deadline, while engaged the disposition's.

    `version` is the fence: it rises with every entry of the timeline and never falls.
    """

    __tablename__ = "cases"
    __table_args__ = (
        STATES.check(),
        CheckConstraint("(state = 'closed') = (next_due_at IS NULL)", name="never_silent"),
        CheckConstraint(
            "(state IN ('acknowledged', 'engaged')) = (acknowledged_by IS NOT NULL)",
            name="one_has_it",
        ),
        CheckConstraint(
            "state <> 'closed' OR (closed_by IS NOT NULL AND closed_at IS NOT NULL"
            " AND disposition IS NOT NULL AND safety_plan IS NOT NULL)",
            name="closing",
        ),
        CheckConstraint("tier IN ('T1', 'T2', 'T3')", name="tier"),
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
    state: Mapped[str] = mapped_column(String(16), default=STATES.initial)
    policy: Mapped[dict[str, Any]]
    rung: Mapped[int] = mapped_column(default=0)
    generation: Mapped[int] = mapped_column(default=1)
    raised_at: Mapped[datetime]
    next_due_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=0)
    chain: Mapped[str] = mapped_column(String(64), default=BEGINNING)
    opened_at: Mapped[datetime]
    opened_by: Mapped[str] = mapped_column(String(96))
    correlation_id: Mapped[UUID]
    acknowledged_by: Mapped[UUID | None]
    acknowledged_at: Mapped[datetime | None]
    contacted_at: Mapped[datetime | None]
    disposition: Mapped[str | None] = mapped_column(String(64))
    safety_plan: Mapped[str | None] = mapped_column(String(16))
    closed_by: Mapped[UUID | None]
    closed_at: Mapped[datetime | None]
    previous_case_id: Mapped[UUID | None] = mapped_column(ForeignKey("cases.id"))

    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}  # noqa: RUF012

    @property
    def ladder(self) -> rules.Ladder:
        """The snapshot taken when its tier was raised."""
        return rules.ladder_of(self.policy)

    @property
    def is_calling(self) -> bool:
        """Whether nobody has it."""
        return self.state in CALLING


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
    """Say "I have it". The first one has; everybody after is told who. Paging stops."""
    case = locked(db, case_id)
    if not case.is_calling:
        has_it = case.acknowledged_by or case.closed_by
        raise Conflict("already_acknowledged", acknowledged_by=str(has_it), state=case.state)
    STATES.advance(case, "acknowledge")
    case.acknowledged_by, case.acknowledged_at = person_id, at
    case.next_due_at = rules.contact_due_at(case.ladder, case.raised_at, at)
    page.stop(db, case.id)
    record(db, case, "acknowledged", by=by, at=at, contact_due_at=case.next_due_at)
    announce(
        db,
        CaseAcknowledged(
            clinic_id=case.clinic_id,
            case_id=case.id,
            participant_id=case.participant_id,
            acknowledged_by=person_id,
        ),
    )
    return case


def log_contact(db: Session, case_id: UUID, *, by: str, at: datetime) -> Case:
    """Somebody speaks with the participant."""
    case = locked(db, case_id)
    STATES.advance(case, "log_contact")
    case.contacted_at = at
    case.next_due_at = rules.disposition_due_at(case.ladder, at)
    record(db, case, "contact_logged", by=by, at=at, disposition_due_at=case.next_due_at)
    return case


def close(
    db: Session,
    case_id: UUID,
    person_id: UUID,
    *,
    disposition: str,
    safety_plan: str,
    by: str,
    at: datetime,
) -> Case:
    """End a case in which there was contact, with how it ended and whether there is a plan."""
    case = locked(db, case_id)
    STATES.advance(case, "close")
    case.disposition, case.safety_plan = disposition, safety_plan
    case.closed_by, case.closed_at = person_id, at
    case.acknowledged_by = case.next_due_at = None
    page.stop(db, case.id)
    record(db, case, "closed", by=by, at=at, disposition=disposition, safety_plan=safety_plan)
    announce(
        db,
        CaseClosed(
            clinic_id=case.clinic_id,
            case_id=case.id,
            participant_id=case.participant_id,
            disposition=disposition,
            closed_by=person_id,
        ),
    )
    return case


def note_discharge(
    db: Session, clinic_id: UUID, participant_id: UUID, *, by: str, at: datetime
) -> None:
    """A discharge ends no case; whoever has it must see that it happened."""
    case = open_case_of(db, clinic_id, participant_id)
    if case is not None:
        record(db, case, "participant_discharged", by=by, at=at)
