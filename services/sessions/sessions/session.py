"""Session: a programme day as it takes place, from opening the room to wrap-up."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Self
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from catalogue.sessions import SegmentStarted, SessionClosed, SessionOpened
from chassis.announce import announce, uuid7
from chassis.database import OfClinic
from chassis.database import Session as Db
from chassis.details import Vault
from chassis.refusals import Conflict, NotFound
from chassis.states import States
from chassis.timers import set_timer
from sessions import attendance, danger, roster, rules, whereabouts
from sessions.attendance import ATTENDANCE, Attendance
from sessions.roster import Occurrence, Seat
from sessions.tables import Base

SESSION = States(
    "session",
    {
        ("open", "start_segment"): "running",
        ("open", "wrap_up"): "closed",
        ("running", "start_segment"): "running",
        ("running", "wrap_up"): "closed",
    },
)

BEFORE_THE_FIRST = -1
NO_SHOW, BREAK_OVER = "no_show", "break_over"


class Session(Base, OfClinic):
    """One programme day of a cohort. `position` is that of the segment started last."""

    __tablename__ = "sessions"
    __table_args__ = (SESSION.check(),)
    session_id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    occurrence_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("occurrences.occurrence_id"), unique=True
    )
    cohort_id: Mapped[UUID] = mapped_column(index=True)
    facilitator_id: Mapped[UUID]
    state: Mapped[str] = mapped_column(sa.String(16), default=SESSION.initial)
    position: Mapped[int] = mapped_column(default=BEFORE_THE_FIRST)
    opened_at: Mapped[datetime]
    opened_by: Mapped[UUID]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[UUID | None]
    timer_generation: Mapped[int] = mapped_column(default=0)

    @classmethod
    def find(cls, db: Db, session_id: UUID, *, alone: bool = False) -> Self:
        """A session, locked: alone to change the day itself, else among others who are in it."""
        session = db.get(cls, session_id, with_for_update=True if alone else {"read": True})
        if session is None:
            raise NotFound("session")
        return session

    @classmethod
    def open(cls, db: Db, occurrence_id: UUID, *, by: UUID, at: datetime) -> Self:
        """Open the room of a day and expect everybody who has a seat on it."""
        occurrence = Occurrence.find(db, occurrence_id)
        roster.hold(db, occurrence.cohort_id, occurrence.clinic_id, alone=True)
        db.refresh(occurrence)
        _must_be_due(db, occurrence, at)
        session = cls(
            session_id=uuid7(), clinic_id=occurrence.clinic_id, occurrence_id=occurrence_id,
            cohort_id=occurrence.cohort_id, facilitator_id=occurrence.facilitator_id,
            opened_at=at, opened_by=by,
        )  # fmt: skip
        db.add(session)
        db.flush()
        attendance.expect(db, session.session_id, session.clinic_id, roster.seated(db, occurrence))
        session._watch(db, NO_SHOW, rules.no_show_at(occurrence.starts_at, at))
        announce(
            db,
            SessionOpened(
                clinic_id=session.clinic_id, session_id=session.session_id,
                occurrence_id=occurrence_id, cohort_id=session.cohort_id, opened_by=by,
            ),
        )  # fmt: skip
        return session

    def must_be_open(self) -> None:
        if self.state == "closed":
            raise Conflict("session_closed", closed_at=self.closed_at)

    def start_segment(self, db: Db, position: int, *, by: UUID, at: datetime) -> rules.Segment:
        """Start the next part of the day; the day's order is the plan's."""
        segments = Occurrence.find(db, self.occurrence_id).segments
        if position != self.position + 1 or position >= len(segments):
            raise Conflict("out_of_order", position=self.position, segments=len(segments))
        SESSION.advance(self, "start_segment")
        self.position = position
        segment = segments[position]
        db.add(
            SegmentStart(
                clinic_id=self.clinic_id, session_id=self.session_id, position=position,
                started_at=at, started_by=by,
            )
        )  # fmt: skip
        if segment.kind == rules.BREAK:
            ended_at = rules.break_ends_at(segment, at)
            due_at = ended_at + rules.BACK_FROM_BREAK
            self._watch(db, BREAK_OVER, due_at, ended_at=ended_at.isoformat())
        announce(
            db,
            SegmentStarted(
                clinic_id=self.clinic_id, session_id=self.session_id, segment=segment.kind,
                position=position,
            ),
        )  # fmt: skip
        return segment

    def wrap_up(self, db: Db, *, by: UUID, at: datetime) -> list[Attendance]:
        """Close the day, once it has begun, and make everybody's minutes final."""
        segments = Occurrence.find(db, self.occurrence_id).segments
        if at < segments[0].starts_at:
            raise Conflict("too_early", starts_at=segments[0].starts_at)
        SESSION.advance(self, "wrap_up")
        self.closed_at, self.closed_by = at, by
        self.timer_generation += 1
        everybody = attendance.of_session(db, self.session_id, lock=True)
        credited = [row for row in everybody if row.state != "released"]
        present = attendance.presences(db, credited, at)
        for row in credited:
            row.credit(db, segments, present[row.attendance_id], by=by, at=at)
        announce(
            db,
            SessionClosed(
                clinic_id=self.clinic_id, session_id=self.session_id,
                occurrence_id=self.occurrence_id, cohort_id=self.cohort_id, closed_by=by,
            ),
        )  # fmt: skip
        return credited

    def miss_no_shows(self, db: Db) -> None:
        """Note who has not come; somebody at risk is looked for. Nobody misses a day called off."""
        if self._is_called_off(db):
            return
        for row in attendance.of_session(db, self.session_id, lock=True):
            if row.state == "expected":
                ATTENDANCE.advance(row, "miss")
                danger.look_for(db, row, "no_show_at_risk")

    def look_for_those_not_back(self, db: Db, ended_at: datetime) -> None:
        """Look for somebody at risk who left, or of whom nothing was heard since a break ended."""
        if self._is_called_off(db):
            return
        for row in attendance.of_session(db, self.session_id, lock=True):
            if row.state == "left" or row.is_silent(db, since=ended_at):
                danger.look_for(db, row, "not_back_from_break")

    def _is_called_off(self, db: Db) -> bool:
        return Occurrence.find(db, self.occurrence_id).cancelled_at is not None

    def _watch(self, db: Db, kind: str, due_at: datetime, **payload: Any) -> None:
        set_timer(
            db, kind, owner_id=self.session_id, clinic_id=self.clinic_id, due_at=due_at,
            generation=self.timer_generation, payload=payload,
        )  # fmt: skip


def log_in(
    db: Db, vault: Vault, session_id: UUID, participant_id: UUID, said: dict[str, Any], *,
    private: bool, vouched: bool, by: str, at: datetime,
) -> Attendance:  # fmt: skip
    """Take somebody in where they are now, if the facilitator may treat them there."""
    session = Session.find(db, session_id)
    session.must_be_open()
    row = Attendance.find(db, session_id, participant_id)
    roster.must_be_licensed(db, session.facilitator_id, said["state"])
    version = whereabouts.confirm(
        db, vault, participant_id, said, clinic_id=session.clinic_id, by=by, at=at
    )
    row.log_in(
        db, private=private, state=said["state"], version=version, vouched=vouched, by=by, at=at
    )
    return row


def leave(db: Db, session_id: UUID, participant_id: UUID, *, by: str, at: datetime) -> Attendance:
    Session.find(db, session_id).must_be_open()
    row = Attendance.find(db, session_id, participant_id)
    row.leave(db, by=by, at=at)
    return row


class SegmentStart(Base, OfClinic):
    """When a part of the day really began, and who began it."""

    __tablename__ = "segment_starts"
    session_id: Mapped[UUID] = mapped_column(sa.ForeignKey("sessions.session_id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    started_by: Mapped[UUID]


def seat_changed(db: Db, seat: Seat) -> None:
    """Bring the days that are under way in line with a seat that was offered or released."""
    for session, occurrence in _under_way(db, seat.cohort_id):
        if seat.participant_id in roster.seated(db, occurrence):
            attendance.expect(db, session.session_id, session.clinic_id, [seat.participant_id])
        else:
            attendance.release(db, session.session_id, seat.participant_id)


def _under_way(db: Db, cohort_id: UUID) -> Sequence[sa.Row[Session, Occurrence]]:
    running = (
        sa.select(Session, Occurrence)
        .join(Occurrence, Occurrence.occurrence_id == Session.occurrence_id)
        .where(Session.cohort_id == cohort_id, Session.state != "closed")
        .with_for_update(of=Session, read=True)
    )
    return db.execute(running).all()


def _must_be_due(db: Db, occurrence: Occurrence, at: datetime) -> None:
    earlier = sa.select(Session.session_id).where(Session.occurrence_id == occurrence.occurrence_id)
    if opened := db.scalar(earlier):
        raise Conflict("already_open", session_id=opened)
    if occurrence.cancelled_at is not None:
        raise Conflict("cancelled", cancelled_at=occurrence.cancelled_at)
    if at < rules.opens_at(occurrence.starts_at):
        raise Conflict("too_early", opens_at=rules.opens_at(occurrence.starts_at))
    if at >= occurrence.ends_at:
        raise Conflict("day_is_over", ended_at=occurrence.ends_at)
