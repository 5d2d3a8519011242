"""Who sees which clinic, and what a service's roles may do."""

from uuid import uuid4

import pytest
import sqlalchemy as sa

from chassis import tables
from chassis.database import retryable
from chassis.refusals import Forbidden
from libs.chassis.tests.builders import CLINIC, OTHER_CLINIC, Tally


def one_row(clinic):
    return Tally(id=uuid4(), clinic_id=clinic, subject_id=uuid4(), version=1)


def seen(db):
    return set(db.scalars(sa.select(Tally.clinic_id)))


def test_a_request_sees_its_clinics_and_no_other(database_of):
    database = database_of("intake")
    with database.work() as db:
        db.add_all([one_row(CLINIC), one_row(OTHER_CLINIC)])
    with database.request([CLINIC]) as db:
        assert seen(db) == {CLINIC}
    with database.request([CLINIC, OTHER_CLINIC]) as db:
        assert seen(db) == {CLINIC, OTHER_CLINIC}


def test_a_request_without_clinics_sees_nothing(database_of):
    database = database_of("intake")
    with database.work() as db:
        db.add(one_row(CLINIC))
    with database.request([]) as db:
        assert seen(db) == set()


def test_a_request_cannot_write_into_another_clinic(database_of):
    database = database_of("intake")
    with pytest.raises((Forbidden, sa.exc.DBAPIError)), database.request([CLINIC]) as db:
        db.add(one_row(OTHER_CLINIC))
    with database.work() as db:
        assert seen(db) == set()


def test_the_next_user_of_a_connection_inherits_no_clinic(database_of):
    database = database_of("intake")
    with database.work() as db:
        db.add(one_row(CLINIC))
    for _ in range(20):
        with database.request([CLINIC]) as db:
            assert seen(db) == {CLINIC}
        with database.request([OTHER_CLINIC]) as db:
            assert seen(db) == set()


def test_the_instant_of_a_transaction_stands_still(database_of):
    database = database_of("intake")
    with database.work() as db:
        assert db.now == db.now
        assert db.now.tzinfo is not None


def test_every_table_with_a_clinic_has_forced_policies(database_of, pair):
    if pair == "memory+sqlite":
        return
    database = database_of("intake")
    with database.look() as connection:
        assert unprotected(connection) == []
    with_clinic = [t for t in tables.METADATA.sorted_tables if "clinic_id" in t.c]
    assert len(with_clinic) >= 8


def test_a_table_that_forgot_its_policy_is_found(database_of, pair, postgres):
    if pair == "memory+sqlite":
        return
    database = database_of("intake")
    name = database.work_engine.url.database
    with postgres.connect(name).cursor() as cursor:
        cursor.execute("CREATE TABLE forgotten (id uuid, clinic_id uuid)")
    with database.look() as connection:
        assert unprotected(connection) == ["forgotten"]


def test_the_working_roles_own_nothing_and_bypass_nothing(database_of, pair):
    if pair == "memory+sqlite":
        return
    database = database_of("intake")
    with database.look() as connection:
        owned = connection.exec_driver_sql(
            "SELECT count(*) FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner "
            "WHERE r.rolname IN ('intake_http', 'intake_work')"
        ).scalar_one()
        strong = connection.exec_driver_sql(
            "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'intake\\_%%' "
            "AND (rolsuper OR rolbypassrls OR rolcreaterole)"
        ).scalar_one()
    assert (owned, strong) == (0, 0)


def test_a_request_cannot_become_the_working_role(database_of, pair):
    if pair == "memory+sqlite":
        return
    database = database_of("intake")
    with pytest.raises(sa.exc.ProgrammingError), database.request([CLINIC]) as db:
        db.execute(sa.text("SET ROLE intake_work"))


def test_the_log_and_the_audit_are_append_only_for_requests(database_of, pair):
    if pair == "memory+sqlite":
        return
    database = database_of("intake")
    for table in ("event_log", "clinical_reads"):
        with pytest.raises(sa.exc.ProgrammingError), database.request([CLINIC]) as db:
            db.execute(sa.text(f"DELETE FROM {table}"))


def test_a_duplicate_key_is_nothing_to_retry(database_of):
    database = database_of("intake")
    row = one_row(CLINIC)
    with database.work() as db:
        db.add(row)
    with pytest.raises(sa.exc.IntegrityError) as failure, database.work() as db:
        db.execute(sa.insert(Tally).values(id=row.id, clinic_id=CLINIC, subject_id=row.id,
                                           version=1, timer_generation=0))  # fmt: skip
    assert not retryable(failure.value)


def unprotected(connection) -> list[str]:
    """Tables with a clinic that lack forced row-level security or one of their two policies."""
    return list(
        connection.exec_driver_sql("""
            SELECT c.relname FROM pg_class c
            JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'clinic_id'
            WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
              AND NOT (c.relrowsecurity AND c.relforcerowsecurity
                       AND (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid) = 2)
            ORDER BY 1
        """).scalars()
    )
