"""What scheduling answers about cohorts, seats, days and clinicians. Nobody's name is in it."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import selectinload

from chassis.database import Session
from scheduling.clinician import Clinician
from scheduling.cohort import Cohort, cohort_of
from scheduling.occurrence import Occurrence
from scheduling.programme import Programme
from scheduling.rules import clock_changes, local_time
from scheduling.seat import Admission, Seat

Row = dict[str, Any]


def clinicians(db: Session, *, limit: int, clinic_id: UUID | None = None) -> Row:
    """Staff with the states of the licences that hold today."""
    rows = _newest(db, select(Clinician).options(selectinload(Clinician.licences)), Clinician,
                   limit, clinic_id)  # fmt: skip
    return {
        "items": [
            {
                "clinician_id": one.id,
                "clinic_id": one.clinic_id,
                "roles": one.roles,
                "states": one.states_on(local_time(db.now, one.zone).date()),
                "zone": one.zone,
            }
            for one in rows
        ]
    }


def cohorts(db: Session, *, limit: int, clinic_id: UUID | None = None) -> Row:
    """Cohorts with the number of places taken."""
    rows = _newest(db, select(Cohort).options(selectinload(Cohort.programme)), Cohort,
                   limit, clinic_id)  # fmt: skip
    taken = _taken(db, rows)
    return {"items": [_cohort(one, taken.get(one.id, 0)) for one in rows]}


def cohort(db: Session, cohort_id: UUID) -> Row:
    """One cohort with who sits in it and all its days."""
    one = cohort_of(db, cohort_id)
    seated = select(Seat).where(Seat.cohort_id == cohort_id, Seat.state == "offered")
    seats = db.scalars(seated.order_by(Seat.made_at, Seat.id)).all()
    days = select(Occurrence).where(Occurrence.cohort_id == cohort_id)
    return {
        **_cohort(one, len(seats)),
        "seats": [
            {"seat_id": s.id, "participant_id": s.participant_id, "offered_at": s.made_at}
            for s in seats
        ],
        "occurrences": [_occurrence(o) for o in db.scalars(days.order_by(Occurrence.starts_at))],
    }


def occurrences(
    db: Session,
    *,
    limit: int,
    cohort_id: UUID | None = None,
    from_on: date | None = None,
    to_on: date | None = None,
) -> Row:
    """Dated days with their segments, in order of time; dates are those of each cohort's zone."""
    wanted = (
        select(Occurrence, Programme)
        .join(Cohort, Cohort.id == Occurrence.cohort_id)
        .join(Programme, Programme.id == Cohort.programme_id)
        .order_by(Occurrence.starts_at, Occurrence.id)
        .limit(limit)
    )
    if cohort_id:
        wanted = wanted.where(Occurrence.cohort_id == cohort_id)
    if from_on:
        wanted = wanted.where(Occurrence.day_on >= from_on)
    if to_on:
        wanted = wanted.where(Occurrence.day_on <= to_on)
    rows = db.execute(wanted)
    return {"items": [{**_occurrence(o), "segments": _segments(o, p)} for o, p in rows]}


def opened(one: Cohort, days: Sequence[Occurrence]) -> Row:
    """What is answered when a cohort was opened."""
    return {"cohort_id": one.id, "occurrences": [_day(o) for o in days]}


def offered(seat: Seat, days: Sequence[Occurrence], admission: Admission) -> Row:
    """What is answered when a seat was given.

    `clock_changes` are the days that begin at another time of the participant's clock than the day
    before: they must be told.
    """
    changes = clock_changes([o.starts_at for o in days], admission.zone)
    return {
        "seat_id": seat.id,
        "occurrences": len(days),
        "first_starts_at": days[0].starts_at,
        "zone": admission.zone,
        "clock_changes": [
            {
                "starts_at": change.starts_at,
                "local_before": change.local_before.isoformat("minutes"),
                "local_after": change.local_after.isoformat("minutes"),
            }
            for change in changes
        ],
    }


def _newest(
    db: Session, rows: Select, of: type, limit: int, clinic_id: UUID | None
) -> Sequence[Any]:
    if clinic_id:
        rows = rows.where(of.clinic_id == clinic_id)
    return db.scalars(rows.order_by(of.made_at.desc(), of.id.desc()).limit(limit)).all()[::-1]


def _taken(db: Session, rows: Sequence[Cohort]) -> dict[UUID, int]:
    counted = (
        select(Seat.cohort_id, func.count())
        .where(Seat.cohort_id.in_([one.id for one in rows]), Seat.state == "offered")
        .group_by(Seat.cohort_id)
    )
    return dict(db.execute(counted).all())


def _cohort(one: Cohort, taken: int) -> Row:
    programme = one.programme
    return {
        "cohort_id": one.id,
        "clinic_id": one.clinic_id,
        "programme_id": one.programme_id,
        "programme": programme.code,
        "facilitator_id": one.facilitator_id,
        "capacity": one.capacity,
        "taken": taken,
        "zone": programme.zone,
        "weekdays": programme.weekdays,
        "starts_local": programme.starts_local.isoformat("minutes"),
    }


def _day(o: Occurrence) -> Row:
    return {
        "occurrence_id": o.id,
        "day_on": o.day_on,
        "starts_at": o.starts_at,
        "ends_at": o.ends_at,
    }


def _occurrence(o: Occurrence) -> Row:
    facts = {"state": o.state, "zone": o.zone, "facilitator_id": o.facilitator_id}
    return {**_day(o), "cohort_id": o.cohort_id, "clinic_id": o.clinic_id, **facts}


def _segments(o: Occurrence, programme: Programme) -> list[Row]:
    return [
        {"kind": kind, "starts_at": span.starts_at, "ends_at": span.ends_at}
        for kind, span in programme.parts_from(o.starts_at)
    ]
