"""Dispatch: a person, never this software, calls emergency services; what they did is kept."""

from datetime import datetime
from uuid import UUID

from chassis.database import Session
from crisis import case as cases
from crisis.case import Case
from crisis.timeline import record


def dispatch(db: Session, case_id: UUID, *, basis: str, by: str, at: datetime) -> Case:
    """Say that emergency services were called, and on what basis."""
    case = cases.locked(db, case_id)
    cases.STATES.advance(case, "dispatch")
    record(db, case, "dispatched", by=by, at=at, basis=basis)
    return case


def hand_over(db: Session, case_id: UUID, *, to: str, by: str, at: datetime) -> Case:
    """Say who has the participant in their care now. The disposition is still due."""
    case = cases.locked(db, case_id)
    cases.STATES.advance(case, "hand_over")
    record(db, case, "handed_over", by=by, at=at, to=to)
    return case
