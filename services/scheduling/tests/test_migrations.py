"""The migrations make the tables that the code maps, and leave nothing when they are undone."""

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import scheduling.seat  # noqa: F401 - maps everything
from chassis import migrations
from chassis.database import connect
from scheduling.tables import Base
from services.scheduling.tests.conftest import KINDS


@pytest.fixture(params=KINDS)
def urls(request, urls_of):
    return urls_of(request.param)


def test_the_tables_are_those_that_the_code_maps(urls):
    migrations.upgrade("scheduling", urls.owner)
    mine = set(Base.metadata.tables)
    options = {
        "compare_type": True,
        "include_name": lambda name, kind, _parents: kind != "table" or name in mine,
    }
    engine = connect(urls.owner)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_going_back_leaves_no_table_and_forward_again_works(urls):
    migrations.upgrade("scheduling", urls.owner)
    migrations.downgrade("scheduling", urls.owner)
    engine = connect(urls.owner)
    with engine.connect() as connection:
        left = set(sa.inspect(connection).get_table_names()) - {"alembic_version"}
    engine.dispose()
    assert left == set()
    migrations.upgrade("scheduling", urls.owner)
