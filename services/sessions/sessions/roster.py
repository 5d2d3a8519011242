"""What sessions was told by others: days, seats, people, licences and open cases.

Events of different subjects come in any order, so every row is put by its id and stands alone.
"""

from datetime import date, datetime
from typing import Any, Self
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from catalogue.crisis import CaseClosed, CaseOpened, RiskAttached, TierChanged
from catalogue.intake import ParticipantAdmitted, ParticipantDischarged
from catalogue.scheduling import (
    ClinicianRegistered,
    OccurrenceCancelled,
    OccurrenceScheduled,
    SeatOffered,
    SeatReleased,
    SeatReleasedForDay,
)
from chassis.database import OfClinic, insert_into
from chassis.database import Session as Db
from chassis.refusals import Conflict, NotFound
from sessions.rules import Segment
from sessions.tables import Base

Code = sa.String(64)


class Cohort(Base, OfClinic):
    """A group of people. Its row is the lock between opening a day and offering a seat."""

    __tablename__ = "cohorts"
    cohort_id: Mapped[UUID] = mapped_column(primary_key=True)


class Occurrence(Base, OfClinic):
    """A dated programme day with its planned segments."""

    __tablename__ = "occurrences"
    __table_args__ = (sa.Index(None, "cohort_id", "starts_at"),)
    occurrence_id: Mapped[UUID] = mapped_column(primary_key=True)
    cohort_id: Mapped[UUID]
    facilitator_id: Mapped[UUID]
    day_on: Mapped[date] = mapped_column(index=True)
    zone: Mapped[str] = mapped_column(Code)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    plan: Mapped[list[list[str]]] = mapped_column(sa.JSON)
    cancelled_at: Mapped[datetime | None]

    @classmethod
    def find(cls, db: Db, occurrence_id: UUID) -> Self:
        occurrence = db.get(cls, occurrence_id)
        if occurrence is None:
            raise NotFound("occurrence", occurrence_id=occurrence_id)
        return occurrence

    @property
    def segments(self) -> list[Segment]:
        """In the order of the day; their places count from 0."""
        instant = datetime.fromisoformat
        return [Segment(kind, instant(a), instant(b)) for kind, a, b in self.plan]


class Seat(Base, OfClinic):
    """One person's place in a cohort, from the first day of its series on."""

    __tablename__ = "seats"
    __table_args__ = (sa.Index(None, "cohort_id", "participant_id"),)
    seat_id: Mapped[UUID] = mapped_column(primary_key=True)
    cohort_id: Mapped[UUID]
    participant_id: Mapped[UUID] = mapped_column(index=True)
    first_starts_at: Mapped[datetime]
    released_at: Mapped[datetime | None]


class Absence(Base, OfClinic):
    """Somebody said beforehand that they cannot come to a day. They are looked for all the same."""

    __tablename__ = "absences"
    occurrence_id: Mapped[UUID] = mapped_column(primary_key=True)
    participant_id: Mapped[UUID] = mapped_column(primary_key=True)


class Participant(Base, OfClinic):
    """A person in care, until discharge: the last episode, and the zone they live in."""

    __tablename__ = "participants"
    participant_id: Mapped[UUID] = mapped_column(primary_key=True)
    episode_id: Mapped[UUID]
    zone: Mapped[str] = mapped_column(Code)
    admitted_at: Mapped[datetime]


class Clinician(Base, OfClinic):
    """Licensed staff, with the states of their licences."""

    __tablename__ = "clinicians"
    clinician_id: Mapped[UUID] = mapped_column(primary_key=True)
    states: Mapped[list[str]]


class OpenCase(Base, OfClinic):
    """A case that crisis has not closed."""

    __tablename__ = "open_cases"
    case_id: Mapped[UUID] = mapped_column(primary_key=True)
    participant_id: Mapped[UUID] = mapped_column(index=True)
    tier: Mapped[str] = mapped_column(sa.String(2))


def hold(db: Db, cohort_id: UUID, clinic_id: UUID, *, alone: bool) -> None:
    """Lock a cohort: alone to open one of its days, else among others to offer a seat."""
    _insert(db, Cohort, cohort_id=cohort_id, clinic_id=clinic_id)
    lock = sa.select(Cohort.cohort_id).where(Cohort.cohort_id == cohort_id)
    db.execute(lock.with_for_update(read=not alone))


def schedule(db: Db, event: OccurrenceScheduled) -> None:
    planned = zip(event.segment_kinds, event.segment_starts_at, event.segment_ends_at, strict=True)
    _put(
        db, Occurrence,
        occurrence_id=event.occurrence_id, clinic_id=event.clinic_id, cohort_id=event.cohort_id,
        facilitator_id=event.facilitator_id, day_on=event.day_on, zone=event.zone,
        starts_at=event.starts_at, ends_at=event.ends_at, cancelled_at=None,
        plan=[[kind, begins.isoformat(), ends.isoformat()] for kind, begins, ends in planned],
    )  # fmt: skip


def cancel(db: Db, event: OccurrenceCancelled, *, at: datetime) -> None:
    """A day that has begun goes on; who was there is credited."""
    occurrence = Occurrence.find(db, event.occurrence_id)
    occurrence.cancelled_at = at


def offer_seat(db: Db, event: SeatOffered) -> Seat:
    hold(db, event.cohort_id, event.clinic_id, alone=False)
    seat = Seat(
        seat_id=event.seat_id, clinic_id=event.clinic_id, cohort_id=event.cohort_id,
        participant_id=event.participant_id, first_starts_at=event.first_starts_at,
        released_at=None,
    )  # fmt: skip
    return db.merge(seat)


def release_seat(db: Db, event: SeatReleased, *, at: datetime) -> Seat:
    hold(db, event.cohort_id, event.clinic_id, alone=False)
    seat = db.get(Seat, event.seat_id)
    if seat is None:
        raise NotFound("seat", seat_id=event.seat_id)
    seat.released_at = at
    return seat


def note_absence(db: Db, event: SeatReleasedForDay) -> None:
    _insert(
        db, Absence,
        occurrence_id=event.occurrence_id, participant_id=event.participant_id,
        clinic_id=event.clinic_id,
    )  # fmt: skip


def absent(db: Db, occurrence_id: UUID) -> set[UUID]:
    """Who said that they cannot come to a day."""
    said = sa.select(Absence.participant_id).where(Absence.occurrence_id == occurrence_id)
    return set(db.scalars(said))


def seated(db: Db, occurrence: Occurrence) -> list[UUID]:
    """Who has a seat on this day now."""
    covering = (
        sa.select(Seat.participant_id)
        .where(Seat.cohort_id == occurrence.cohort_id, Seat.released_at.is_(None))
        .where(Seat.first_starts_at <= occurrence.starts_at)
        .order_by(Seat.participant_id)
        .distinct()
    )
    return list(db.scalars(covering))


def admit(db: Db, event: ParticipantAdmitted, *, at: datetime) -> None:
    """The later of two admissions counts, whichever was heard first."""
    _put(
        db, Participant,
        participant_id=event.participant_id, clinic_id=event.clinic_id,
        episode_id=event.episode_id, zone=event.zone, admitted_at=at,
        unless_newer=Participant.admitted_at,
    )  # fmt: skip


def discharge(db: Db, event: ParticipantDischarged) -> None:
    """Forget a person, unless they were admitted again; scheduling releases their seats."""
    db.execute(
        sa.delete(Participant)
        .where(Participant.participant_id == event.participant_id)
        .where(Participant.episode_id == event.episode_id)
    )


def register(db: Db, event: ClinicianRegistered) -> None:
    _put(
        db, Clinician,
        clinician_id=event.clinician_id, clinic_id=event.clinic_id, states=list(event.states),
    )  # fmt: skip


def must_be_licensed(db: Db, facilitator_id: UUID, state: str) -> None:
    """Refuse a participant whom the facilitator's licences do not cover where they are now."""
    facilitator = db.get(Clinician, facilitator_id)
    if facilitator is None or state not in facilitator.states:
        raise Conflict("licence", state=state)


def note_case(db: Db, event: CaseOpened | RiskAttached | TierChanged) -> None:
    _put(
        db, OpenCase,
        case_id=event.case_id, clinic_id=event.clinic_id, participant_id=event.participant_id,
        tier=event.tier,
    )  # fmt: skip


def forget_case(db: Db, event: CaseClosed) -> None:
    db.execute(sa.delete(OpenCase).where(OpenCase.case_id == event.case_id))


def open_tiers(db: Db, participant_id: UUID) -> list[str]:
    """Tiers of a person's open cases."""
    cases = sa.select(OpenCase.tier).where(OpenCase.participant_id == participant_id)
    return list(db.scalars(cases))


def _insert(db: Db, row: type[Base], **values: Any) -> None:
    db.execute(insert_into(db, row).values(values).on_conflict_do_nothing())


def _put(db: Db, row: type[Base], *, unless_newer: Any = None, **values: Any) -> None:
    """Insert a row, or replace what is known under its id."""
    insert = insert_into(db, row).values(values)
    ids = [column.name for column in row.__table__.primary_key]
    news = {name: insert.excluded[name] for name in values if name not in ids}
    older = None if unless_newer is None else unless_newer < insert.excluded[unless_newer.key]
    db.execute(insert.on_conflict_do_update(index_elements=ids, set_=news, where=older))
