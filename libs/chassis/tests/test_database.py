"""Who sees which clinic, and what a service's roles may do."""

from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import InvalidRequestError

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


def test_a_transaction_that_has_ended_cannot_be_used_again(database_of):
    database = database_of("intake")
    with database.work() as db:
        assert not seen(db)
    with pytest.raises(InvalidRequestError):
        seen(db)


@pytest.mark.parametrize("pair", ["rabbitmq+postgresql"])
def test_a_request_cannot_become_the_working_role(database_of):
    database = database_of("intake")
    with pytest.raises(sa.exc.ProgrammingError), database.request([CLINIC]) as db:
        db.execute(sa.text("SET ROLE intake_work"))


@pytest.mark.parametrize("pair", ["rabbitmq+postgresql"])
def test_the_log_and_the_audit_are_append_only_for_requests(database_of):
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
