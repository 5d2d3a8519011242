"""Homework: given to everybody who came, due at a local time, handed in once."""

from datetime import date, datetime, time
from typing import Self
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from catalogue.sessions import HomeworkAssigned, HomeworkSubmitted
from chassis.announce import announce, uuid7
from chassis.database import OfClinic
from chassis.database import Session as Db
from chassis.refusals import Conflict, Invalid, NotFound
from chassis.states import States
from chassis.timers import set_timer
from sessions import attendance
from sessions.roster import Occurrence
from sessions.rules import local_instant
from sessions.session import Session
from sessions.tables import Base

HOMEWORK = States(
    "homework",
    {
        ("assigned", "submit"): "submitted",
        ("assigned", "fall_due"): "overdue",
        ("overdue", "submit"): "submitted",
    },
)

DUE = "homework_due"


class Homework(Base, OfClinic):
    """One person's piece of homework. Handing it in late is handing it in."""

    __tablename__ = "homework"
    __table_args__ = (
        HOMEWORK.check(),
        sa.UniqueConstraint("session_id", "participant_id", "template"),
    )
    homework_id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    session_id: Mapped[UUID] = mapped_column(sa.ForeignKey("sessions.session_id"))
    participant_id: Mapped[UUID] = mapped_column(index=True)
    template: Mapped[str] = mapped_column(sa.String(64))
    state: Mapped[str] = mapped_column(sa.String(16), default=HOMEWORK.initial)
    due_at: Mapped[datetime]
    assigned_at: Mapped[datetime]
    assigned_by: Mapped[UUID]
    submitted_at: Mapped[datetime | None]
    submitted_by: Mapped[str | None] = mapped_column(sa.String(96))
    timer_generation: Mapped[int] = mapped_column(default=0)

    @classmethod
    def find(cls, db: Db, homework_id: UUID) -> Self:
        homework = db.get(cls, homework_id, with_for_update=True)
        if homework is None:
            raise NotFound("homework")
        return homework

    def submit(self, db: Db, *, by: str, at: datetime) -> None:
        if self.state == "submitted":
            raise Conflict("already_submitted", submitted_at=self.submitted_at)
        HOMEWORK.advance(self, "submit")
        self.submitted_at, self.submitted_by = at, by
        self.timer_generation += 1
        announce(
            db,
            HomeworkSubmitted(
                clinic_id=self.clinic_id, homework_id=self.homework_id,
                participant_id=self.participant_id,
            ),
        )  # fmt: skip

    def fall_due(self) -> None:
        HOMEWORK.advance(self, "fall_due")


def assign(
    db: Db, session: Session, *, template: str, due_on: date, due_local: time, by: UUID,
    at: datetime,
) -> list[Homework]:  # fmt: skip
    """Give homework to everybody who came and has it not yet, due in the cohort's zone."""
    zone = Occurrence.find(db, session.occurrence_id).zone
    due_at = local_instant(due_on, due_local, zone)
    if due_at <= at:
        raise Invalid(due_on="Already past.")
    given = sa.select(Homework.participant_id).where(
        Homework.session_id == session.session_id, Homework.template == template
    )
    have_it = set(db.scalars(given))
    came = [a.participant_id for a in attendance.of_session(db, session.session_id) if a.came]
    if have_it and have_it.issuperset(came):
        raise Conflict("already_assigned", template=template)
    return [
        _assign_one(db, session, person, template, due_at, by, at)
        for person in came
        if person not in have_it
    ]


def _assign_one(
    db: Db, session: Session, person: UUID, template: str, due_at: datetime, by: UUID, at: datetime
) -> Homework:
    homework = Homework(
        homework_id=uuid7(), clinic_id=session.clinic_id, session_id=session.session_id,
        participant_id=person, template=template, due_at=due_at, assigned_at=at, assigned_by=by,
    )  # fmt: skip
    db.add(homework)
    set_timer(db, DUE, owner_id=homework.homework_id, clinic_id=session.clinic_id, due_at=due_at)
    announce(
        db,
        HomeworkAssigned(
            clinic_id=session.clinic_id, homework_id=homework.homework_id,
            session_id=session.session_id, participant_id=person, template=template,
            due_at=due_at,
        ),
    )  # fmt: skip
    return homework
