"""Cases to be handed over: whoever has them was on call when they took them, and no longer is.

Nobody loses a case by the end of a shift: it stays theirs, with its deadlines, until somebody
takes it over. What is told here is that somebody should, and who is on call now.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from uuid import UUID

import sqlalchemy as sa

from chassis.database import Session
from crisis.case import HELD, Case
from crisis.rota.published import in_force, on_call
from crisis.rota.shifts import Rota
from crisis.timeline import Entry

TAKEN = ("acknowledged", "taken_over")


@dataclass(frozen=True)
class HandOver:
    """A case whose holder's shift is over, and who is on call now, the first rung first."""

    case: Case
    holder: UUID
    to: tuple[UUID, ...]


def due(db: Session, clinic_id: UUID) -> Sequence[HandOver]:
    """The cases of a clinic that somebody should take over, the oldest first.

    A case in follow-up is not among them: who keeps contact for weeks has it across shifts.
    """
    rota, now = in_force(db, clinic_id), on_call(db, clinic_id)
    held = db.scalars(
        sa.select(Case)
        .where(
            Case.clinic_id == clinic_id,
            Case.state.in_(HELD[:-1]),
            Case.drill_ends_at.is_(None),
        )
        .order_by(Case.opened_at, Case.id)
    )
    return [
        HandOver(case, holder, now.everybody)
        for case in held
        if (holder := case.acknowledged_by) and _shift_is_over(db, rota, case, holder)
    ]


def _shift_is_over(db: Session, rota: Rota, case: Case, holder: UUID) -> bool:
    taken_at = db.scalar(
        sa.select(sa.func.max(Entry.at)).where(Entry.case_id == case.id, Entry.what.in_(TAKEN))
    )
    was, now = (set(chain(*rota.on_call(at))) for at in (taken_at or db.now, db.now))
    return holder in was - now
