"""Who has come to a day: rooms that opened and people who logged in, in whichever order we hear.

Whoever has come is told no more about the day. Whoever has not, five minutes after it began, is
told that they are missed.
"""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from catalogue.sessions import ParticipantLoggedIn, SessionOpened
from chassis.database import OfClinic, Session, insert_into
from chassis.timers import set_timer
from notifications.messages import Matter, plan, withdraw
from notifications.seats import Occurrence, people_seated
from notifications.tables import Base
from notifications.templates import MISSED_YOU

MISSED = "missed"


class Room(OfClinic, Base):
    """The room of a day, from the moment it was opened."""

    __tablename__ = "rooms"

    session_id: Mapped[UUID] = mapped_column(primary_key=True)
    occurrence_id: Mapped[UUID]
    opened_at: Mapped[datetime]
    told_by: Mapped[UUID]
    timer_generation: Mapped[int] = mapped_column(default=0)


class Arrival(OfClinic, Base):
    """Somebody who has logged in."""

    __tablename__ = "arrivals"

    session_id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(primary_key=True)


def open_room(db: Session, opened: SessionOpened, *, at: datetime, by: UUID) -> None:
    """See later who is missed. `by` is the event that told it, `at` when it was announced."""
    room = Room(
        session_id=opened.session_id,
        clinic_id=opened.clinic_id,
        occurrence_id=opened.occurrence_id,
        opened_at=at,
        told_by=by,
        timer_generation=0,
    )
    db.add(room)
    _look_later(db, room, _missed_from(db, room) - MISSED_YOU.lead)


def arrive(db: Session, logged_in: ParticipantLoggedIn) -> None:
    """Nothing more about this day is said to who has come to it."""
    row = insert_into(db, Arrival).values(
        session_id=logged_in.session_id,
        person_id=logged_in.participant_id,
        clinic_id=logged_in.clinic_id,
    )
    db.execute(row.on_conflict_do_nothing())
    room = db.get(Room, logged_in.session_id, with_for_update=True)
    if room is not None:
        withdraw(db, [room.occurrence_id], "arrived", recipient_id=logged_in.participant_id)


def look_who_is_missed(db: Session, room: Room) -> None:
    """Tell everybody who has a seat on the day and has not come.

    A late opening moves the start: nobody is late for a room that was not open.
    """
    day = db.get(Occurrence, room.occurrence_id)
    if day is None or day.cancelled_at is not None:
        return
    missed_from = _missed_from(db, room)
    if db.now < missed_from - MISSED_YOU.lead:
        _look_later(db, room, missed_from - MISSED_YOU.lead)
        return
    came = set(
        db.scalars(sa.select(Arrival.person_id).where(Arrival.session_id == room.session_id))
    )
    seated = people_seated(db, day.cohort_id, until=day.starts_at)
    told = [Matter(p, day.occurrence_id, missed_from) for p in seated if p not in came]
    plan(db, MISSED_YOU, told, clinic_id=room.clinic_id, by=room.told_by)


def _missed_from(db: Session, room: Room) -> datetime:
    """When the day began: as planned, or with its room; the plan may be heard of later."""
    day = db.get(Occurrence, room.occurrence_id)
    return max(day.starts_at, room.opened_at) if day else room.opened_at


def _look_later(db: Session, room: Room, due_at: datetime) -> None:
    set_timer(
        db,
        MISSED,
        owner_id=room.session_id,
        clinic_id=room.clinic_id,
        due_at=due_at,
        generation=room.timer_generation,
    )
