"""Read queries: the days of a cohort, one session, one person's day."""

from collections.abc import Collection, Iterable
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from chassis.database import Session as Db
from chassis.refusals import NotFound
from sessions import attendance, roster, rules
from sessions.attendance import Attendance
from sessions.homework import Homework
from sessions.roster import Occurrence, Participant, Seat
from sessions.session import SegmentStart, Session

Json = dict[str, Any]


def days(db: Db, *, on: date, cohort_id: UUID | None, limit: int) -> list[Json]:
    """Programme days of a local date with their sessions, in order of their start."""
    query = _days(on).limit(limit)
    if cohort_id is not None:
        query = query.where(Occurrence.cohort_id == cohort_id)
    return [_day(occurrence, session) for occurrence, session in db.execute(query)]


def session(db: Db, session_id: UUID) -> Json:
    """A session with its segments and everybody expected. Raises NotFound."""
    row = db.get(Session, session_id)
    if row is None:
        raise NotFound("session")
    occurrence = Occurrence.find(db, row.occurrence_id)
    absent = roster.absent(db, occurrence.occurrence_id)
    return {
        **_day(occurrence, row),
        "facilitator_id": row.facilitator_id,
        "opened_at": row.opened_at,
        "closed_at": row.closed_at,
        "position": row.position,
        "segments": _segments(db, occurrence, row),
        "attendances": [
            _attendance(a, row, occurrence, absent) for a in attendance.of_session(db, session_id)
        ],
    }


def day_of(db: Db, participant_id: UUID, *, on: date) -> Json:
    """A person's programme days of a date, and the homework that is still to be handed in.

    Raises NotFound for somebody of whom the caller's clinics know nothing. A seat may be heard of
    before the admission it rests on.
    """
    person = db.get(Participant, participant_id)
    seats = sa.select(Seat.cohort_id).where(
        Seat.participant_id == participant_id,
        Seat.released_at.is_(None),
        Seat.first_starts_at <= Occurrence.starts_at,
    )
    of_mine = db.execute(_days(on).where(Occurrence.cohort_id.in_(seats)))
    mine = _attendances_of(db, participant_id)
    found = {
        "days": [
            _day(occurrence, row)
            | _my_part(mine, occurrence, row, roster.absent(db, occurrence.occurrence_id))
            for occurrence, row in of_mine
        ],
        "homework": [_homework(row) for row in _to_hand_in(db, participant_id)],
    }
    if person is None and not any(found.values()):
        raise NotFound("participant")
    zone = person.zone if person else None
    return {"participant_id": participant_id, "zone": zone, **found}


def of_homework(rows: Iterable[Homework]) -> list[Json]:
    return [_homework(row) for row in rows]


def of_credits(rows: Iterable[Attendance]) -> list[Json]:
    return [{"participant_id": row.participant_id, "minutes": row.minutes} for row in rows]


def expected(db: Db, session_id: UUID) -> list[Json]:
    rows = attendance.of_session(db, session_id)
    return [{"attendance_id": a.attendance_id, "participant_id": a.participant_id} for a in rows]


def _days(on: date) -> sa.Select[Occurrence, Session]:
    return (
        sa.select(Occurrence, Session)
        .outerjoin(Session, Session.occurrence_id == Occurrence.occurrence_id)
        .where(Occurrence.day_on == on)
        .order_by(Occurrence.starts_at, Occurrence.occurrence_id)
    )


def _day(occurrence: Occurrence, session: Session | None) -> Json:
    return {
        "occurrence_id": occurrence.occurrence_id,
        "cohort_id": occurrence.cohort_id,
        "day_on": occurrence.day_on,
        "zone": occurrence.zone,
        "starts_at": occurrence.starts_at,
        "ends_at": occurrence.ends_at,
        "state": "scheduled" if occurrence.cancelled_at is None else "cancelled",
        "session_id": session.session_id if session else None,
        "session_state": session.state if session else None,
    }


def _segments(db: Db, occurrence: Occurrence, session: Session) -> list[Json]:
    starts = sa.select(SegmentStart).where(SegmentStart.session_id == session.session_id)
    started = {row.position: row.started_at for row in db.scalars(starts)}
    return [
        {**segment._asdict(), "position": place, "started_at": started.get(place)}
        for place, segment in enumerate(occurrence.segments)
    ]


def _attendance(
    row: Attendance, session: Session, occurrence: Occurrence, absent: Collection[UUID]
) -> Json:
    late = row.arrived_at and rules.is_late(row.arrived_at, occurrence.starts_at, session.opened_at)
    return {
        "attendance_id": row.attendance_id,
        "participant_id": row.participant_id,
        "state": row.state,
        "arrived_at": row.arrived_at,
        "late": bool(late),
        "absence_announced": row.participant_id in absent,
        "private": row.private,
        "minutes": row.minutes,
    }


def _attendances_of(db: Db, participant_id: UUID) -> dict[UUID, Attendance]:
    rows = sa.select(Attendance).where(Attendance.participant_id == participant_id)
    return {row.session_id: row for row in db.scalars(rows)}


def _my_part(
    mine: dict[UUID, Attendance],
    occurrence: Occurrence,
    row: Session | None,
    absent: Collection[UUID],
) -> Json:
    part = mine.get(row.session_id) if row else None
    return {"attendance": _attendance(part, row, occurrence, absent) if part and row else None}


def _to_hand_in(db: Db, participant_id: UUID) -> list[Homework]:
    open_ = sa.select(Homework).where(
        Homework.participant_id == participant_id, Homework.state != "submitted"
    )
    return list(db.scalars(open_.order_by(Homework.due_at)))


def _homework(row: Homework) -> Json:
    return {
        "homework_id": row.homework_id,
        "participant_id": row.participant_id,
        "template": row.template,
        "state": row.state,
        "due_at": row.due_at,
    }
