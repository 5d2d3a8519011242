"""Programmes: the weekly pattern of a group, published when it is intensive outpatient care."""

from collections.abc import Collection, Iterable
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from chassis.announce import uuid7
from chassis.database import OfClinic, Session
from chassis.refusals import Conflict, Invalid
from scheduling.rules import (
    PARTIAL_HOSPITAL_MINUTES,
    WEEKDAYS,
    WEEKLY_MINUTES,
    Segment,
    Span,
    day_minutes,
    faults_of_programme,
    span_of_day,
    spans_of_segments,
    week_minutes,
)
from scheduling.tables import Base, Identified, Made


class Programme(OfClinic, Identified, Made, Base):
    """A day template, the weekdays it is held on, and the zone whose clock it keeps."""

    __tablename__ = "programmes"
    __table_args__ = (
        CheckConstraint(
            f"weekly_minutes >= {WEEKLY_MINUTES} AND weekly_minutes < {PARTIAL_HOSPITAL_MINUTES}",
            name="is_iop",
        ),
        UniqueConstraint("clinic_id", "code"),
    )

    code: Mapped[str] = mapped_column(String(64))
    zone: Mapped[str] = mapped_column(String(64))
    weekdays: Mapped[list[str]]
    starts_local: Mapped[time]
    segments: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    weekly_minutes: Mapped[int]

    @property
    def parts(self) -> list[Segment]:
        return [Segment(**segment) for segment in self.segments]

    def span_on(self, day: date) -> Span:
        """From the start of a dated day to its end."""
        return span_of_day(day, self.starts_local, self.zone, day_minutes(self.parts))

    def parts_from(self, starts_at: datetime) -> list[tuple[str, Span]]:
        """The segments of a day that starts at an instant: kind, and from when to when."""
        spans = spans_of_segments(starts_at, self.parts)
        return [(part.kind, span) for part, span in zip(self.parts, spans, strict=True)]


def publish(
    db: Session,
    clinic_id: UUID,
    *,
    code: str,
    zone: str,
    weekdays: Collection[str],
    starts_local: time,
    segments: Iterable[dict[str, Any]],
    by: str,
    at: datetime,
) -> Programme:
    """Publish a programme. Raises Invalid with the path of every field at fault, and Conflict
    `already_published` where the clinic has one of this code."""
    parts = [Segment(**segment) for segment in segments]
    if faults := faults_of_programme(weekdays, parts):
        raise Invalid(**faults)
    same = select(Programme.id).where(Programme.clinic_id == clinic_id, Programme.code == code)
    if (programme_id := db.scalar(same)) is not None:
        raise Conflict("already_published", programme_id=str(programme_id))
    programme = Programme(
        id=uuid7(),
        clinic_id=clinic_id,
        code=code,
        zone=zone,
        weekdays=sorted(weekdays, key=WEEKDAYS.index),
        starts_local=starts_local,
        segments=[{"kind": part.kind, "minutes": part.minutes} for part in parts],
        weekly_minutes=week_minutes(weekdays, parts),
        made_at=at,
        made_by=by,
    )
    db.add(programme)
    return programme
