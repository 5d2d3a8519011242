"""The timeline: it can only grow, and the entries of a clinic are one chain however many write."""

import hashlib
import json
from contextlib import suppress

import pytest
import sqlalchemy as sa
from eventlet import GreenPool
from sqlalchemy.exc import DBAPIError

from chassis.announce import uuid7
from chassis.database import connect
from crisis import sweeper
from crisis.case import Case
from crisis.record.chain import BEGINNING, Link, digest_of
from crisis.record.checkpoint import sign_ends
from crisis.record.signing import SigningKey
from crisis.timeline import Entry, record
from services.crisis.tests.builders import Clinic, chain_of, database_at

GROWS_ONLY = ["case_timeline", "case_timeline_checkpoints"]
CHANGES = ["UPDATE {} SET digest = ''", "DELETE FROM {}"]


def entries_of(database) -> list[Entry]:
    with database.work() as db:
        return list(db.scalars(sa.select(Entry).order_by(Entry.clinic_id, Entry.place)))


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("table", GROWS_ONLY)
def test_no_role_may_change_or_delete_what_was_told(clinic, table, change):
    """Planted fault: a role that may update."""
    clinic.raises("T1")
    sign_ends(clinic.database, SigningKey.generate())
    roles = (clinic.database.work(), clinic.database.request([clinic.id]))
    refused = "permission denied" if clinic.database.postgres else "append-only"
    for role in roles:
        with pytest.raises(DBAPIError, match=refused), role as db:
            db.execute(sa.text(change.format(table)))


@pytest.mark.parametrize("change", [*CHANGES, "TRUNCATE {}"])
@pytest.mark.parametrize("table", GROWS_ONLY)
def test_the_database_refuses_its_owner_too(clinic, urls, table, change):
    """Planted fault: no trigger."""
    clinic.raises("T1")
    sign_ends(clinic.database, SigningKey.generate())
    engine = connect(urls.owner)
    refused = r"append-only" if "TRUNCATE" not in change else r"append-only|syntax error"
    with pytest.raises(DBAPIError, match=refused), engine.begin() as connection:
        connection.exec_driver_sql(change.format(table))
    engine.dispose()


def test_the_cases_of_a_clinic_are_one_chain_and_each_clinic_has_its_own(clinic, database, clock):
    other = Clinic.with_rota(database, clock)
    first, second = clinic.raises("T1"), clinic.raises("T2")
    elsewhere = other.raises("T1")
    clinic.acknowledges(first)
    mine = [entry for entry in entries_of(database) if entry.clinic_id == clinic.id]
    assert [entry.place for entry in mine] == [1, 2, 3, 4, 5]
    assert [entry.case_id for entry in mine] == [first, first, second, second, first]
    assert [entry.position for entry in mine] == [1, 2, 1, 2, 3]
    theirs = [entry for entry in entries_of(database) if entry.clinic_id == other.id]
    assert [(entry.place, entry.case_id) for entry in theirs] == [(1, elsewhere), (2, elsewhere)]
    for of_clinic in (clinic.id, other.id):
        chain = chain_of(database, of_clinic)
        assert (chain.fault, chain.place > 0) == (None, True)


def test_an_entry_is_bound_to_all_before_it_by_the_documented_digest(clinic, database):
    """Anybody must be able to reckon it: the words of docs/record.md, in other code."""
    clinic.raises("T2")
    before = "0" * 64
    for entry in entries_of(database):
        at = entry.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        told = [before, str(entry.clinic_id), entry.place, str(entry.case_id), entry.position]
        told += [at, entry.what, entry.by, entry.facts]
        said = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert entry.digest == hashlib.sha256(said.encode()).hexdigest()
        before = entry.digest


def test_digests_never_change_with_the_code():
    """What was chained once must be found unaltered for ever."""
    link = Link("c", 1, "k", 1, "2026-11-23T15:00:00.000000Z", "opened", "service:é", {"b": 1})
    assert digest_of(BEGINNING, link) == (
        "ef0653a493ceecc259c54b28848fe7e8d777333ad1356f2103dfd7f46eb30b7f"
    )


def test_what_is_rolled_back_was_never_told(clinic, database):
    case_id = clinic.raises("T1")
    with suppress(KeyError), clinic.case(case_id) as (db, case):
        record(db, case, "nothing", by="x", at=db.now)
        raise KeyError
    with clinic.case(case_id) as (db, case):
        with suppress(KeyError), db.begin_nested():
            record(db, case, "nothing", by="x", at=db.now)
            raise KeyError
        record(db, case, "something", by="x", at=db.now)
    assert clinic.told(case_id) == ["opened", "rung_paged", "something"]
    assert chain_of(database, clinic.id).fault is None


def test_many_writers_of_one_clinic_leave_one_chain_without_gaps(postgres_urls, clock):
    """Planted fault: the end of the chain read without its lock."""
    databases = [database_at(postgres_urls, clock) for _ in range(4)]
    clinic = Clinic.with_rota(databases[0], clock)
    pool = GreenPool()
    for n in range(40):
        pool.spawn(Clinic(databases[n % 4], clock, clinic.id).raises, "T1")
    pool.waitall()
    clinic.later(121)
    for database in databases:
        pool.spawn(sweeper.sweep, database, str(uuid7()))
    pool.waitall()
    chain = chain_of(databases[0], clinic.id)
    assert (chain.fault, chain.place) == (None, 40 * 3)
    with databases[0].work() as db:
        assert db.scalar(sa.select(sa.func.sum(Case.version))) == chain.place
    for database in databases:
        database.close()
