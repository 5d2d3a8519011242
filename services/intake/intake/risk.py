"""Risks found here, the cases that answer them, and whether one of either stands open."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Self, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from catalogue.crisis import CaseOpened, RiskAttached
from catalogue.risk import RiskDetected
from chassis.announce import announce, uuid7
from chassis.database import OfClinic, Session
from chassis.refusals import Conflict
from intake.instruments import Sign
from intake.tables import Base

TIERS = ("T4", "T3", "T2", "T1")
"""Rising."""

HOLDS_ADMISSION = ("T1", "T2")


class Risk(OfClinic, Base):
    """A sign of danger that was announced. Found by a screen or a recommendation of an episode."""

    __tablename__ = "risks"
    __table_args__ = (
        sa.UniqueConstraint("found_by_id", "tier"),
        sa.CheckConstraint("tier IN ('T1', 'T2', 'T3')", name="tier"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    episode_id: Mapped[UUID] = mapped_column(sa.ForeignKey("episodes.id"), index=True)
    participant_id: Mapped[UUID] = mapped_column(index=True)
    found_by_id: Mapped[UUID]
    tier: Mapped[str] = mapped_column(sa.String(2))
    trigger: Mapped[str] = mapped_column(sa.String(64))
    detected_at: Mapped[datetime]

    @classmethod
    def gravest_of(cls, db: Session, found_by_id: UUID) -> Self | None:
        """The gravest risk announced so far for a screen or a recommendation."""
        risks = db.scalars(sa.select(cls).where(cls.found_by_id == found_by_id)).all()
        return max(risks, key=lambda risk: TIERS.index(risk.tier), default=None)


class Case(OfClinic, Base):
    """What crisis said about a case. A case answers the risks that opened it or joined it."""

    __tablename__ = "cases"
    __table_args__ = (
        sa.CheckConstraint("tier IN ('T1', 'T2', 'T3', 'T4')", name="tier"),
        sa.Index("ix_cases_participant_id_is_open", "participant_id", "is_open"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    participant_id: Mapped[UUID]
    tier: Mapped[str] = mapped_column(sa.String(2))
    is_open: Mapped[bool]

    @classmethod
    def hear_of(cls, db: Session, event: CaseOpened | RiskAttached) -> Self:
        """The case as this event leaves it: its tier never falls, and its risk is answered."""
        case = db.get(cls, event.case_id)
        if case is None:
            case = cls(
                id=event.case_id, clinic_id=event.clinic_id, participant_id=event.participant_id,
                tier=event.tier, is_open=True,
            )  # fmt: skip
            db.add(case)
            db.flush()
        case.tier = max(case.tier, event.tier, key=TIERS.index)
        db.merge(AnsweredRisk(risk_id=event.risk_id, case_id=case.id, clinic_id=event.clinic_id))
        return case

    @classmethod
    def close(cls, db: Session, case_id: UUID) -> None:
        """The case is over."""
        db.execute(sa.update(cls).where(cls.id == case_id).values(is_open=False))


class AnsweredRisk(OfClinic, Base):
    """Which case took a risk, be it of intake or of another service."""

    __tablename__ = "answered_risks"

    risk_id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(sa.ForeignKey("cases.id"))


def detect(
    db: Session, sign: Sign | None, *, clinic_id: UUID, episode_id: UUID, participant_id: UUID,
    found_by_id: UUID, instrument: str | None, at: datetime,
) -> Risk | None:  # fmt: skip
    """Announce a sign of danger, unless one as grave was announced for the same finding."""
    if sign is None:
        return None
    before = Risk.gravest_of(db, found_by_id)
    if before is not None and TIERS.index(before.tier) >= TIERS.index(sign.tier):
        return None
    risk = Risk(
        id=uuid7(), clinic_id=clinic_id, episode_id=episode_id, participant_id=participant_id,
        found_by_id=found_by_id, tier=sign.tier, trigger=sign.trigger, detected_at=at,
    )  # fmt: skip
    db.add(risk)
    announce(
        db,
        RiskDetected(
            clinic_id=clinic_id, risk_id=risk.id, participant_id=participant_id,
            tier=cast(Any, sign.tier), trigger=sign.trigger, instrument=instrument,
        ),
    )  # fmt: skip
    return risk


def refuse_while_open(db: Session, participant_id: UUID, tiers: Sequence[str] = TIERS) -> None:
    """Raises Conflict `open_risk` while a case is open, or a risk has not reached crisis yet."""
    open_case = sa.select(Case.tier).where(
        Case.participant_id == participant_id, Case.is_open, Case.tier.in_(tiers)
    )
    on_its_way = sa.select(Risk.tier).where(
        Risk.participant_id == participant_id,
        Risk.tier.in_(tiers),
        ~sa.exists().where(AnsweredRisk.risk_id == Risk.id),
    )
    found = [*db.scalars(open_case), *db.scalars(on_its_way)]
    if found:
        raise Conflict("open_risk", tier=max(found, key=TIERS.index))


def imminent_since(db: Session, episode_id: UUID, overridden_at: datetime | None) -> bool:
    """Whether a T1 sign of this episode stands that no clinician has overridden since."""
    signs = sa.select(Risk.detected_at).where(Risk.episode_id == episode_id, Risk.tier == "T1")
    return any(overridden_at is None or at > overridden_at for at in db.scalars(signs))
