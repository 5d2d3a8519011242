"""The event, the handler and the tables that every contender of the benchmark shares."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from catalogue.event import Event
from catalogue.streams import HOMEWORK, RISK
from chassis.database import COLUMN_TYPES
from chassis.topology import Topology

PRODUCER, HEARER = "sessions", "crisis"
"""Roles that exist; the services themselves take no part."""

TOPOLOGY = Topology({PRODUCER: (HOMEWORK, RISK)}, {HEARER: (HOMEWORK, RISK)})


class RoutineHappened(Event, stream=HOMEWORK, publishers=(PRODUCER,)):
    """Announced by the benchmark only."""

    homework_id: UUID
    person_id: UUID
    effect_id: UUID
    happened_at: datetime


class UrgentHappened(Event, stream=RISK, publishers=(PRODUCER,)):
    """Announced by the benchmark only."""

    risk_id: UUID
    person_id: UUID
    effect_id: UUID
    happened_at: datetime


class Base(DeclarativeBase):
    type_annotation_map = COLUMN_TYPES


class Person(Base):
    """The row that the handler gets and changes."""

    __tablename__ = "people"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    handled: Mapped[int]


class Effect(Base):
    """The row that the handler adds."""

    __tablename__ = "effects"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID]
    happened_at: Mapped[datetime]


class Inbox(Base):
    """How the stock contender keeps duplicates out."""

    __tablename__ = "inbox"

    id: Mapped[UUID] = mapped_column(primary_key=True)


class Outbox(Base):
    """What the one-by-one relay reads."""

    __tablename__ = "outbox"

    seq: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    frames: Mapped[bytes]
    published: Mapped[bool] = mapped_column(default=False)
    __table_args__ = (
        sa.Index("ix_outbox_waiting", "seq", postgresql_where=sa.text("NOT published")),
    )


def handle(db: Session, event: RoutineHappened | UrgentHappened) -> None:
    """Get a row, change it, add another."""
    person = db.get(Person, event.person_id)
    if person is None:
        raise LookupError("a poison event: nobody has this id")
    person.handled += 1
    db.add(Effect(id=event.effect_id, person_id=person.id, happened_at=event.happened_at))


def load_people(db: Session, events: Sequence[RoutineHappened]) -> None:
    """One bulk load for a whole batch; the session keeps what `handle` will get."""
    ids = {event.person_id for event in events}
    db.info["people"] = db.scalars(sa.select(Person).where(Person.id.in_(ids))).all()
