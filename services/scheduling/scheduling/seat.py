"""Seats: a participant's place in a cohort for the whole series of its days, or no place at all.

A seat has a number. No two seats of a cohort share one and none exceeds the capacity, so the
database itself cannot hold one participant too many.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    delete,
    select,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from catalogue.intake import ParticipantAdmitted
from catalogue.scheduling import SeatOffered, SeatReleased, SeatReleasedForDay
from chassis.announce import announce, uuid7
from chassis.database import OfClinic, Session
from chassis.refusals import Conflict, NotFound
from chassis.states import States
from scheduling.cohort import Cohort, cohort_of, refuse_unlicensed
from scheduling.occurrence import Booking, Occurrence, book, coming, free
from scheduling.rules import free_number
from scheduling.tables import Base, Identified, Made

SEAT = States("seat", {("offered", "release"): "released"})


def _one_offered(name: str, *columns: str) -> Index:
    held = text("state = 'offered'")
    return Index(name, *columns, unique=True, postgresql_where=held, sqlite_where=held)


class Admission(OfClinic, Base):
    """What intake said about an episode: since when, and where the participant lives."""

    __tablename__ = "admissions"

    episode_id: Mapped[UUID] = mapped_column(primary_key=True)
    participant_id: Mapped[UUID] = mapped_column(index=True)
    home_state: Mapped[str] = mapped_column(String(64))
    zone: Mapped[str] = mapped_column(String(64))
    admitted_at: Mapped[datetime]
    discharged_at: Mapped[datetime | None]


class Seat(OfClinic, Identified, Made, Base):
    """A numbered place. `capacity` is the cohort's, kept equal by the foreign key."""

    __tablename__ = "seats"
    __table_args__ = (
        ForeignKeyConstraint(
            ["cohort_id", "capacity"],
            ["cohorts.id", "cohorts.capacity"],
            name="fk_seats_capacity",
            onupdate="CASCADE",
        ),
        CheckConstraint("number BETWEEN 1 AND capacity", name="number"),
        SEAT.check(),
        _one_offered("uq_seats_number", "cohort_id", "number"),
        _one_offered("uq_seats_participant", "cohort_id", "participant_id"),
    )

    cohort_id: Mapped[UUID]
    capacity: Mapped[int]
    number: Mapped[int]
    participant_id: Mapped[UUID] = mapped_column(index=True)
    episode_id: Mapped[UUID] = mapped_column(ForeignKey("admissions.episode_id"), index=True)
    state: Mapped[str] = mapped_column(String(16), default=SEAT.initial)
    released_at: Mapped[datetime | None]
    released_by: Mapped[str | None] = mapped_column(String(96))
    reason: Mapped[str | None] = mapped_column(String(64))


def offer(
    db: Session, cohort_id: UUID, participant_id: UUID, *, by: str, at: datetime
) -> tuple[Seat, list[Occurrence], Admission]:
    """Give a participant a place on every day of the cohort that is still to begin.

    Raises Conflict `not_admitted`, `already_seated`, `capacity`, `series_over`, `licence` or
    `double_booked`; then nothing at all is booked.
    """
    cohort = cohort_of(db, cohort_id, lock=True)
    admission = _admission(db, cohort, participant_id)
    number = _number(db, cohort, participant_id)
    days = coming(db, cohort_id, at=at)
    if not days:
        raise Conflict("series_over", cohort_id=str(cohort_id))
    refuse_unlicensed(cohort.facilitator, days, admission.zone, admission.home_state)
    seat = Seat(
        id=uuid7(),
        clinic_id=cohort.clinic_id,
        cohort_id=cohort_id,
        capacity=cohort.capacity,
        number=number,
        participant_id=participant_id,
        episode_id=admission.episode_id,
        state=SEAT.initial,
        made_at=at,
        made_by=by,
    )
    db.add(seat)
    book(db, participant_id, days, seat_id=seat.id, by=by, at=at)
    _announce_offered(db, seat, days)
    return seat, days, admission


def release(db: Session, seat: Seat, *, reason: str, by: str, at: datetime) -> None:
    """Take a participant's place back, and free what is left of the series."""
    SEAT.advance(seat, "release")
    seat.reason = reason
    seat.released_at, seat.released_by = at, by
    free(db, seat.id, at=at)
    announce(
        db,
        SeatReleased(
            clinic_id=seat.clinic_id,
            seat_id=seat.id,
            cohort_id=seat.cohort_id,
            participant_id=seat.participant_id,
            reason=reason,
        ),
    )


def release_day(db: Session, occurrence_id: UUID, participant_id: UUID, *, at: datetime) -> None:
    """Free one day that a participant will not come to, unless it is over; their place is kept."""
    freed = (
        delete(Booking)
        .where(Booking.occurrence_id == occurrence_id, Booking.person_id == participant_id)
        .where(Booking.seat_id.is_not(None), Booking.ends_at > at)
        .returning(Booking.seat_id)
    )
    seat_id = db.scalars(freed).one_or_none()
    if seat_id is None:
        return
    seat = db.get_one(Seat, seat_id)
    announce(
        db,
        SeatReleasedForDay(
            clinic_id=seat.clinic_id,
            seat_id=seat_id,
            cohort_id=seat.cohort_id,
            participant_id=participant_id,
            occurrence_id=occurrence_id,
            reason="cannot_come",
        ),
    )


def seat_of(db: Session, seat_id: UUID) -> Seat:
    """A seat that the caller may see, locked. Raises NotFound."""
    seat = db.get(Seat, seat_id, with_for_update=True)
    if seat is None:
        raise NotFound("not_found", seat_id=str(seat_id))
    return seat


def admit(db: Session, event: ParticipantAdmitted, *, at: datetime) -> None:
    """Remember whom intake admitted."""
    db.merge(
        Admission(
            episode_id=event.episode_id,
            clinic_id=event.clinic_id,
            participant_id=event.participant_id,
            home_state=event.state,
            zone=event.zone,
            admitted_at=at,
        )
    )


def move(db: Session, episode_id: UUID, *, zone: str) -> None:
    """Remember by which clock an admitted participant lives now."""
    admission = db.get(Admission, episode_id, with_for_update=True)
    if admission is not None:
        admission.zone = zone


def discharge(db: Session, episode_id: UUID, *, by: str, at: datetime) -> None:
    """Close an episode here: nobody is seated on it again, and its seats are released."""
    admission = db.get(Admission, episode_id, with_for_update=True)
    if admission is None:
        return
    admission.discharged_at = at
    held = select(Seat).where(Seat.episode_id == episode_id, Seat.state == "offered")
    for seat in db.scalars(held.order_by(Seat.id).with_for_update()):
        release(db, seat, reason="discharged", by=by, at=at)


def _admission(db: Session, cohort: Cohort, participant_id: UUID) -> Admission:
    """The open admission to this clinic, locked: the participant's bookings wait for each other."""
    admission = db.scalars(
        select(Admission)
        .where(Admission.participant_id == participant_id, Admission.discharged_at.is_(None))
        .where(Admission.clinic_id == cohort.clinic_id)
        .order_by(Admission.admitted_at.desc())
        .limit(1)
        .with_for_update()
    ).one_or_none()
    if admission is None:
        raise Conflict("not_admitted", participant_id=str(participant_id))
    return admission


def _number(db: Session, cohort: Cohort, participant_id: UUID) -> int:
    """A free number, while the lock of the cohort's row keeps others from taking it."""
    held = select(Seat.number, Seat.participant_id).where(
        Seat.cohort_id == cohort.id, Seat.state == "offered"
    )
    taken = {row.number: row.participant_id for row in db.execute(held)}
    if participant_id in taken.values():
        raise Conflict("already_seated", cohort_id=str(cohort.id))
    number = free_number(taken, cohort.capacity)
    if number is None:
        raise Conflict("capacity", cohort_id=str(cohort.id), capacity=cohort.capacity)
    return number


def _announce_offered(db: Session, seat: Seat, days: list[Occurrence]) -> None:
    announce(
        db,
        SeatOffered(
            clinic_id=seat.clinic_id,
            seat_id=seat.id,
            cohort_id=seat.cohort_id,
            participant_id=seat.participant_id,
            episode_id=seat.episode_id,
            first_starts_at=days[0].starts_at,
            occurrences=len(days),
        ),
    )
