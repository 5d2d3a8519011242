"""An empty database of crisis for each of thousands of examples, sooner than migrating one."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa

from chassis.clock import SimulatedClock
from chassis.database import Database
from crisis.tables import Base
from evenkeel_ops.machine import in_memory
from evenkeel_ops.postgres import Postgres
from evenkeel_ops.provision import Urls
from services.crisis.tests.builders import START, database_at, sqlite_urls

Emptied = Callable[[SimulatedClock], AbstractContextManager[Database]]
OF_THE_CHASSIS = ("event_log", "stream_heads", "details")


@contextmanager
def emptied_sqlite(clock: SimulatedClock) -> Iterator[Database]:
    """A copy of a migrated file."""
    with TemporaryDirectory(prefix="crisis-", dir=in_memory()) as directory:
        database = database_at(sqlite_urls(Path(directory)), clock)
        yield database
        database.close()


class EmptiedPostgres:
    """One migrated database, whose rows are taken away by a superuser, past the triggers that
    keep everybody else from it."""

    def __init__(self, postgres: Postgres, urls: Urls) -> None:
        self._database = database_at(urls, SimulatedClock(START))
        self._superuser = postgres.connect(str(sa.make_url(urls.work).database))

    def __enter__(self) -> "EmptiedPostgres":
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()
        self._superuser.close()

    @contextmanager
    def __call__(self, clock: SimulatedClock) -> Iterator[Database]:
        tables = [*Base.metadata.tables, *OF_THE_CHASSIS]
        statements = ["SET session_replication_role = replica"]
        statements += [f"DELETE FROM {table}" for table in tables]
        self._superuser.cursor().execute("; ".join(statements))
        self._database.clock = clock
        yield self._database
