"""One service's database: sessions for requests, sessions for work, and who sees which clinic.

Requests run as the service's `_http` role and see the clinics of a setting that lives as long as
their transaction; batches of events and timers run as its `_work` role, because they span
clinics. On SQLite the same filter sits in the session, and a green semaphore keeps one writer to
a file, since a greenlet that yields inside BEGIN IMMEDIATE would freeze all others.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from eventlet.semaphore import Semaphore
from sqlalchemy import event, exc, orm
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm.exc import StaleDataError

from catalogue.codec import instant
from chassis.clock import Clock, SystemClock
from chassis.crash_points import reached
from chassis.green import close_what_is_interrupted
from chassis.refusals import Forbidden

POOL = {"pool_size": 10, "max_overflow": 20, "pool_timeout": 10}

STANDSTILL = {"options": "-c idle_in_transaction_session_timeout=5000"}
"""A process that stands still in a transaction keeps others from its rows no longer than this."""

SQLITE_PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=10000", "foreign_keys=ON")

RETRYABLE_CODES = (
    "40001", "40P01", "55P03", "57P01", "57P02", "57P03", "53300", "25006", "53100", "53200",
)  # fmt: skip
"""Serialisation failure, deadlock, lock not available, shutdown, crash, starting up, too many;
read-only (not promoted yet), disk full, out of memory: nobody's event is to blame for those."""

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Instant(sa.types.TypeDecorator[datetime]):
    """An aware instant: timestamptz on PostgreSQL, sortable RFC 3339 text on SQLite."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.TIMESTAMP(timezone=True))
        return dialect.type_descriptor(sa.String(32))

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        if value is not None and value.tzinfo is None:
            raise ValueError("an instant needs its offset")
        return value if value is None or dialect.name == "postgresql" else instant(value)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        return datetime.fromisoformat(value) if isinstance(value, str) else value


COLUMN_TYPES = {
    datetime: Instant(),
    UUID: sa.Uuid(),
    dict[str, Any]: sa.JSON(),
    list[str]: sa.JSON(),
}
"""`type_annotation_map` of every service's declarative base."""


class OfClinic:
    """A table whose rows belong to a clinic; the database shows them to nobody else."""

    clinic_id: orm.Mapped[UUID] = orm.mapped_column(index=True)


class Session(orm.Session):
    """A SQLAlchemy session that knows its service, its instant and the clinics it may see.

    `info` holds `service`, `clinics` (None: all, for work), and the correlation of what it does.
    """

    @property
    def now(self) -> datetime:
        """The instant of this transaction, the same for everything done in it."""
        if "now" not in self.info:
            connection = self.connection()  # beginning it settles this, except for work
            if "now" not in self.info:
                self.settle(connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one())
        return self.info["now"]

    def settle(self, instant: datetime | None) -> None:
        """Take the database's clock for this transaction's, unless time is simulated."""
        clock = self.info["clock"]
        database_decides = instant is not None and isinstance(clock, SystemClock)
        self.info.setdefault("now", instant if database_decides else clock.now())

    @property
    def clinics(self) -> frozenset[UUID] | None:
        return self.info["clinics"]


class Database:
    """The two ways into one service's database.

    `http_url` and `work_url` differ in their role on PostgreSQL and are equal on SQLite.
    `heard` names the streams of this service that a queue must be waiting for.
    """

    def __init__(
        self,
        service: str,
        *,
        http_url: str,
        work_url: str,
        clock: Clock,
        heard: frozenset[str] = frozenset(),
    ) -> None:
        self.service = service
        self.clock = clock
        self.heard = heard
        self.http_engine = connect(http_url)
        self.work_engine = connect(work_url) if work_url != http_url else self.http_engine
        self.postgres = self.work_engine.dialect.name == "postgresql"
        self._looking = self.work_engine
        if self.postgres:
            self._looking = self.work_engine.execution_options(isolation_level="AUTOCOMMIT")
        self._one_writer = nullcontext() if self.postgres else Semaphore(1)
        self.after_commit: list[Callable[[], None]] = []

    def request(self, clinics: Collection[UUID], **about: Any) -> AbstractContextManager[Session]:
        """A transaction that sees these clinics only; commits at the end, or rolls back."""
        return self._transaction(self.http_engine, frozenset(clinics), about)

    def work(self, **about: Any) -> AbstractContextManager[Session]:
        """A transaction of the service itself, across clinics."""
        return self._transaction(self.work_engine, None, about)

    @contextmanager
    def _transaction(
        self, engine: sa.Engine, clinics: frozenset[UUID] | None, about: dict[str, Any]
    ) -> Iterator[Session]:
        info = {
            "service": self.service,
            "clock": self.clock,
            "heard": self.heard,
            "clinics": clinics,
            **about,
        }
        options = {"info": info, "expire_on_commit": False, "close_resets_only": False}
        with self._one_writer, Session(engine, **options) as session:
            yield session
            session.commit()
        if session.info.get("announced_any"):
            reached("announce.after_commit")
            for wake in self.after_commit:
                wake()

    @contextmanager
    def look(self) -> Iterator[sa.Connection]:
        """A connection of the work role for a single read, without a transaction around it."""
        with self._one_writer, self._looking.connect() as connection:
            yield connection

    def close(self) -> None:
        """Close every pooled connection."""
        self.http_engine.dispose()
        self.work_engine.dispose()


def connect(url: str | sa.URL, **options: Any) -> sa.Engine:
    """An engine with the settings both dialects need."""
    if sa.make_url(url).get_backend_name() == "sqlite":
        engine = sa.create_engine(url, connect_args={"check_same_thread": False}, **options)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", lambda c: c.exec_driver_sql("BEGIN IMMEDIATE"))
        return engine
    close_what_is_interrupted()
    connect_args = STANDSTILL | options.pop("connect_args", {})
    return sa.create_engine(
        url,
        executemany_mode="values_plus_batch",
        connect_args=connect_args,
        **(options or POOL),
    )


def insert_into(session: orm.Session, table: Any) -> Any:
    """An INSERT that knows ON CONFLICT, in the dialect of this session's database."""
    dialect = postgresql if session.connection().dialect.name == "postgresql" else sqlite
    return dialect.insert(table)


def retryable(failure: BaseException) -> bool:
    """Whether the same transaction may succeed when it is simply run again."""
    if isinstance(failure, StaleDataError | exc.TimeoutError):
        return True
    if not isinstance(failure, DBAPIError):
        return False
    code = getattr(failure.orig, "pgcode", None)
    return (
        failure.connection_invalidated
        or code in RETRYABLE_CODES
        or (code is None and isinstance(failure, exc.OperationalError))
    )


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    for pragma in SQLITE_PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


@event.listens_for(Session, "after_begin")
def _enter(session: Session, _transaction: Any, connection: sa.Connection) -> None:
    if connection.dialect.name != "postgresql":
        session.settle(None)
    elif session.clinics is not None:
        asked = "SELECT clock_timestamp(), set_config('app.clinics', %s, true)"
        listed = "{" + ",".join(map(str, session.clinics)) + "}"
        session.settle(connection.exec_driver_sql(asked, (listed,)).scalar_one())


@event.listens_for(Session, "do_orm_execute")
def _show_own_clinics(state: orm.ORMExecuteState) -> None:
    clinics = state.session.info["clinics"]
    if clinics is not None and not state.is_column_load and not state.is_relationship_load:
        state.statement = state.statement.options(
            orm.with_loader_criteria(
                OfClinic, lambda cls: cls.clinic_id.in_(clinics), include_aliases=True
            )
        )


@event.listens_for(Session, "before_flush")
def _write_own_clinics(session: orm.Session, _context: Any, _instances: Any) -> None:
    clinics = session.info["clinics"]
    if clinics is None:
        return
    for row in [*session.new, *session.dirty, *session.deleted]:
        if isinstance(row, OfClinic) and row.clinic_id not in clinics:
            raise Forbidden("other_clinic")
