"""Dated programme days, and who is bound by them.

Nobody can be bound twice at the same time: the database refuses it, whoever writes. On PostgreSQL
an exclusion constraint does, on SQLite a trigger; both carry the name of `GUARD`.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint, delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from catalogue.scheduling import OccurrenceCancelled, OccurrenceScheduled
from chassis.announce import announce, uuid7
from chassis.database import OfClinic, Session
from chassis.refusals import Conflict, NotFound
from chassis.states import States
from scheduling.programme import Programme
from scheduling.rules import Span
from scheduling.tables import Base, Identified, Made

OCCURRENCE = States("occurrence", {("scheduled", "cancel"): "cancelled"})
GUARD = "double_booked"


class Occurrence(OfClinic, Identified, Made, Base):
    """One dated day of a cohort: a date in the programme's zone, and the instants it stands for."""

    __tablename__ = "occurrences"
    __table_args__ = (
        UniqueConstraint("cohort_id", "day_on"),
        CheckConstraint("ends_at > starts_at", name="span"),
        OCCURRENCE.check(),
    )

    cohort_id: Mapped[UUID] = mapped_column(ForeignKey("cohorts.id"))
    facilitator_id: Mapped[UUID] = mapped_column(ForeignKey("clinicians.id"))
    day_on: Mapped[date]
    zone: Mapped[str] = mapped_column(String(64))
    starts_at: Mapped[datetime] = mapped_column(index=True)
    ends_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(16), default=OCCURRENCE.initial)
    cancelled_at: Mapped[datetime | None]
    cancelled_by: Mapped[str | None] = mapped_column(String(96))
    reason: Mapped[str | None] = mapped_column(String(64))

    @property
    def span(self) -> Span:
        return Span(self.starts_at, self.ends_at)


class Booking(OfClinic, Identified, Made, Base):
    """A participant or a facilitator is bound by a day. Freed by deleting the row."""

    __tablename__ = "bookings"
    __table_args__ = (
        UniqueConstraint("occurrence_id", "person_id"),
        CheckConstraint("ends_at > starts_at", name="span"),
    )

    person_id: Mapped[UUID] = mapped_column(index=True)
    occurrence_id: Mapped[UUID] = mapped_column(ForeignKey("occurrences.id"))
    seat_id: Mapped[UUID | None] = mapped_column(ForeignKey("seats.id"), index=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]


def schedule(
    db: Session,
    programme: Programme,
    days: Iterable[date],
    *,
    cohort_id: UUID,
    facilitator_id: UUID,
    by: str,
    at: datetime,
) -> list[Occurrence]:
    """Put a cohort's days into the calendar, in order."""
    occurrences = [
        Occurrence(
            id=uuid7(),
            clinic_id=programme.clinic_id,
            cohort_id=cohort_id,
            facilitator_id=facilitator_id,
            day_on=day,
            zone=programme.zone,
            starts_at=(span := programme.span_on(day)).starts_at,
            ends_at=span.ends_at,
            state=OCCURRENCE.initial,
            made_at=at,
            made_by=by,
        )
        for day in days
    ]
    db.add_all(occurrences)
    for occurrence in occurrences:
        announce(db, _scheduled(occurrence, programme))
    return occurrences


def book(
    db: Session,
    person_id: UUID,
    occurrences: Sequence[Occurrence],
    *,
    seat_id: UUID | None = None,
    by: str,
    at: datetime,
) -> None:
    """Bind somebody by all of these days or by none.

    The caller holds the lock of the person's own row: two that insert the same instant unlocked
    are a deadlock to PostgreSQL. Raises Conflict `double_booked` with the days that clash.
    """
    bookings = [
        Booking(
            clinic_id=occurrence.clinic_id,
            person_id=person_id,
            occurrence_id=occurrence.id,
            seat_id=seat_id,
            starts_at=occurrence.starts_at,
            ends_at=occurrence.ends_at,
            made_at=at,
            made_by=by,
        )
        for occurrence in occurrences
    ]
    try:
        with db.begin_nested():
            db.add_all(bookings)
    except IntegrityError as refused:
        if GUARD not in str(refused.orig):
            raise
        clashes = _clashes(db, person_id, [occurrence.span for occurrence in occurrences])
        raise Conflict(GUARD, person_id=str(person_id), occurrences=clashes) from None


def free(db: Session, seat_id: UUID, *, at: datetime) -> None:
    """Let the participant of a seat go from every day that is not over."""
    db.execute(delete(Booking).where(Booking.seat_id == seat_id, Booking.ends_at > at))


def coming(db: Session, cohort_id: UUID, *, at: datetime) -> list[Occurrence]:
    """The days of a cohort that begin from now on; none can be cancelled before we commit."""
    return list(
        db.scalars(
            select(Occurrence)
            .where(Occurrence.cohort_id == cohort_id, Occurrence.state == "scheduled")
            .where(Occurrence.starts_at >= at)
            .order_by(Occurrence.starts_at)
            .with_for_update(read=True)
        )
    )


def cancel(db: Session, occurrence_id: UUID, *, reason: str, by: str, at: datetime) -> Occurrence:
    """Call a day off and let everybody go who was bound by it."""
    occurrence = db.get(Occurrence, occurrence_id, with_for_update=True)
    if occurrence is None:
        raise NotFound("not_found", occurrence_id=str(occurrence_id))
    if occurrence.ends_at <= at:
        raise Conflict("already_over", occurrence_id=str(occurrence_id))
    OCCURRENCE.advance(occurrence, "cancel")
    occurrence.reason = reason
    occurrence.cancelled_at, occurrence.cancelled_by = at, by
    db.execute(delete(Booking).where(Booking.occurrence_id == occurrence_id))
    announce(
        db,
        OccurrenceCancelled(
            clinic_id=occurrence.clinic_id,
            occurrence_id=occurrence_id,
            cohort_id=occurrence.cohort_id,
            reason=reason,
        ),
    )
    return occurrence


def days_named(occurrences: Iterable[Any]) -> list[dict[str, str]]:
    """Days as the facts of a refusal name them."""
    return [{"occurrence_id": str(o.id), "day_on": o.day_on.isoformat()} for o in occurrences]


def _clashes(db: Session, person_id: UUID, wanted: Sequence[Span]) -> list[dict[str, str]]:
    """What somebody is bound by already, as far as the caller may see it."""
    bound = db.execute(
        select(Occurrence.id, Occurrence.day_on, Booking.starts_at, Booking.ends_at)
        .join(Booking, Booking.occurrence_id == Occurrence.id)
        .where(Booking.person_id == person_id)
        .where(Booking.starts_at < wanted[-1].ends_at, Booking.ends_at > wanted[0].starts_at)
        .order_by(Booking.starts_at)
    )
    return days_named(
        row
        for row in bound
        if any(span.overlaps(Span(row.starts_at, row.ends_at)) for span in wanted)
    )


def _scheduled(occurrence: Occurrence, programme: Programme) -> OccurrenceScheduled:
    parts = programme.parts_from(occurrence.starts_at)
    return OccurrenceScheduled(
        clinic_id=occurrence.clinic_id,
        occurrence_id=occurrence.id,
        cohort_id=occurrence.cohort_id,
        facilitator_id=occurrence.facilitator_id,
        day_on=occurrence.day_on,
        zone=occurrence.zone,
        starts_at=occurrence.starts_at,
        ends_at=occurrence.ends_at,
        segment_kinds=tuple(kind for kind, _ in parts),
        segment_starts_at=tuple(span.starts_at for _, span in parts),
        segment_ends_at=tuple(span.ends_at for _, span in parts),
    )
