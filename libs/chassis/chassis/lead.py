"""Who leads: one process for each service database, found out by the database itself."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import uuid4

import sqlalchemy as sa

from chassis.database import Database, connect
from chassis.tables import leases

LEASE = timedelta(seconds=3)
_LOCK_KEY = 0x45564B4C
_LEASE_MS = int(LEASE.total_seconds() * 1000)
"""A leader that was stopped keeps its lock no longer than this, wherever it was stopped."""


class Lead(Protocol):
    """The right to lead. Both calls raise DBAPIError when the database is lost."""

    def taken(self) -> bool:
        """Whether this process leads now; asked again and again while it stands by."""
        ...

    def turn(self) -> AbstractContextManager[sa.Connection]:
        """A connection for the leader's next statements: on PostgreSQL the very session that holds
        the lock, where each commits by itself; on SQLite one transaction that renews the lease."""
        ...


@contextmanager
def standing_for(database: Database) -> Iterator[Lead]:
    """Stand for the lead of a service's database, and give it back at the end."""
    if not database.postgres:
        yield _SqliteLead(database)
        return
    engine = connect(
        database.work_engine.url,
        poolclass=sa.NullPool,
        isolation_level="AUTOCOMMIT",
        connect_args={
            "options": f"-c idle_session_timeout={_LEASE_MS}",
            "tcp_user_timeout": _LEASE_MS,
            "application_name": f"{database.service} relay",
        },
    )
    with engine.connect() as connection:
        yield _PostgresLead(connection)


class _PostgresLead:
    """An advisory lock, which the server frees the moment this session ends."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def taken(self) -> bool:
        asked = sa.select(sa.func.pg_try_advisory_lock(_LOCK_KEY))
        return self._connection.execute(asked).scalar_one()

    def turn(self) -> AbstractContextManager[sa.Connection]:
        return nullcontext(self._connection)


class _SqliteLead:
    """A lease row, renewed at each transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._holder = uuid4().hex

    def taken(self) -> bool:
        with self.turn():
            return self._held

    @contextmanager
    def turn(self) -> Iterator[sa.Connection]:
        with self._database.work() as session:
            now = datetime.now(UTC)
            connection = session.connection()
            connection.execute(
                sa.update(leases)
                .where(
                    leases.c.name == "relay",
                    sa.or_(leases.c.holder == self._holder, leases.c.until < now),
                )
                .values(holder=self._holder, until=now + LEASE)
            )
            held = sa.select(leases.c.holder).where(leases.c.name == "relay")
            self._held = connection.execute(held).scalar() == self._holder
            yield connection
