"""Bring a service's database up or down, and lay down what the chassis itself needs in it.

On PostgreSQL every table with a clinic gets row-level security, forced, with two policies: the
`{service}_http` role sees the clinics its transaction names, the `{service}_work` role sees all.
Neither role owns a table. The owner migrates and does nothing else.
"""

import importlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from catalogue.event import LANES
from chassis import tables
from chassis.database import Database, connect

_WORK_ONLY = ("lanes", "lives", "leases", "cursors", "producers", "set_aside")
_APPEND_ONLY = ("event_log", "clinical_reads")

_LOG_INDEXES = (
    "ix_event_log_without_position ON event_log (lane, seq) WHERE position IS NULL",
    "ix_event_log_position ON event_log (lane, position)",
    "ix_event_log_correlation_id ON event_log (correlation_id)",
)

_FINGERPRINT = sa.text("""
    SELECT system_identifier || ':' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)
    FROM pg_control_system()
""")


class NotMigrated(Exception):
    """The database is not at the revision this code knows; `./evenkeel migrate` brings it there."""


def upgrade(service: str, url: str, revision: str = "head") -> None:
    """Bring a service's database to a revision. The URL names the owner on PostgreSQL."""
    _run(command.upgrade, service, url, revision)
    engine = connect(url)
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            connection.exec_driver_sql(f"GRANT SELECT ON alembic_version TO {service}_work")
    engine.dispose()


def downgrade(service: str, url: str, revision: str = "base") -> None:
    """Take a service's database back to a revision."""
    _run(command.downgrade, service, url, revision)


def create_chassis(op: Any, service: str) -> None:
    """The first step of every service's first migration."""
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        plain = [t for t in tables.METADATA.sorted_tables if t.name != "event_log"]
        tables.METADATA.create_all(connection, tables=plain)
        _create_log(connection)
        _protect_chassis(op, service)
    else:
        tables.METADATA.create_all(connection)
    now = datetime.now(UTC)
    op.bulk_insert(tables.lanes, [{"lane": x, "position": 0, "confirmed": 0} for x in LANES])
    life = {"epoch": 1, "fingerprint": fingerprint(connection), "begun_at": now}
    op.bulk_insert(tables.lives, [life])
    op.bulk_insert(tables.leases, [{"name": "relay", "holder": "", "until": now}])


def drop_chassis(op: Any) -> None:
    """The last step back: nothing of the chassis is left."""
    connection = op.get_bind()
    tables.METADATA.drop_all(connection)
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("DROP SEQUENCE IF EXISTS event_log_seq")


def protect(
    op: Any,
    service: str,
    *names: str,
    requests_may: str = "SELECT, INSERT, UPDATE, DELETE",
) -> None:
    """Give the service's roles a table each, and force row-level security on those with a clinic.

    Does nothing on SQLite, where the session filters.
    """
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    http, work = f"{service}_http", f"{service}_work"
    for name in names:
        run = connection.exec_driver_sql
        run(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO {work}")
        if requests_may:
            run(f"GRANT {requests_may} ON {name} TO {http}")
        if "clinic_id" not in {c["name"] for c in sa.inspect(connection).get_columns(name)}:
            continue
        run(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
        run(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
        run(f"CREATE POLICY {name}_work ON {name} TO {work} USING (true) WITH CHECK (true)")
        mine = "clinic_id = ANY (nullif(current_setting('app.clinics', true), '')::uuid[])"
        run(f"CREATE POLICY {name}_http ON {name} TO {http} USING ({mine}) WITH CHECK ({mine})")


def fingerprint(connection: sa.Connection) -> str:
    """What changes when a database is restored: the cluster and its timeline (PostgreSQL only)."""
    if connection.dialect.name != "postgresql":
        return "sqlite"
    return connection.execute(_FINGERPRINT).scalar_one()


def _create_log(connection: sa.Connection) -> None:
    """The log in partitions. A primary key that began with `seq` would tempt the planner, while
    there is a backlog, away from the one index that finds what has no position."""
    run = connection.exec_driver_sql
    run("CREATE SEQUENCE event_log_seq")
    sa.Table(
        "event_log",
        sa.MetaData(),
        *(sa.Column(c.name, c.type, nullable=c.nullable) for c in tables.event_log.columns),
        sa.PrimaryKeyConstraint("subject", "version", "recorded_at"),
        postgresql_partition_by="RANGE (recorded_at)",
    ).create(connection)
    run("ALTER TABLE event_log ALTER seq SET DEFAULT nextval('event_log_seq')")
    run("CREATE TABLE event_log_otherwise PARTITION OF event_log DEFAULT")
    for index in _LOG_INDEXES:
        run(f"CREATE INDEX {index}")


def _protect_chassis(op: Any, service: str) -> None:
    connection = op.get_bind()
    work = f"{service}_work"
    connection.exec_driver_sql(f"GRANT USAGE ON event_log_seq TO {service}_http, {work}")
    connection.exec_driver_sql(f"GRANT CREATE ON SCHEMA public TO {service}_owner")
    everywhere = {t.name for t in tables.METADATA.sorted_tables} - {*_WORK_ONLY, *_APPEND_ONLY}
    protect(op, service, *sorted(everywhere))
    protect(op, service, *_APPEND_ONLY, requests_may="SELECT, INSERT")
    protect(op, service, *_WORK_ONLY, requests_may="")
    protect(op, service, "event_log_otherwise", requests_may="")


def _run(step, service: str, url: str, revision: str) -> None:
    engine = connect(url)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "alembic"))
    config.set_main_option("version_locations", str(_versions(service)))
    config.set_main_option("path_separator", "newline")
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        step(config, revision)
        connection.commit()
    engine.dispose()


def _versions(service: str) -> Path:
    return Path(str(importlib.import_module(service).__file__)).parent / "migrations"


def refuse_other_revision(database: Database) -> None:
    """Raise NotMigrated when a database is not at the revision that this code knows."""
    with database.look() as connection:
        is_new = not sa.inspect(connection).has_table("alembic_version")
        asked = "SELECT version_num FROM alembic_version"
        found = None if is_new else connection.exec_driver_sql(asked).scalar()
    known = head_of(database.service)
    if found is None or not known.startswith(found.removeprefix(f"{database.service}_")):
        raise NotMigrated(f"{database.service} is at {found or 'nothing'}, the code at {known}")


def head_of(service: str) -> str:
    """The newest revision a service's code knows."""
    return max(path.stem for path in _versions(service).glob("[0-9]*.py"))
