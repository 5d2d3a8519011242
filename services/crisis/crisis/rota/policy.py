"""How fast a clinic's ladders climb: its policy, edition by edition. A case keeps the edition it
was opened under, whatever is published later."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from chassis.database import OfClinic, Session
from chassis.refusals import Invalid
from crisis.rota.times import LONGEST, Times, ladder_within, out_of_bounds, plain_of, times_of
from crisis.rules import Ladder, ladder_for
from crisis.tables import Base, Identified


class Policy(Identified, OfClinic, Base):
    """One edition of a clinic's policy. It never changes: cases refer to it."""

    __tablename__ = "policies"
    __table_args__ = (
        UniqueConstraint("clinic_id", "edition"),
        CheckConstraint("edition >= 1", name="edition"),
    )

    edition: Mapped[int]
    published_at: Mapped[datetime]
    published_by: Mapped[str] = mapped_column(String(96))
    times: Mapped[dict[str, Any]]


def publish(
    db: Session, clinic_id: UUID, times: Mapping[str, Times], *, by: str, at: datetime
) -> Policy:
    """Put a policy in force for cases opened from now on. Raises Invalid out of bounds."""
    must_be_within_bounds(times)
    newest = newest_of(db, clinic_id)
    made = Policy(
        clinic_id=clinic_id,
        edition=(newest.edition if newest else 0) + 1,
        published_at=at,
        published_by=by,
        times=plain_of(times),
    )
    db.add(made)
    return made


def must_be_within_bounds(times: Mapping[str, Times]) -> None:
    """Raises Invalid that names each figure by its tier."""
    wrong: dict[str, list[str]] = {}
    for tier in LONGEST:
        for figure, why in out_of_bounds(tier, times[tier]):
            wrong.setdefault(f"{tier}.{figure}", []).append(why)
    if wrong:
        raise Invalid(**wrong)


def newest_of(db: Session, clinic_id: UUID) -> Policy | None:
    """The policy in force, where one was ever published."""
    of_clinic = sa.select(Policy).where(Policy.clinic_id == clinic_id)
    return db.scalars(of_clinic.order_by(Policy.edition.desc()).limit(1)).one_or_none()


def published_in(db: Session) -> Sequence[Policy]:
    """Every policy of the clinics that this session sees, the newest first."""
    return db.scalars(sa.select(Policy).order_by(Policy.published_at.desc(), Policy.id)).all()


def times_in_force(db: Session, clinic_id: UUID) -> Mapping[str, Times]:
    """What the clinic's policy says, or the longest that are allowed where it has none."""
    newest = newest_of(db, clinic_id)
    return times_of(newest.times) if newest else LONGEST


def first_ladder(db: Session, clinic_id: UUID, tier: str, at: datetime, zone: str | None) -> Ladder:
    """The ladder of a case that is opened: by the policy in force."""
    return _ladder(newest_of(db, clinic_id), tier, at, zone)


def next_ladder(
    db: Session, clinic_id: UUID, before: Ladder, tier: str, at: datetime, zone: str | None
) -> Ladder:
    """The ladder of a case whose tier is another one now: by the policy it was opened under."""
    found = sa.select(Policy).filter_by(clinic_id=clinic_id, edition=before.edition)
    return _ladder(db.scalars(found).one_or_none(), tier, at, zone)


def _ladder(policy: Policy | None, tier: str, at: datetime, zone: str | None) -> Ladder:
    if policy is None:
        return ladder_for(tier, at, zone)
    return ladder_within(tier, at, zone, times_of(policy.times)[tier], policy.edition)
