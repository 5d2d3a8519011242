"""Who has an appointment when: seats and dated days of a cohort, in whichever order we hear.

A seat and a day of one cohort may be handled by two processes at once, and each must see the
other; so both hold the cohort's row while they plan.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from catalogue.event import Event
from catalogue.scheduling import (
    OccurrenceCancelled,
    OccurrenceScheduled,
    SeatOffered,
    SeatReleased,
)
from chassis.database import OfClinic, Session, insert_into
from notifications.messages import Matter, plan, withdraw
from notifications.recipients import know
from notifications.tables import Base
from notifications.templates import REMINDERS, SEAT_OFFERED

OfCohort = OccurrenceCancelled | OccurrenceScheduled | SeatOffered | SeatReleased


class Cohort(OfClinic, Base):
    """The lock under which seats meet days."""

    __tablename__ = "cohorts"

    cohort_id: Mapped[UUID] = mapped_column(primary_key=True)


class Seat(OfClinic, Base):
    """A participant's place in a cohort, for its days from the first one on."""

    __tablename__ = "seats"
    __table_args__ = (sa.Index(None, "cohort_id", "person_id"),)

    seat_id: Mapped[UUID] = mapped_column(primary_key=True)
    cohort_id: Mapped[UUID] = mapped_column(sa.ForeignKey("cohorts.cohort_id"))
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("recipients.person_id"))
    first_starts_at: Mapped[datetime]
    released_at: Mapped[datetime | None]


class Occurrence(OfClinic, Base):
    """A dated day of a cohort."""

    __tablename__ = "occurrences"
    __table_args__ = (sa.Index(None, "cohort_id", "starts_at"),)

    occurrence_id: Mapped[UUID] = mapped_column(primary_key=True)
    cohort_id: Mapped[UUID] = mapped_column(sa.ForeignKey("cohorts.cohort_id"))
    starts_at: Mapped[datetime]
    cancelled_at: Mapped[datetime | None]


class Absence(OfClinic, Base):
    """One person's word that they cannot come to one day; `said_by` is the way they said it."""

    __tablename__ = "absences"

    occurrence_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("occurrences.occurrence_id"), primary_key=True
    )
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("recipients.person_id"), primary_key=True)
    said_at: Mapped[datetime]
    said_by: Mapped[str] = mapped_column(sa.String(16))


def hold_cohorts(db: Session, events: Sequence[Event]) -> None:
    """Lock the cohorts of a batch in the order of their ids, before any of it is handled."""
    clinics = {e.cohort_id: e.clinic_id for e in cast(Sequence[OfCohort], events)}
    rows = [{"cohort_id": one, "clinic_id": clinics[one]} for one in sorted(clinics)]
    db.execute(insert_into(db, Cohort).on_conflict_do_nothing(), rows)
    db.execute(
        sa.select(Cohort.cohort_id)
        .where(Cohort.cohort_id.in_(sorted(clinics)))
        .order_by(Cohort.cohort_id)
        .with_for_update()
    ).all()


def take_seat(db: Session, offered: SeatOffered, *, by: UUID) -> None:
    """Tell the participant of their place now, and of each of its days when it comes."""
    know(db, offered.clinic_id, offered.participant_id)
    seat = Seat(
        seat_id=offered.seat_id,
        clinic_id=offered.clinic_id,
        cohort_id=offered.cohort_id,
        person_id=offered.participant_id,
        first_starts_at=offered.first_starts_at,
    )
    db.add(seat)
    first = Matter(seat.person_id, seat.seat_id, seat.first_starts_at)
    plan(db, SEAT_OFFERED, [first], clinic_id=seat.clinic_id, by=by)
    days = db.scalars(
        sa.select(Occurrence)
        .where(Occurrence.cohort_id == seat.cohort_id, Occurrence.cancelled_at.is_(None))
        .where(Occurrence.starts_at >= seat.first_starts_at)
        .order_by(Occurrence.starts_at)
    )
    told = [Matter(seat.person_id, day.occurrence_id, day.starts_at) for day in days]
    _remind(db, told, clinic_id=seat.clinic_id, by=by)


def free_seat(db: Session, released: SeatReleased, *, at: datetime) -> None:
    """Drop what has not been said about the seat and its days."""
    seat = db.get(Seat, released.seat_id)
    if seat is None:
        return
    seat.released_at = at
    withdraw(db, [seat.seat_id], "seat_released")
    if not people_seated(db, seat.cohort_id, seat.person_id):
        days = sa.select(Occurrence.occurrence_id).where(Occurrence.cohort_id == seat.cohort_id)
        withdraw(db, db.scalars(days), "seat_released", recipient_id=seat.person_id)


def schedule_day(db: Session, scheduled: OccurrenceScheduled, *, by: UUID) -> None:
    """Remind everybody with a seat before this day; one that moved is announced anew."""
    day = db.get(Occurrence, scheduled.occurrence_id)
    if day is None:
        day = Occurrence(
            occurrence_id=scheduled.occurrence_id,
            clinic_id=scheduled.clinic_id,
            cohort_id=scheduled.cohort_id,
        )
        db.add(day)
    elif day.starts_at != scheduled.starts_at:
        withdraw(db, [day.occurrence_id], "rescheduled")
    day.starts_at = scheduled.starts_at
    day.cancelled_at = None
    seated = people_seated(db, day.cohort_id, until=day.starts_at)
    told = [Matter(person_id, day.occurrence_id, day.starts_at) for person_id in seated]
    _remind(db, told, clinic_id=day.clinic_id, by=by)


def cancel_day(db: Session, cancelled: OccurrenceCancelled, *, at: datetime) -> None:
    """Nobody is reminded of a day that will not take place."""
    day = db.get(Occurrence, cancelled.occurrence_id)
    if day is not None:
        day.cancelled_at = at
        withdraw(db, [day.occurrence_id], "cancelled")


def _remind(db: Session, matters: Sequence[Matter], *, clinic_id: UUID, by: UUID) -> None:
    for template in REMINDERS:
        plan(db, template, matters, clinic_id=clinic_id, by=by)


def days_between(
    db: Session, person_id: UUID, begins: datetime, ends: datetime
) -> Sequence[Occurrence]:
    """The days on which somebody is expected, that begin from one instant up to another."""
    seated = sa.select(Seat.seat_id).where(
        Seat.cohort_id == Occurrence.cohort_id,
        Seat.person_id == person_id,
        Seat.released_at.is_(None),
        Seat.first_starts_at <= Occurrence.starts_at,
    )
    cannot_come = sa.select(Absence.occurrence_id).where(Absence.person_id == person_id)
    return db.scalars(
        sa.select(Occurrence)
        .where(seated.exists(), Occurrence.cancelled_at.is_(None))
        .where(Occurrence.starts_at >= begins, Occurrence.starts_at < ends)
        .where(Occurrence.occurrence_id.not_in(cannot_come))
        .order_by(Occurrence.starts_at)
    ).all()


def is_expected(db: Session, day: Occurrence, person_id: UUID) -> bool:
    """Whether somebody has a seat on a day."""
    return bool(people_seated(db, day.cohort_id, person_id, until=day.starts_at))


def has_said_no(db: Session, occurrence_id: UUID, person_id: UUID) -> bool:
    """Whether somebody said that they cannot come."""
    return db.get(Absence, (occurrence_id, person_id)) is not None


def people_seated(
    db: Session, cohort_id: UUID, *person_ids: UUID, until: datetime | None = None
) -> Sequence[UUID]:
    """Who has a seat in a cohort; of these people only; whose first day is not after `until`."""
    seated = sa.select(Seat.person_id).where(
        Seat.cohort_id == cohort_id, Seat.released_at.is_(None)
    )
    if person_ids:
        seated = seated.where(Seat.person_id.in_(person_ids))
    if until is not None:
        seated = seated.where(Seat.first_starts_at <= until)
    return db.scalars(seated.distinct().order_by(Seat.person_id)).all()
