"""The tables are what the classes map, and each role may do what its work needs."""

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.exc import DBAPIError

from chassis import migrations
from chassis.announce import uuid7
from chassis.database import Database, Instant
from crisis import sweeper
from crisis.rota import on_call
from crisis.tables import Base
from services.crisis.tests.builders import Clinic, chain_of, database_at

OF_CRISIS = sorted(Base.metadata.tables)


def test_the_migrated_tables_equal_the_mapped_ones(urls):
    engine = sa.create_engine(urls.owner)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": _of_crisis})
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def _of_crisis(_object, name, kind, _reflected, _compared) -> bool:
    return kind != "table" or name in OF_CRISIS


def test_every_check_and_unique_of_the_classes_is_in_the_database(urls):
    engine = sa.create_engine(urls.owner)
    with engine.connect() as connection:
        look = sa.inspect(connection)
        for name, table in Base.metadata.tables.items():
            found = {c["name"] for c in look.get_check_constraints(name)}
            kept = {c.name for c in table.constraints if isinstance(c, sa.CheckConstraint)}
            assert kept <= found
    engine.dispose()


def test_downgrading_leaves_nothing(urls):
    migrations.downgrade("crisis", urls.owner)
    engine = sa.create_engine(urls.owner)
    with engine.connect() as connection:
        assert set(sa.inspect(connection).get_table_names()) <= {"alembic_version"}
    engine.dispose()
    migrations.upgrade("crisis", urls.owner)


def test_the_timeline_is_chained_anew_on_the_way_down_and_up(clinic, urls, database: Database):
    """What was told before is told afterwards, and proven as its revision proves it."""
    first, second = clinic.raises("T1"), clinic.raises("T2")
    clinic.acknowledges(first)
    told = [clinic.told(case_id) for case_id in (first, second)]
    migrations.downgrade("crisis", urls.owner, "crisis_0001")
    with database.work() as db:
        by_case = "t.case_id = c.id AND t.position = c.version AND t.digest = c.chain"
        ends = sa.text(f"SELECT count(*) FROM cases c JOIN case_timeline t ON {by_case}")
        assert db.scalar(ends) == 2
    migrations.upgrade("crisis", urls.owner)
    chain = chain_of(database, clinic.id)
    assert (chain.fault, chain.place) == (None, 5)
    assert [clinic.told(case_id) for case_id in (first, second)] == told


def test_a_request_sees_and_changes_its_own_clinics_cases_only(clinic, database: Database):
    case_id = clinic.raises("T1")
    mine, others = frozenset({clinic.id}), frozenset({uuid7()})
    for clinics, count in ((mine, 1), (others, 0), (frozenset(), 0)):
        with database.request(clinics) as db:
            for table in ("Case", "Page", "Entry", "Risk"):
                mapped = next(m.class_ for m in Base.registry.mappers if m.class_.__name__ == table)
                found = db.scalars(sa.select(mapped)).all()
                assert bool(found) == bool(count), table
    assert case_id


@pytest.mark.parametrize("table", ["sweepers", "clinicians", "participants"])
def test_requests_may_not_write_what_only_the_service_writes(postgres_urls, clock, table):
    database = database_at(postgres_urls, clock)
    Clinic.with_rota(database, clock).raises("T1")
    sweeper.sweep(database)
    with pytest.raises(DBAPIError, match="permission denied"), database.request([uuid7()]) as db:
        db.execute(sa.text(f"DELETE FROM {table}"))
    database.close()


def test_a_rota_of_the_former_release_is_still_in_force(urls, clock):
    """Planted fault: on PostgreSQL the owner, who migrates, sees no row of a clinic."""
    migrations.downgrade("crisis", urls.owner, "crisis_0001")
    clinic_id, rota_id, people = uuid7(), uuid7(), [uuid7() for _ in range(3)]
    database = database_at(urls, clock)
    with database.work() as db:
        for person in people:
            row = {"id": person, "clinic_id": clinic_id, "roles": ["clinician"], "licences": []}
            db.execute(sa.insert(table("clinicians", *row)).values(row))
        rota = {
            "id": rota_id, "clinic_id": clinic_id, "edition": 1, "published_at": db.now,
            "published_by": "crisis_lead:x",
        }  # fmt: skip
        db.execute(sa.insert(table("rotas", *rota)).values(rota))
        for rung, person in zip((1, 2, 2), people, strict=True):
            place = {
                "rota_id": rota_id,
                "rung": rung,
                "clinician_id": person,
                "clinic_id": clinic_id,
            }
            db.execute(sa.insert(table("rota_places", *place)).values(place))
    migrations.upgrade("crisis", urls.owner)
    with database.work() as db:
        first, last = on_call(db, clinic_id).rungs
    assert (first, set(last)) == ((people[0],), {*people[1:]})
    database.close()


def table(name: str, *columns: str) -> sa.TableClause:
    """A table as the former release knew it."""
    kinds = {
        **dict.fromkeys(("roles", "licences"), sa.JSON()),
        **dict.fromkeys(("rung", "edition"), sa.Integer()),
        "published_at": Instant(),
        "published_by": sa.String(),
    }
    return sa.table(name, *(sa.column(column, kinds.get(column, sa.Uuid())) for column in columns))
