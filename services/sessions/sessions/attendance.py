"""Attendance: who of those expected came, when they were there, and the minutes credited.

A log-in without privacy waits for a clinician, who talks with the person and logs them in: a
person who is watched may not be free to say so themselves. Presence begins only then.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Self
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from catalogue.sessions import AttendanceCredited, ParticipantLeft, ParticipantLoggedIn
from chassis.announce import announce, uuid7
from chassis.database import OfClinic
from chassis.database import Session as Db
from chassis.refusals import NotFound
from chassis.states import States
from sessions import rules
from sessions.tables import Base

ATTENDANCE = States(
    "attendance",
    {
        ("expected", "log_in"): "present",
        ("expected", "ask_clinician"): "needs_clinician",
        ("expected", "miss"): "no_show",
        ("expected", "release"): "released",
        ("expected", "credit"): "no_show",
        ("needs_clinician", "log_in"): "present",
        ("needs_clinician", "ask_clinician"): "needs_clinician",
        ("needs_clinician", "leave"): "left",
        ("needs_clinician", "credit"): "credited",
        ("present", "log_in"): "present",
        ("present", "ask_clinician"): "needs_clinician",
        ("present", "leave"): "left",
        ("present", "credit"): "credited",
        ("left", "log_in"): "present",
        ("left", "ask_clinician"): "needs_clinician",
        ("left", "leave"): "left",
        ("left", "credit"): "credited",
        ("no_show", "log_in"): "present",
        ("no_show", "ask_clinician"): "needs_clinician",
        ("no_show", "release"): "released",
        ("no_show", "credit"): "no_show",
        ("released", "expect"): "expected",
    },
)

LOG_IN, LEAVE = "log_in", "leave"


class Attendance(Base, OfClinic):
    """One person's day."""

    __tablename__ = "attendances"
    __table_args__ = (
        ATTENDANCE.check(),
        sa.UniqueConstraint("session_id", "participant_id"),
        sa.CheckConstraint("minutes >= 0", name="minutes"),
    )
    attendance_id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    session_id: Mapped[UUID] = mapped_column(sa.ForeignKey("sessions.session_id"))
    participant_id: Mapped[UUID] = mapped_column(index=True)
    state: Mapped[str] = mapped_column(sa.String(16), default=ATTENDANCE.initial)
    arrived_at: Mapped[datetime | None]
    private: Mapped[bool | None]
    minutes: Mapped[int | None]
    credited_at: Mapped[datetime | None]
    credited_by: Mapped[UUID | None]

    @classmethod
    def find(
        cls, db: Db, session_id: UUID, participant_id: UUID, *, also_released: bool = False
    ) -> Self:
        """The day of a person in a session, locked. Nobody learns who else is expected."""
        found = db.scalars(
            sa.select(cls)
            .where(cls.session_id == session_id, cls.participant_id == participant_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).one_or_none()
        if found is None or (found.state == "released" and not also_released):
            raise NotFound("attendance")
        return found

    @property
    def came(self) -> bool:
        return self.arrived_at is not None

    def log_in(
        self, db: Db, *, private: bool, state: str, version: int, vouched: bool, by: str,
        at: datetime,
    ) -> None:  # fmt: skip
        """Come in, or wait for a clinician where it is not private; `vouched` by one."""
        was = self.state
        self.private = private and (vouched or self.private is not False)
        ATTENDANCE.advance(self, "log_in" if self.private else "ask_clinician")
        self.arrived_at = self.arrived_at or at
        if self.state == "present":
            self._move(db, LOG_IN, by=by, at=at)
        elif was == "present":
            self._move(db, LEAVE, by=by, at=at)
        announce(
            db,
            ParticipantLoggedIn(
                clinic_id=self.clinic_id, attendance_id=self.attendance_id,
                session_id=self.session_id, participant_id=self.participant_id, state=state,
                whereabouts_version=version,
            ),
        )  # fmt: skip

    def leave(self, db: Db, *, by: str, at: datetime) -> None:
        """Leave the room; a doubled leave is noted and not announced again."""
        was = self.state
        ATTENDANCE.advance(self, "leave")
        self._move(db, LEAVE, by=by, at=at)
        if was != "left":
            announce(
                db,
                ParticipantLeft(
                    clinic_id=self.clinic_id, attendance_id=self.attendance_id,
                    session_id=self.session_id, participant_id=self.participant_id,
                ),
            )  # fmt: skip

    def hear(self, db: Db, *, at: datetime) -> None:
        """A heartbeat of the person's client: evidence of presence, only while they are in."""
        if self.state != "present":
            return
        last = db.scalars(
            sa.select(Run).where(Run.attendance_id == self.attendance_id)
            .order_by(Run.last_at.desc()).limit(1)
        ).one_or_none()  # fmt: skip
        if last is not None and not last.broken and at - last.last_at <= rules.SILENCE:
            last.last_at = max(last.last_at, at)
            return
        run = Run(clinic_id=self.clinic_id, attendance_id=self.attendance_id)
        run.first_at = run.last_at = at
        db.add(run)

    def is_silent(self, db: Db, *, since: datetime) -> bool:
        """Whether somebody counts as there, and neither came nor was heard of since then.

        Who sends no heartbeats at all, as by telephone, is never silent.
        """
        if self.state != "present":
            return False
        heard = sa.select(sa.func.max(Run.last_at)).where(Run.attendance_id == self.attendance_id)
        came = sa.select(sa.func.max(Movement.at)).where(
            Movement.attendance_id == self.attendance_id, Movement.kind == LOG_IN
        )
        last_heard_at, last_came_at = db.scalar(heard), db.scalar(came)
        if last_heard_at is None or last_came_at is None:
            return False
        return max(last_heard_at, last_came_at) < since

    def credit(
        self, db: Db, segments: Iterable[rules.Segment], present: list[rules.Span], *,
        by: UUID, at: datetime,
    ) -> None:  # fmt: skip
        """Make the day's minutes final; nought for who did not come."""
        ATTENDANCE.advance(self, "credit")
        self.minutes = minutes = rules.credited_minutes(present, segments)
        self.credited_at, self.credited_by = at, by
        announce(
            db,
            AttendanceCredited(
                clinic_id=self.clinic_id, attendance_id=self.attendance_id,
                session_id=self.session_id, participant_id=self.participant_id,
                minutes=minutes,
            ),
        )  # fmt: skip

    def _move(self, db: Db, kind: str, *, by: str, at: datetime) -> None:
        movement = Movement(
            clinic_id=self.clinic_id, attendance_id=self.attendance_id, kind=kind, at=at, by=by
        )
        db.add(movement)
        if kind == LEAVE:
            db.execute(
                sa.update(Run).where(Run.attendance_id == self.attendance_id).values(broken=True)
            )


class Movement(Base, OfClinic):
    """Somebody came in or went out. Kept as it was told; the rules make sense of it."""

    __tablename__ = "movements"
    __table_args__ = (sa.CheckConstraint("kind IN ('log_in', 'leave')", name="kind"),)
    movement_id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    attendance_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("attendances.attendance_id"), index=True
    )
    kind: Mapped[str] = mapped_column(sa.String(8))
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(sa.String(96))


class Run(Base, OfClinic):
    """An unbroken run of heartbeats: millions a day, one row each time somebody comes in."""

    __tablename__ = "runs"
    __table_args__ = (sa.CheckConstraint("first_at <= last_at", name="order"),)
    run_id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    attendance_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("attendances.attendance_id"), index=True
    )
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    broken: Mapped[bool] = mapped_column(default=False)


def expect(db: Db, session_id: UUID, clinic_id: UUID, people: Iterable[UUID]) -> None:
    """Expect people at a session. Who was released comes back; who is expected stays so."""
    known = {row.participant_id: row for row in of_session(db, session_id, lock=True)}
    for person in people:
        if person not in known:
            db.add(Attendance(clinic_id=clinic_id, session_id=session_id, participant_id=person))
        elif known[person].state == "released":
            ATTENDANCE.advance(known[person], "expect")


def release(db: Db, session_id: UUID, participant_id: UUID) -> None:
    """Expect somebody no longer, unless they are there already."""
    for row in of_session(db, session_id, lock=True):
        if row.participant_id == participant_id and row.state in ("expected", "no_show"):
            ATTENDANCE.advance(row, "release")


def of_session(db: Db, session_id: UUID, *, lock: bool = False) -> list[Attendance]:
    rows = sa.select(Attendance).where(Attendance.session_id == session_id)
    rows = rows.order_by(Attendance.attendance_id).execution_options(populate_existing=lock)
    return list(db.scalars(rows.with_for_update() if lock else rows))


def presences(
    db: Db, attendances: Iterable[Attendance], until: datetime
) -> dict[UUID, list[rules.Span]]:
    """When each of them was there, by attendance."""
    ids = [row.attendance_id for row in attendances]
    moves = list(db.scalars(sa.select(Movement).where(Movement.attendance_id.in_(ids))))
    runs = list(db.scalars(sa.select(Run).where(Run.attendance_id.in_(ids))))
    return {
        one: rules.presence(
            [m.at for m in moves if m.attendance_id == one and m.kind == LOG_IN],
            [m.at for m in moves if m.attendance_id == one and m.kind == LEAVE],
            [rules.Span(r.first_at, r.last_at) for r in runs if r.attendance_id == one],
            until,
        )
        for one in ids
    }
