"""The embedded pair as a contender: five parts in one process, SQLite files, in-memory broker."""

import tempfile
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import eventlet
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from chassis.announce import announce
from chassis.backbone import Runtime
from chassis.broker import Broker
from chassis.clock import SystemClock
from chassis.database import Database
from chassis.details import Vault
from chassis.migrations import create_chassis
from chassis.peers import NeighbourPeers
from chassis.receive import Handlers
from evenkeel_ops.bench import stage
from evenkeel_ops.bench.event import (
    HEARER,
    PRODUCER,
    TOPOLOGY,
    Base,
    Effect,
    Person,
    RoutineHappened,
    handle,
    load_people,
)

TRANSACTION = 10
SETTLE_SECONDS = 60


class _Threads:
    def spawn_managed_thread(self, run: Any) -> Any:
        return eventlet.spawn(run)


def measure(count: int) -> dict[str, float]:
    """Hops a second, ten events a transaction, from the first announcement to the last effect."""
    with tempfile.TemporaryDirectory() as directory:
        runtimes: dict[str, Runtime] = {}
        for service in (PRODUCER, HEARER):
            runtimes[service] = _runtime(service, Path(directory), runtimes)
        hearer = runtimes[HEARER]
        hearer.handlers = Handlers(
            {RoutineHappened.type: lambda work, event: handle(work.db, event)},
            {RoutineHappened.type: load_people},
        )
        people = [UUID(int=1 + n) for n in range(stage.PEOPLE)]
        with hearer.database.work() as db:
            db.execute(sa.insert(Person), [{"id": p, "handled": 0} for p in people])
        for runtime in runtimes.values():
            runtime.backbone.start(_Threads())
        started = time.monotonic()
        _announce(runtimes[PRODUCER].database, people, count)
        with eventlet.Timeout(SETTLE_SECONDS):
            while _effects(hearer.database) < count:
                eventlet.sleep(0.02)
        seconds = time.monotonic() - started
    return {"hops_per_s": count / seconds}


def _announce(database: Database, people: list[UUID], count: int) -> None:
    for first in range(0, count, TRANSACTION):
        with database.work() as db:
            for n in range(first, first + TRANSACTION):
                announce(db, stage.routine(people[n % len(people)], people[n % len(people)]))
        eventlet.sleep(0)


def _effects(database: Database) -> int:
    with database.look() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(Effect)).scalar_one()


def _runtime(service: str, directory: Path, runtimes: dict[str, Runtime]) -> Runtime:
    url = f"sqlite:///{directory / service}.db"
    heard = TOPOLOGY.heard_by_anyone(service)
    database = Database(service, http_url=url, work_url=url, clock=SystemClock(), heard=heard)
    with database.work_engine.begin() as connection:
        create_chassis(Operations(MigrationContext.configure(connection)), service)
        Base.metadata.create_all(connection)
    return Runtime(
        service=service,
        environment="test",
        clock=SystemClock(),
        database=database,
        broker=Broker("memory://localhost", TOPOLOGY),
        vault=Vault(bytes(32)),
        peers=NeighbourPeers(service, runtimes),
    )
