"""The migrations make exactly the mapped tables, on both databases, and take them back."""

from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import sessions.service  # noqa: F401 - maps every table
from chassis import migrations
from chassis.database import connect
from chassis.tables import METADATA as CHASSIS
from evenkeel_ops.provision import Urls
from sessions.tables import Base


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path) -> str:
    if request.param == "sqlite":
        return Urls.sqlite(tmp_path / "sessions.db").owner
    return request.getfixturevalue("postgres_urls").owner


def test_the_migrations_make_the_mapped_tables_and_take_them_back(url):
    migrations.upgrade("sessions", url)
    assert differences(url) == []
    migrations.downgrade("sessions", url)
    assert tables(url) <= {"alembic_version"}
    migrations.upgrade("sessions", url)
    assert differences(url) == []


def differences(url: str) -> list[Any]:
    def ours(_object: Any, name: str, kind: str, *_: Any) -> bool:
        return kind != "table" or not name.startswith((*CHASSIS.tables, "alembic", "event_log"))

    engine = connect(url)
    with engine.connect() as connection:
        options = {"compare_type": True, "include_object": ours}
        context = MigrationContext.configure(connection, opts=options)
        found = compare_metadata(context, Base.metadata)
        found += _checks(connection)
    engine.dispose()
    return found


def _checks(connection: sa.Connection) -> list[Any]:
    """Alembic does not compare check constraints. PostgreSQL rewrites them, so there only names."""
    there = sa.inspect(connection)
    found = []
    for table in Base.metadata.sorted_tables:
        made = {c["name"]: c["sqltext"] for c in there.get_check_constraints(table.name)}
        for one in table.constraints:
            if isinstance(one, sa.CheckConstraint):
                text = made.get(str(one.name))
                alike = connection.dialect.name == "postgresql" or text == str(one.sqltext)
                found += [] if text and alike else [(table.name, one.name)]
    return found


def tables(url: str) -> set[str]:
    engine = connect(url)
    with engine.connect() as connection:
        found = set(sa.inspect(connection).get_table_names())
    engine.dispose()
    return found
