"""Many rows in one statement, on both databases: the same rows as one by one."""

from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from chassis.bulk import insert_all, update_all
from chassis.refusals import Forbidden
from libs.chassis.tests.builders import CLINIC, OTHER_CLINIC, Tally


@pytest.fixture
def database(database_of):
    return database_of("intake")


def rows(count, clinic=CLINIC):
    return [
        {"id": uuid4(), "clinic_id": clinic, "subject_id": uuid4(), "version": n}
        for n in range(count)
    ]


def found(database):
    with database.work() as db:
        return {
            one.id: (one.clinic_id, one.subject_id, one.version, one.timer_generation)
            for one in db.scalars(sa.select(Tally))
        }


def test_rows_are_inserted_and_completed_by_their_defaults(database):
    new = rows(3)
    with database.work() as db:
        insert_all(db, Tally, new)
        insert_all(db, Tally, [])
    assert found(database) == {
        one["id"]: (CLINIC, one["subject_id"], one["version"], 0) for one in new
    }


def test_rows_are_updated_each_with_its_own_values_and_no_other_is(database):
    first, second, other = new = rows(3)
    with database.work() as db:
        insert_all(db, Tally, new)
        update_all(
            db, Tally, [{"id": one["id"], "version": n} for one, n in ((first, 8), (second, 9))]
        )
        update_all(db, Tally, [])
    versions = {of: row[2] for of, row in found(database).items()}
    assert versions == {first["id"]: 8, second["id"]: 9, other["id"]: 2}


def test_the_database_refuses_in_bulk_what_it_refuses_singly(database):
    (one,) = rows(1)
    with pytest.raises(IntegrityError), database.work() as db:
        insert_all(db, Tally, [one, one])
    assert found(database) == {}


def test_a_request_writes_no_row_of_another_clinic(database):
    """Planted fault: leave it to the database, which on SQLite refuses nothing."""
    with pytest.raises(Forbidden), database.request([CLINIC]) as db:
        insert_all(db, Tally, [*rows(1), *rows(1, OTHER_CLINIC)])
    with database.request([CLINIC]) as db:
        insert_all(db, Tally, rows(1))
    assert [row[0] for row in found(database).values()] == [CLINIC]
