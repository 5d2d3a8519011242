"""Cohorts: a group of people on a programme, with its facilitator and the series of its days."""

from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from catalogue.scheduling import CohortOpened
from chassis.announce import announce, uuid7
from chassis.database import OfClinic, Session
from chassis.refusals import Conflict, Invalid, NotFound
from scheduling.clinician import Clinician
from scheduling.occurrence import Occurrence, book, days_named, schedule
from scheduling.programme import Programme
from scheduling.rules import FURTHEST_DAYS_AHEAD, LARGEST_GROUP, days_of_series, local_time
from scheduling.tables import Base, Identified, Made


class Cohort(OfClinic, Identified, Made, Base):
    """A group that takes participants. Its row is locked while a seat is given."""

    __tablename__ = "cohorts"
    __table_args__ = (
        CheckConstraint(f"capacity BETWEEN 1 AND {LARGEST_GROUP}", name="capacity"),
        UniqueConstraint("id", "capacity"),
    )

    programme_id: Mapped[UUID] = mapped_column(ForeignKey("programmes.id"))
    facilitator_id: Mapped[UUID] = mapped_column(ForeignKey("clinicians.id"))
    capacity: Mapped[int]
    programme: Mapped[Programme] = relationship()
    facilitator: Mapped[Clinician] = relationship()


def open_cohort(
    db: Session,
    clinic_id: UUID,
    *,
    programme_id: UUID,
    facilitator_id: UUID,
    capacity: int,
    first_on: date,
    count: int,
    by: str,
    at: datetime,
) -> tuple[Cohort, list[Occurrence]]:
    """Open a cohort with the whole series of its days, or not at all.

    Raises Conflict `double_booked` when the facilitator is bound elsewhere, `licence` when none of
    their licences lasts that long.
    """
    programme = _programme(db, clinic_id, programme_id)
    facilitator = _facilitator(db, clinic_id, facilitator_id)
    _refuse_unlikely_date(first_on, programme.zone, at)
    cohort = Cohort(
        id=uuid7(),
        clinic_id=clinic_id,
        programme_id=programme_id,
        facilitator_id=facilitator_id,
        capacity=capacity,
        made_at=at,
        made_by=by,
    )
    db.add(cohort)
    _announce_opened(db, cohort, programme.zone)
    occurrences = schedule(
        db,
        programme,
        days_of_series(first_on, programme.weekdays, count),
        cohort_id=cohort.id,
        facilitator_id=facilitator_id,
        by=by,
        at=at,
    )
    refuse_unlicensed(facilitator, occurrences, programme.zone)
    book(db, facilitator_id, occurrences, by=by, at=at)
    return cohort, occurrences


def cohort_of(db: Session, cohort_id: UUID, *, lock: bool = False) -> Cohort:
    """A cohort that the caller may see. Raises NotFound."""
    cohort = db.get(Cohort, cohort_id, with_for_update=lock or None)
    if cohort is None:
        raise NotFound("not_found", cohort_id=str(cohort_id))
    return cohort


def refuse_unlicensed(
    facilitator: Clinician, occurrences: list[Occurrence], zone: str, state: str | None = None
) -> None:
    """Raises Conflict `licence` with the days at which the facilitator may not practise there."""
    unlicensed = facilitator.unlicensed_at((o.ends_at for o in occurrences), zone, state)
    if unlicensed:
        days = days_named(o for o in occurrences if o.ends_at in unlicensed)
        facts = {"facilitator_id": str(facilitator.id), "occurrences": days}
        raise Conflict("licence", **facts, **({"state": state} if state else {}))


def _programme(db: Session, clinic_id: UUID, programme_id: UUID) -> Programme:
    programme = db.get(Programme, programme_id)
    if programme is None or programme.clinic_id != clinic_id:
        raise Invalid(programme_id="unknown")
    return programme


def _facilitator(db: Session, clinic_id: UUID, facilitator_id: UUID) -> Clinician:
    facilitator = db.get(Clinician, facilitator_id, with_for_update=True)
    if facilitator is None or facilitator.clinic_id != clinic_id:
        raise Invalid(facilitator_id="unknown")
    return facilitator


def _refuse_unlikely_date(first_on: date, zone: str, at: datetime) -> None:
    today = local_time(at, zone).date()
    if first_on < today:
        raise Invalid(first_on="is_past")
    if first_on > today + timedelta(days=FURTHEST_DAYS_AHEAD):
        raise Invalid(first_on="too_far_ahead")


def _announce_opened(db: Session, cohort: Cohort, zone: str) -> None:
    announce(
        db,
        CohortOpened(
            clinic_id=cohort.clinic_id,
            cohort_id=cohort.id,
            programme_id=cohort.programme_id,
            facilitator_id=cohort.facilitator_id,
            capacity=cohort.capacity,
            zone=zone,
        ),
    )
