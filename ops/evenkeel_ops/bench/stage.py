"""Where the contenders run: private nodes with fsync on, a fresh database and vhost a round."""

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from catalogue.codec import encode
from chassis.announce import uuid7
from chassis.clock import SystemClock
from chassis.database import Database, connect
from chassis.message import Message, stamp, to_frames
from chassis.migrations import create_chassis, protect
from chassis.tables import event_log
from evenkeel_ops.bench.event import (
    HEARER,
    PRODUCER,
    TOPOLOGY,
    Base,
    Effect,
    Person,
    RoutineHappened,
    UrgentHappened,
)
from evenkeel_ops.postgres import Postgres
from evenkeel_ops.provision import Urls, create_roles, hand_over
from evenkeel_ops.rabbitmq import RabbitMQ

PEOPLE = 2000
SUBJECTS = 2000
CLINIC = UUID(int=7)
ANSWER_SECONDS = 180
LOOK_SECONDS = 0.05


class Unequal(Exception):
    """A contender lost or doubled effects: its rate means nothing."""


class Stage:
    """The private nodes, and rounds on them."""

    def __init__(self) -> None:
        self._going = ExitStack()
        self.postgres = self._going.enter_context(Postgres(fsync=True))
        self.rabbitmq = self._going.enter_context(RabbitMQ())
        create_roles(self.postgres.connect())

    def close(self) -> None:
        self._going.close()

    @contextmanager
    def round(self) -> Iterator["Round"]:
        """Fresh databases of a producer and a hearer, and a fresh vhost."""
        with ExitStack() as going:
            urls = {s: self._database(going, s) for s in (PRODUCER, HEARER)}
            vhost = going.enter_context(self.rabbitmq.vhost("bench"))
            yield Round(self, urls, vhost)

    def _database(self, going: ExitStack, service: str) -> Urls:
        url = going.enter_context(self.postgres.database(service))
        urls = hand_over(self.postgres, service, str(sa.make_url(url).database))
        engine = connect(urls.owner)
        with engine.begin() as connection:
            operations = Operations(MigrationContext.configure(connection))
            create_chassis(operations, service)
            Base.metadata.create_all(connection)
            protect(operations, service, *Base.metadata.tables)
        engine.dispose()
        return urls


@dataclass
class Round:
    """One contender's turn."""

    stage: Stage
    urls: dict[str, Urls]
    broker_url: str

    def database(self, service: str) -> Database:
        urls = self.urls[service]
        return Database(
            service,
            http_url=urls.work,
            work_url=urls.work,
            clock=SystemClock(),
            heard=TOPOLOGY.heard_by_anyone(service),
        )

    def people(self) -> list[UUID]:
        """The people that handlers count for, the same for every contender."""
        people = [UUID(int=1 + n) for n in range(PEOPLE)]
        with self._connection(HEARER) as connection:
            connection.execute(sa.insert(Person), [{"id": p, "handled": 0} for p in people])
        return people

    def until_effects(self, count: int) -> float:
        """Wait until so many effects are committed. Returns the seconds it took."""
        effects = sa.select(sa.func.count()).select_from(Effect)
        with self.reader(HEARER) as reader:
            return until(lambda: reader.execute(effects).scalar_one() >= count)

    @contextmanager
    def reader(self, service: str) -> Iterator[sa.Connection]:
        """A connection for looking again and again, which sees what was committed meanwhile."""
        engine = connect(self.urls[service].work, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            yield connection
        engine.dispose()

    def check(self, expected: Sequence[UUID]) -> None:
        """Every effect there, each once, and the counters agree. Raises Unequal."""
        with self._connection(HEARER) as connection:
            found = list(connection.execute(sa.select(Effect.id)).scalars())
            handled = connection.execute(sa.select(sa.func.sum(Person.handled))).scalar_one()
        missing = set(expected) - set(found)
        if missing or len(found) != len(expected) or handled != len(expected):
            raise Unequal(
                f"{len(expected)} expected, {len(found)} effects, {handled} counted; missing "
                + ", ".join(map(str, sorted(missing)[:5]))
            )

    @contextmanager
    def child(self, what: str, **options: Any) -> Iterator["Child"]:
        """A contender in a process of its own."""
        arguments = {
            "broker_url": self.broker_url,
            "urls": {service: urls.work for service, urls in self.urls.items()},
            **options,
        }
        child = Child(what, arguments)
        try:
            yield child
        finally:
            child.end()

    @contextmanager
    def _connection(self, service: str) -> Iterator[sa.Connection]:
        engine = connect(self.urls[service].work)
        with engine.begin() as connection:
            yield connection
        engine.dispose()


class Child:
    """A process that says JSON lines and is told JSON lines."""

    def __init__(self, what: str, arguments: dict[str, Any], module: str = "contenders") -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"evenkeel_ops.bench.{module}", what],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.tell(arguments)

    def tell(self, content: Any) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(content) + "\n")
        self._process.stdin.flush()

    def hear(self) -> Any:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("a contender died")
        return json.loads(line)

    def end(self) -> None:
        self._process.kill()
        self._process.wait()


def messages(people: Sequence[UUID], count: int, poison_each: int = 0) -> list[Message]:
    """Routine events of many subjects, each subject's in order; some name nobody."""
    subjects = [uuid4() for _ in range(min(SUBJECTS, count))]
    return [
        _message(
            subjects[n % len(subjects)],
            1 + n // len(subjects),
            people[n % len(people)] if not poison_each or n % poison_each else UUID(int=0),
        )
        for n in range(count)
    ]


def _message(subject: UUID, version: int, person: UUID) -> Message:
    event = RoutineHappened(
        clinic_id=CLINIC,
        homework_id=subject,
        person_id=person,
        effect_id=(event_id := uuid7()),
        happened_at=datetime.now(UTC),
    )
    return Message(
        id=event_id,
        source=PRODUCER,
        type=event.type,
        subject=event.subject,
        version=version,
        time=event.happened_at,
        clinic_id=CLINIC,
        privacy=1,
        correlation_id=event_id,
        body=encode(event),
    )


def urgent(person: UUID) -> UrgentHappened:
    return UrgentHappened(
        clinic_id=CLINIC,
        risk_id=uuid4(),
        person_id=person,
        effect_id=uuid7(),
        happened_at=datetime.now(UTC),
    )


def routine(person: UUID, subject: UUID | None = None) -> RoutineHappened:
    return RoutineHappened(
        clinic_id=CLINIC,
        homework_id=subject or uuid4(),
        person_id=person,
        effect_id=uuid7(),
        happened_at=datetime.now(UTC),
    )


def ready_frames(sent: Sequence[Message]) -> list[bytes]:
    """Bytes as the log keeps them, with positions given."""
    return [
        stamp(to_frames(message, mandatory=True), epoch=1, position=n)
        for n, message in enumerate(sent, 1)
    ]


def log_rows(sent: Sequence[Message]) -> list[dict[str, Any]]:
    """Rows of the log that no leader has given a position."""
    return [
        {
            "recorded_at": message.time,
            "lane": "routine",
            "stream": message.stream,
            "subject": message.subject,
            "version": message.version,
            "event_id": message.id,
            "type": message.type,
            "clinic_id": message.clinic_id,
            "occurred_at": message.time,
            "correlation_id": message.correlation_id,
            "causation_id": None,
            "frames": to_frames(message, mandatory=True),
        }
        for message in sent
    ]


def fill_log(round_: Round, sent: Sequence[Message]) -> None:
    with round_._connection(PRODUCER) as connection:
        connection.execute(sa.insert(event_log), log_rows(sent))


def until(fact: Any, seconds: float = ANSWER_SECONDS) -> float:
    """Wait for a fact by polling. Returns how long it took. Raises TimeoutError."""
    started = time.monotonic()
    while not fact():
        if time.monotonic() - started > seconds:
            raise TimeoutError("a contender did not finish")
        time.sleep(LOOK_SECONDS)
    return time.monotonic() - started


def shuffled(contenders: Sequence[str], seed: int) -> list[str]:
    order = list(contenders)
    random.Random(seed).shuffle(order)
    return order
