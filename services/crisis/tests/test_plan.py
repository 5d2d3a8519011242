"""The safety plan: versions that stay, sealed, first in every case, and the participant's own."""

import re
from uuid import UUID

import pytest
import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from sqlalchemy.exc import DBAPIError

from chassis.announce import uuid7
from chassis.details import Vault
from chassis.refusals import Conflict, Invalid, NotFound
from crisis.participant import Participant
from crisis.plan import plan, wording
from crisis.plan.plan import SafetyPlan
from crisis.plan.wording import CODES, STEPS
from services.crisis.tests.builders import KEY, START, Clinic, database_at

VAULT = Vault(KEY)
CANARY = "the lake house in the north"


def steps(**given: str) -> dict[str, str]:
    return {**dict.fromkeys(CODES, ""), **given}


@pytest.fixture
def somebody(clinic, database) -> UUID:
    person = uuid7()
    with database.work() as db:
        db.add(Participant(id=person, clinic_id=clinic.id, zone="America/New_York"))
    return person


def write(database, person, *, replaces=0, together=True, **given) -> int:
    how = {"replaces": replaces, "together": together, "by": "clinician:x"}
    with database.work() as db:
        return plan.write(db, VAULT, person, steps(**given), at=db.now, **how).version


def test_each_version_is_kept_and_the_newest_counts(database, clinic, somebody):
    assert write(database, somebody, alone="walk") == 1
    assert write(database, somebody, replaces=1, alone="swim", reasons="the cat") == 2
    with database.work() as db:
        found = plan.newest(db, VAULT, somebody)
        assert db.scalar(sa.select(sa.func.count()).select_from(SafetyPlan)) == 2
    assert found is not None
    assert (found["version"], found["written_at"]) == (2, START)
    assert found["steps"] == steps(alone="swim", reasons="the cat")


def test_of_two_who_write_at_once_one_is_told(database, clinic, somebody):
    write(database, somebody, alone="walk")
    with pytest.raises(Conflict) as refused:
        write(database, somebody, alone="swim")
    assert refused.value.facts == {"version": 1}


def test_a_plan_that_is_empty_or_not_written_together_is_refused(database, clinic, somebody):
    with pytest.raises(Invalid) as empty:
        write(database, somebody, alone="  \n ")
    assert set(empty.value.fields) == {"signs"}
    with pytest.raises(Invalid) as alone:
        write(database, somebody, together=False, alone="walk")
    assert set(alone.value.fields) == {"together"}
    with database.work() as db:
        assert plan.newest(db, VAULT, somebody) is None
    with pytest.raises(NotFound):
        write(database, uuid7(), alone="walk")


@pytest.mark.parametrize("change", [sa.update(SafetyPlan).values(version=7), sa.delete(SafetyPlan)])
def test_no_role_may_change_what_was_written(postgres_urls, clinic_on_postgres, change):
    database, person = clinic_on_postgres
    write(database, person, alone="walk")
    with pytest.raises(DBAPIError, match="permission denied"), database.work() as db:
        db.execute(change)


@pytest.fixture
def clinic_on_postgres(postgres_urls, clock):
    database = database_at(postgres_urls, clock)
    clinic, person = Clinic.with_rota(database, clock), uuid7()
    with database.work() as db:
        db.add(Participant(id=person, clinic_id=clinic.id, zone="America/New_York"))
    yield database, person
    database.close()


def test_the_database_holds_no_word_of_it_and_erasing_somebody_takes_it_along(
    database, clinic, somebody
):
    """Planted fault: a plan in the clear."""
    write(database, somebody, distraction=CANARY)
    with database.work() as db:
        sealed = bytes(db.scalars(sa.select(SafetyPlan.sealed)).one())
        assert CANARY.encode() not in sealed
        VAULT.erase(db, somebody)
    with database.work() as db:
        assert plan.newest(db, VAULT, somebody) is None


def test_a_sealed_plan_cannot_be_moved_to_another_version(database, clinic, somebody):
    write(database, somebody, alone="walk")
    with database.work() as db:
        one = db.scalars(sa.select(SafetyPlan)).one()
        about = {"clinic_id": one.clinic_id, "what": plan.WHAT}
        with pytest.raises(InvalidTag):
            VAULT.unseal(db, somebody, one.sealed, version=2, **about)


def test_the_steps_are_of_our_own_wording_with_their_source():
    """The words of the form that needs permission do not occur."""
    assert len(STEPS) == len({step.title for step in STEPS}) == 7
    said = " ".join(word for step in STEPS for word in (step.title, step.asks)).lower()
    for theirs in ("warning signs", "internal coping", "social settings", "making the environment"):
        assert theirs not in said
    assert re.search(r"PMC\d+", str(wording.__doc__))
    assert "Apache-2.0" in str(wording.__doc__)
