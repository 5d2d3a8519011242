"""The ten-digit numbers of emergency call centres: 911 reaches only the one that is near whoever
calls, so a clinic looks up those of the states its participants are in, and enters them here."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from chassis.database import OfClinic, Session, insert_into
from crisis.tables import Base


class CallCentre(OfClinic, Base):
    """The number for one state, as a clinic entered it."""

    __tablename__ = "call_centres"

    clinic_id: Mapped[UUID] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(String(2), primary_key=True)
    number: Mapped[str] = mapped_column(String(24))
    entered_at: Mapped[datetime]
    entered_by: Mapped[str] = mapped_column(String(96))


def enter(db: Session, clinic_id: UUID, state: str, number: str, *, by: str, at: datetime) -> None:
    """Enter a number, in place of the one there was."""
    now = {"number": number, "entered_at": at, "entered_by": by}
    insert = insert_into(db, CallCentre)
    row = insert.values(clinic_id=clinic_id, state=state, **now)
    db.connection().execute(
        row.on_conflict_do_update(index_elements=["clinic_id", "state"], set_=now)
    )


def number_of(db: Session, clinic_id: UUID, state: str | None) -> str | None:
    """The number for a state, or None where the clinic has entered none."""
    found = db.get(CallCentre, (clinic_id, state)) if state else None
    return found.number if found else None


def numbers(db: Session, clinic_id: UUID | None) -> list[CallCentre]:
    """Every number of a clinic, or of all that the caller sees."""
    wanted = sa.select(CallCentre).order_by(CallCentre.clinic_id, CallCentre.state)
    if clinic_id:
        wanted = wanted.where(CallCentre.clinic_id == clinic_id)
    return list(db.scalars(wanted))
