"""Events, messages and a table for handlers to change."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import eventlet
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from catalogue.codec import encode
from catalogue.event import Event
from catalogue.events import HomeworkSubmitted, ParticipantAdmitted, RiskDetected
from catalogue.streams import ANNOUNCES, HEARS
from chassis.announce import announce, uuid7
from chassis.database import COLUMN_TYPES, Database, OfClinic
from chassis.log import Page, claim, read
from chassis.message import Message
from chassis.receive import Handlers, Receiver, Work
from chassis.tables import cursors, set_aside
from chassis.topology import Topology

TOPOLOGY = Topology(ANNOUNCES, HEARS)
CLINIC = UUID("c11c11c1-0000-4000-8000-000000000001")
OTHER_CLINIC = UUID("c11c11c1-0000-4000-8000-000000000002")


class Base(DeclarativeBase):
    type_annotation_map = COLUMN_TYPES


class Tally(OfClinic, Base):
    """One row for each effect of a handler; `n` says how the effects of one subject were."""

    __tablename__ = "tally"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    subject_id: Mapped[UUID]
    version: Mapped[int]
    timer_generation: Mapped[int] = mapped_column(default=0)


def submitted(homework_id: UUID | None = None, clinic_id: UUID = CLINIC) -> HomeworkSubmitted:
    return HomeworkSubmitted(
        clinic_id=clinic_id, homework_id=homework_id or uuid4(), participant_id=uuid4()
    )


def admitted(episode_id: UUID | None = None, clinic_id: UUID = CLINIC) -> ParticipantAdmitted:
    return ParticipantAdmitted(
        clinic_id=clinic_id,
        episode_id=episode_id or uuid4(),
        participant_id=uuid4(),
        state="NY",
        zone="America/New_York",
        admitted_by=uuid4(),
    )


def risk(clinic_id: UUID = CLINIC) -> RiskDetected:
    return RiskDetected(
        clinic_id=clinic_id, risk_id=uuid4(), participant_id=uuid4(), tier="T1", trigger="asq"
    )


def message(event: Event, version: int, **changed: Any) -> Message:
    """An event as another service would have put it on its way."""
    event_id = uuid7()
    attributes = {
        "id": event_id,
        "source": "sessions",
        "type": event.type,
        "subject": event.subject,
        "version": version,
        "time": datetime.now(UTC),
        "clinic_id": event.clinic_id,
        "privacy": event.privacy,
        "correlation_id": event_id,
        "body": encode(event),
    }
    return Message(**{**attributes, **changed})


def series(count: int, subject_id: UUID | None = None) -> list[Message]:
    """Messages of one subject, in order."""
    subject_id = subject_id or uuid4()
    return [message(submitted(subject_id), version) for version in range(1, count + 1)]


def announce_all(database: Database, events: Iterable[Event]) -> None:
    with database.work() as db:
        for event in events:
            announce(db, event)


def log_of(database: Database, lane: str = "routine") -> Page:
    """Give positions as a leader would, and read everything."""
    with database.work() as db:
        while claim(db.connection(), lane, 1, 500):
            pass
    with database.work() as db:
        streams = ("episode", "homework", "risk")
        return read(db, lane, 0, streams)


def tallying(database: Database, lane: str = "routine", poison: Sequence[UUID] = ()) -> Receiver:
    """A receiver whose handlers write one tally row an event, and raise at the poisoned ids."""

    def tally(work: Work, event: Any) -> None:
        if work.message.id in poison:
            raise RuntimeError("a secret that must not be told")
        work.db.add(
            Tally(
                id=work.message.id,
                clinic_id=event.clinic_id,
                subject_id=UUID(event.subject.split("/")[1]),
                version=work.message.version,
            )
        )

    kinds = (HomeworkSubmitted, ParticipantAdmitted, RiskDetected)
    return Receiver(database, Handlers({kind.type: tally for kind in kinds}), lane)


def effects(database: Database) -> list[int]:
    """The versions tallied, in the order of handling within each subject."""
    with database.work() as db:
        return list(db.execute(sa.select(Tally.version).order_by(Tally.version)).scalars())


def aside_of(database: Database) -> list[tuple[str, int, str]]:
    """(state, version, reason) of everything set aside."""
    with database.work() as db:
        columns = (set_aside.c.state, set_aside.c.version, set_aside.c.reason)
        return [tuple(row) for row in db.execute(sa.select(*columns).order_by(columns[1]))]


def cursor_of(database: Database) -> list[tuple[int, bool]]:
    """(version, set_aside) of every cursor."""
    with database.work() as db:
        rows = db.execute(sa.select(cursors.c.version, cursors.c.set_aside))
        return [(row.version, bool(row.set_aside)) for row in rows]


class Threads:
    """Stands where the container stands: gives the backbone its threads."""

    def spawn_managed_thread(self, run: Any, identifier: str | None = None) -> Any:
        return eventlet.spawn(run)


def until(fact: Callable[[], Any], seconds: float = 15) -> Any:
    """Wait for a fact, with a deadline."""
    with eventlet.Timeout(seconds, AssertionError(f"waited {seconds} s in vain")):
        while not (found := fact()):
            eventlet.sleep(0.01)
    return found
