"""The check-in: how a participant is today, in coded answers, and whether a human is needed now.

It is never refused for the state of the day: somebody who is late, waits for a clinician, lost
their seat or comes back after wrap-up may be the one who is not safe. Every check-in counts, also
a second one.
"""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from catalogue.sessions import CheckInSubmitted
from chassis.announce import announce, uuid7
from chassis.database import OfClinic
from chassis.database import Session as Db
from sessions.attendance import Attendance
from sessions.danger import announce_risk
from sessions.rules import Risk, check_in_risk
from sessions.tables import Base


class CheckIn(Base, OfClinic):
    """Coded answers; one that was not given is missing, not zero."""

    __tablename__ = "checkins"
    __table_args__ = (
        sa.CheckConstraint("mood BETWEEN 0 AND 10", name="mood"),
        sa.CheckConstraint("urge BETWEEN 0 AND 10", name="urge"),
        sa.CheckConstraint("sleep_hours BETWEEN 0 AND 24", name="sleep_hours"),
    )
    checkin_id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    attendance_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("attendances.attendance_id"), index=True
    )
    mood: Mapped[int | None]
    urge: Mapped[int | None]
    sleep_hours: Mapped[int | None]
    substance: Mapped[bool | None]
    safe: Mapped[bool]
    submitted_at: Mapped[datetime]
    submitted_by: Mapped[str] = mapped_column(sa.String(96))


def check_in(
    db: Db, attendance: Attendance, *, safe: bool, urge: int | None, mood: int | None,
    sleep_hours: int | None, substance: bool | None, by: str, at: datetime,
) -> tuple[CheckIn, Risk | None]:  # fmt: skip
    """Take a check-in. What it says of danger is announced in the same transaction."""
    risk = check_in_risk(safe=safe, urge=urge)
    if risk is not None:
        announce_risk(db, risk, attendance)
    row = CheckIn(
        checkin_id=uuid7(), clinic_id=attendance.clinic_id,
        attendance_id=attendance.attendance_id, mood=mood, urge=urge, sleep_hours=sleep_hours,
        substance=substance, safe=safe, submitted_at=at, submitted_by=by,
    )  # fmt: skip
    db.add(row)
    announce(
        db,
        CheckInSubmitted(
            clinic_id=row.clinic_id, checkin_id=row.checkin_id, session_id=attendance.session_id,
            participant_id=attendance.participant_id,
        ),
    )  # fmt: skip
    return row, risk
