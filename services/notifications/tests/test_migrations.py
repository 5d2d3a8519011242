from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from chassis import migrations
from chassis.database import connect
from notifications import brands, messages, recipients, seats  # noqa: F401 - they fill the metadata
from notifications.tables import Base


def _ours(_object, name, kind, *_) -> bool:
    return kind != "table" or (name != "alembic_version" and not name.startswith("event_log"))


def test_the_tables_are_those_of_the_code_and_go_again(urls):
    migrations.upgrade("notifications", urls.owner)
    engine = connect(urls.owner)
    with engine.connect() as connection:
        options = {"include_object": _ours, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        ours = {one.name for one in Base.metadata.sorted_tables}
        found = [
            change
            for change in compare_metadata(context, Base.metadata)
            if not (change[0] == "remove_table" and change[1].name not in ours)
            and not (change[0] == "remove_index" and change[1].table.name not in ours)
        ]
    assert found == []
    migrations.downgrade("notifications", urls.owner)
    with engine.connect() as connection:
        left = inspect(connection).get_table_names()
    engine.dispose()
    assert left == ["alembic_version"]
