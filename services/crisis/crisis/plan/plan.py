"""A participant's safety plan: versions that are never changed, each sealed with their key."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, String
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from chassis.database import OfClinic, Session
from chassis.details import Vault
from chassis.refusals import Conflict, Invalid, NotFound
from crisis.participant import Participant
from crisis.plan.wording import CODES
from crisis.tables import Base

WHAT = "safety_plan"


class SafetyPlan(OfClinic, Base):
    """One version: who wrote it down together with the participant, and when."""

    __tablename__ = "safety_plans"
    __table_args__ = (CheckConstraint("version >= 1", name="version"),)

    participant_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    written_at: Mapped[datetime]
    written_by: Mapped[str] = mapped_column(String(96))
    sealed: Mapped[bytes]


def write(
    db: Session,
    vault: Vault,
    participant_id: UUID,
    steps: dict[str, str],
    *,
    together: bool,
    replaces: int,
    by: str,
    at: datetime,
) -> SafetyPlan:
    """The next version, in place of the one that its writers had before them; 0 for none.

    Raises Conflict where somebody has written another one meanwhile, and Invalid for one that is
    empty, or that was not written together with the participant.
    """
    if not together:
        raise Invalid(together="A plan is written together with the participant.")
    participant = _known(db, participant_id)
    if not any(text.strip() for text in steps.values()):
        raise Invalid(signs="Write down one step at least.")
    newest = _newest(db, participant_id)
    if replaces != (version := newest.version if newest else 0):
        raise Conflict("plan_was_written_meanwhile", version=version)
    about = {"clinic_id": participant.clinic_id, "version": version + 1}
    content = {code: steps[code].strip() for code in CODES}
    sealed = vault.seal(db, participant_id, content, what=WHAT, **about)
    one = SafetyPlan(
        participant_id=participant_id, written_at=at, written_by=by, sealed=sealed, **about
    )
    try:
        with db.begin_nested():
            db.add(one)
    except IntegrityError:
        raise Conflict("plan_was_written_meanwhile", version=version + 1) from None
    return one


def newest(db: Session, vault: Vault, participant_id: UUID) -> dict[str, Any] | None:
    """The plan as it is now, or None where there is none, or its owner has been erased."""
    one = _newest(db, participant_id)
    if one is None:
        return None
    steps = vault.unseal(
        db, participant_id, one.sealed, clinic_id=one.clinic_id, what=WHAT, version=one.version
    )
    if steps is None:
        return None
    return {
        "version": one.version,
        "written_at": one.written_at,
        "written_by": one.written_by,
        "steps": {code: steps.get(code, "") for code in CODES},
    }


def of_known(db: Session, vault: Vault, participant_id: UUID) -> dict[str, Any] | None:
    """The same, for staff. Raises NotFound for who is of another clinic."""
    _known(db, participant_id)
    return newest(db, vault, participant_id)


def _known(db: Session, participant_id: UUID) -> Participant:
    participant = db.get(Participant, participant_id)
    if participant is None:
        raise NotFound("participant", participant_id=str(participant_id))
    return participant


def _newest(db: Session, participant_id: UUID) -> SafetyPlan | None:
    of_participant = sa.select(SafetyPlan).where(SafetyPlan.participant_id == participant_id)
    return db.scalars(of_participant.order_by(SafetyPlan.version.desc()).limit(1)).one_or_none()
