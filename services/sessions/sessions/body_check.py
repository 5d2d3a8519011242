"""The body check: what a participant says of their body, since nobody in the room can see it.

Like a check-in it is never refused for the state of the day, and every one counts.
"""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from chassis.announce import uuid7
from chassis.database import OfClinic
from chassis.database import Session as Db
from sessions.attendance import Attendance
from sessions.danger import announce_risk
from sessions.rules import Risk, body_check_risk
from sessions.tables import Base


class BodyCheck(Base, OfClinic):
    """Coded answers; one that was not given is missing, not zero."""

    __tablename__ = "body_checks"
    __table_args__ = (sa.CheckConstraint("short_nights BETWEEN 0 AND 7", name="short_nights"),)
    body_check_id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    attendance_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("attendances.attendance_id"), index=True
    )
    more_than_prescribed: Mapped[bool]
    short_nights: Mapped[int | None]
    submitted_at: Mapped[datetime]
    submitted_by: Mapped[str] = mapped_column(sa.String(96))


def submit(
    db: Db, row: Attendance, *, more_than_prescribed: bool, short_nights: int | None, by: str,
    at: datetime,
) -> tuple[BodyCheck, Risk | None]:  # fmt: skip
    """Take a body check. What it says of danger is announced in the same transaction."""
    risk = body_check_risk(more_than_prescribed=more_than_prescribed, short_nights=short_nights)
    if risk is not None:
        announce_risk(db, risk, row)
    check = BodyCheck(
        body_check_id=uuid7(), clinic_id=row.clinic_id, attendance_id=row.attendance_id,
        more_than_prescribed=more_than_prescribed, short_nights=short_nights, submitted_at=at,
        submitted_by=by,
    )  # fmt: skip
    db.add(check)
    return check, risk
