"""The tables of a drill: what the producer changes, and what the consumer does at its events.

The ledger is written by a trigger at each change of state, so it says what was committed whatever
the code around the change did or forgot.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from catalogue.event import Event
from catalogue.risk import RiskDetected
from catalogue.sessions import SegmentStarted
from catalogue.streams import RISK, SESSION
from chassis.announce import announce
from chassis.database import COLUMN_TYPES, Session, connect
from chassis.migrations import create_chassis, protect
from chassis.receive import Work
from chassis.timers import Fired, set_timer
from chassis.topology import Topology
from evenkeel_ops.drills.oracles import Effect, Entry, Placed

PRODUCER, CONSUMER = "sessions", "crisis"
TOPOLOGY = Topology({PRODUCER: (SESSION, RISK)}, {CONSUMER: (SESSION, RISK)})
CLINIC = UUID("c11c11c1-0000-4000-8000-000000000001")
TIMER_EVERY = 10
"""Every so many versions of a subject its handler sets a timer, due at once."""

_OF_PRODUCER = """
    CREATE TABLE states (subject varchar(96) PRIMARY KEY, n integer NOT NULL);
    CREATE TABLE ledger (
        place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        subject varchar(96) NOT NULL,
        n integer NOT NULL,
        at timestamptz NOT NULL DEFAULT clock_timestamp()
    );
    CREATE FUNCTION enter() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO ledger (subject, n) VALUES (NEW.subject, NEW.n);
            RETURN NULL;
        END
    $$;
    CREATE TRIGGER enter AFTER INSERT OR UPDATE ON states
        FOR EACH ROW EXECUTE FUNCTION enter();
"""

_OF_CONSUMER = """
    CREATE TABLE effects (
        place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        subject varchar(96) NOT NULL,
        version integer NOT NULL,
        event_id uuid NOT NULL,
        n integer NOT NULL,
        at timestamptz NOT NULL DEFAULT clock_timestamp()
    );
    CREATE TABLE tallies (
        id uuid PRIMARY KEY,
        subject varchar(96) NOT NULL,
        n integer NOT NULL,
        timer_generation integer NOT NULL DEFAULT 0
    );
    CREATE FUNCTION tally() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO tallies (id, subject, n)
            VALUES (split_part(NEW.subject, '/', 2)::uuid, NEW.subject, 1)
            ON CONFLICT (id) DO UPDATE SET n = tallies.n + 1;
            RETURN NULL;
        END
    $$;
    CREATE TRIGGER tally AFTER INSERT ON effects FOR EACH ROW EXECUTE FUNCTION tally();
    CREATE TABLE promised (subject varchar(96) NOT NULL, version integer NOT NULL);
    CREATE TABLE fired (
        place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        subject varchar(96) NOT NULL,
        version integer NOT NULL
    );
"""

_CHANGE = sa.text("""
    INSERT INTO states (subject, n) VALUES (:subject, 1)
    ON CONFLICT (subject) DO UPDATE SET n = states.n + 1
    RETURNING n
""")


_PROMISE = sa.text("INSERT INTO promised (subject, version) VALUES (:subject, :version)")
_FIRE = sa.text("INSERT INTO fired (subject, version) VALUES (:subject, :version)")


class Base(DeclarativeBase):
    type_annotation_map = COLUMN_TYPES


class EffectRow(Base):
    """One row for each time a handler ran; `place` says in which order they did."""

    __tablename__ = "effects"

    place: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    subject: Mapped[str]
    version: Mapped[int]
    event_id: Mapped[UUID]
    n: Mapped[int]


class Tally(Base):
    """Counts the effects of one subject with nothing but `n + 1`, by trigger; owns its timers."""

    __tablename__ = "tallies"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    subject: Mapped[str]
    n: Mapped[int]
    timer_generation: Mapped[int]


def lay_out(service: str, owner_url: str) -> None:
    """Make the chassis' tables and the drill's own in an empty database."""
    engine = connect(owner_url)
    with engine.begin() as connection:
        operations = Operations(MigrationContext.configure(connection))
        create_chassis(operations, service)
        if service == PRODUCER:
            connection.exec_driver_sql(_OF_PRODUCER)
            protect(operations, service, "states", "ledger")
        else:
            connection.exec_driver_sql(_OF_CONSUMER)
            protect(operations, service, "effects", "tallies", "promised", "fired")
    engine.dispose()


def subject_of(subject_id: UUID, *, urgent: bool) -> str:
    return f"{(RISK if urgent else SESSION).name}/{subject_id}"


def change(db: Session, subject: str) -> Event:
    """Change the state of a subject. Returns the event that says so, not announced yet."""
    n = db.connection().execute(_CHANGE, {"subject": subject}).scalar_one()
    stream, subject_id = subject.split("/")
    if stream == SESSION.name:
        return SegmentStarted(
            clinic_id=CLINIC, session_id=UUID(subject_id), segment="group", position=n
        )
    return RiskDetected(
        clinic_id=CLINIC, risk_id=UUID(subject_id), participant_id=CLINIC, tier="T1", trigger=str(n)
    )


def change_and_announce(db: Session, subject: str) -> None:
    """The state and its event, in one transaction."""
    announce(db, change(db, subject))


def take_effect(work: Work, event: Any) -> None:
    """What the consumer does at an event: a row, which a trigger counts, now and then a timer."""
    message = work.message
    n = event.position if isinstance(event, SegmentStarted) else int(event.trigger)
    told = {"subject": message.subject, "version": message.version}
    work.db.add(EffectRow(**told, event_id=message.id, n=n))
    if message.version % TIMER_EVERY == 0:
        work.db.connection().execute(_PROMISE, told)
        subject_id = UUID(message.subject.split("/")[1])
        set_timer(
            work.db, "fire", owner_id=subject_id, clinic_id=CLINIC, due_at=work.now, payload=told
        )


def fire(timer: Fired, _owner: Tally) -> None:
    """What a due timer does."""
    timer.db.connection().execute(_FIRE, timer.payload)


HANDLERS = {SegmentStarted.type: take_effect, RiskDetected.type: take_effect}


class Books:
    """Reads what a drill left in the two databases."""

    def __init__(self, producer_url: str, consumer_url: str) -> None:
        self._producer = connect(producer_url, poolclass=sa.NullPool)
        self._consumer = connect(consumer_url, poolclass=sa.NullPool)

    def ledger(self) -> list[Entry]:
        with self._reading(self._producer) as ask:
            return [Entry(*row) for row in ask("SELECT subject, n FROM ledger ORDER BY place")]

    def effects(self) -> list[Effect]:
        with self._reading(self._consumer) as ask:
            rows = ask("SELECT subject, version, event_id, n FROM effects ORDER BY place")
            return [Effect(row[0], row[1], str(row[2]), row[3]) for row in rows]

    def counters(self) -> dict[str, int]:
        with self._reading(self._consumer) as ask:
            return {row[0]: row[1] for row in ask("SELECT subject, n FROM tallies")}

    def log(self) -> list[Placed]:
        with self._reading(self._producer) as ask:
            rows = ask("SELECT lane, position, subject, version FROM event_log")
            return [Placed(*row) for row in rows]

    def timers(self) -> tuple[list[Entry], list[Entry]]:
        """Those promised, and those that fired."""
        with self._reading(self._consumer) as ask:
            promised = [Entry(*row) for row in ask("SELECT subject, version FROM promised")]
            fired = [Entry(*row) for row in ask("SELECT subject, version FROM fired ORDER BY 1, 2")]
        return promised, fired

    def committed(self) -> dict[str, int]:
        """How often each subject has changed."""
        with self._reading(self._producer) as ask:
            return {row[0]: row[1] for row in ask("SELECT subject, n FROM states")}

    def unconfirmed(self) -> int:
        """Rows of the log that the broker has not confirmed, as far as the relay wrote down."""
        with self._reading(self._producer) as ask:
            return next(iter(ask("""
                SELECT (SELECT count(*) FROM event_log WHERE position IS NULL)
                     + (SELECT sum(position - confirmed) FROM lanes)
            """)))[0]  # fmt: skip

    def head(self, lane: str) -> int:
        """The last position given in a lane of the producer's log."""
        with self._reading(self._producer) as ask:
            return ask(f"SELECT position FROM lanes WHERE lane = '{lane}'")[0][0]

    def set_aside(self) -> list[str]:
        """The reasons of whatever waits or is parked."""
        with self._reading(self._consumer) as ask:
            rows = ask("SELECT reason FROM set_aside WHERE state <> 'discarded'")
            return [row[0] for row in rows]

    def delays(self, after: int = 0) -> list[float]:
        """Seconds from each change after a place in the ledger to its effect, on one clock.

        Only where both databases are of one server.
        """
        with self._reading(self._producer) as ask:
            rows = ask(f"SELECT subject, n, at FROM ledger WHERE place > {after:d}")
            changed = {(row[0], row[1]): row[2] for row in rows}
        with self._reading(self._consumer) as ask:
            rows = ask("SELECT subject, n, at FROM effects")
            return [
                (row[2] - changed[row[0], row[1]]).total_seconds()
                for row in rows
                if (row[0], row[1]) in changed
            ]

    @contextmanager
    def _reading(self, engine: sa.Engine) -> Iterator[Any]:
        with engine.connect() as connection:
            yield lambda query: connection.exec_driver_sql(query).all()
