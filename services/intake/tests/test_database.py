"""The tables are what the classes say, on both databases, and show a clinic its own rows only."""

from uuid import uuid4

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from chassis import migrations
from chassis import tables as chassis_tables
from chassis.database import Database, OfClinic, connect
from chassis.details import Vault
from evenkeel_ops.provision import create_roles, hand_over
from intake.episode import Episode, credit_minutes
from intake.participant import Participant
from intake.risk import Risk
from intake.screen import Answer, Screen
from intake.tables import Base
from services.intake.tests.builders import Given

NOT_OURS = {*chassis_tables.METADATA.tables, "alembic_version", "event_log_otherwise"}


def own_tables_only(_object, name, kind, _reflected, _other):
    return kind != "table" or name not in NOT_OURS


def differences(connection):
    context = MigrationContext.configure(
        connection, opts={"include_object": own_tables_only, "compare_type": True}
    )
    return compare_metadata(context, Base.metadata)


def test_the_migrated_tables_equal_the_mapped_ones(house_of):
    """Planted fault: a column that no class has."""
    house = house_of("intake")
    with connect(house.urls["intake"].owner).connect() as connection:
        assert differences(connection) == []
        connection.exec_driver_sql("ALTER TABLE risks ADD COLUMN planted integer")
        assert [change[0] for change in differences(connection)] == ["remove_column"]


def test_the_first_migration_can_be_taken_back(tmp_path):
    url = f"sqlite:///{tmp_path / 'intake.db'}"
    migrations.upgrade("intake", url)
    migrations.downgrade("intake", url)
    with connect(url).connect() as connection:
        assert sa.inspect(connection).get_table_names() == ["alembic_version"]


def test_every_table_belongs_to_a_clinic():
    assert all(issubclass(mapper.class_, OfClinic) for mapper in Base.registry.mappers)


@pytest.fixture
def on_postgres(postgres, clock):
    """Rows of one clinic on PostgreSQL, with the two roles of the service."""
    create_roles(postgres.connect())
    with postgres.database("intake") as url:
        urls = hand_over(postgres, "intake", str(sa.make_url(url).database))
        migrations.upgrade("intake", urls.owner)
        database = Database("intake", http_url=urls.http, work_url=urls.work, clock=clock)
        yield Given(database, Vault(bytes(32)))
        database.close()


def test_minutes_credited_side_by_side_are_all_counted(on_postgres):
    """Planted fault: minutes added to a row read before lose the other's."""

    def in_python(db, one, minutes):
        one.attended_minutes += minutes

    def in_sql(db, one, minutes):
        credit_minutes(db, one.participant_id, minutes, attended_by=db.now)

    for credit, counted in ((in_sql, 110), (in_python, 10)):
        database = on_postgres.database
        episode_id = on_postgres.episode(state="admitted", admitted_at=database.clock.now())
        with database.work() as slow:
            read_before = Episode.find(slow, episode_id)
            with database.work() as fast:
                credit_minutes(fast, read_before.participant_id, 100, attended_by=fast.now)
            credit(slow, read_before, 10)
        with database.work() as db:
            assert Episode.find(db, episode_id).attended_minutes == counted


def test_a_request_sees_the_rows_of_its_clinics_in_every_table(on_postgres):
    database = on_postgres.database
    screen_id = on_postgres.screen(on_postgres.episode())
    with database.work() as db:
        Screen.find(db, screen_id).answer(db, {"q4": 1}, by="test", at=db.now)
    filled = (Participant, Episode, Screen, Answer, Risk)
    for clinics, seen in (([on_postgres.clinic], 1), ([uuid4()], 0), ([], 0)):
        with database.request(clinics) as db:
            for one in filled:
                rows = db.connection().execute(sa.select(one.__table__)).all()
                assert len(rows) == seen, one


def test_no_request_changes_what_is_a_record(on_postgres):
    screen_id = on_postgres.screen(on_postgres.episode())
    database = on_postgres.database
    with database.work() as db:
        Screen.find(db, screen_id).answer(db, {"q4": 1}, by="test", at=db.now)
    for change in (sa.update(Answer).values(value=0), sa.delete(Risk)):
        with pytest.raises(sa.exc.ProgrammingError), database.request([on_postgres.clinic]) as db:
            db.execute(change)
