from datetime import time, timedelta

import pytest
import sqlalchemy as sa

from chassis.refusals import NotFound
from chassis.tables import details
from notifications.recipients import Recipient, find_recipient
from notifications.rules import QUIET_TO
from services.notifications.tests.builders import Person, hear


def recipient(database, person) -> Recipient:
    with database.work() as db:
        return db.get_one(Recipient, person.id)


def test_the_zone_of_newer_details_wins_whatever_order_they_come_in(database):
    person = Person()
    hear(
        database,
        person.changes_details(version=3, zone="America/Denver"),
        person.changes_details(version=2, zone="America/Chicago"),
        person.is_admitted(),
    )
    assert recipient(database, person).zone == "America/Denver"
    assert recipient(database, person).details_version == 3


def test_the_zone_at_admission_serves_until_details_come(database):
    person = Person()
    hear(database, person.is_admitted())
    assert recipient(database, person).zone == person.zone
    hear(database, person.changes_details(zone="America/Boise"))
    assert recipient(database, person).zone == "America/Boise"


def test_the_newest_details_are_wanted_from_intake(database):
    person = Person()
    hear(database, person.changes_details(version=4), person.changes_details(version=2))
    with database.work() as db:
        wanted = db.execute(sa.select(details).where(details.c.person_id == person.id)).one()
    assert (wanted.owner, wanted.wanted_version, wanted.version) == ("intake", 4, 0)


def test_wishes_name_who_took_them_and_when(database):
    person = Person()
    hear(database, person.is_admitted())
    with database.work() as db:
        one = find_recipient(db, person.id)
        one.prefer({"quiet_from": time(22, 0)}, by="clinician:7", at=db.now)
    kept = recipient(database, person)
    assert (kept.quiet_from, kept.quiet_to) == (time(22, 0), QUIET_TO)
    assert kept.preferred_by == "clinician:7"
    assert kept.preferred_at is not None
    assert kept.preferred_at - database.clock.now() < timedelta(seconds=1)


def test_somebody_unknown_is_not_there(database):
    with database.work() as db, pytest.raises(NotFound):
        find_recipient(db, Person().id)
