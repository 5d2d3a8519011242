from datetime import timedelta

import pytest
import sqlalchemy as sa

from chassis.refusals import NotFound
from chassis.tables import details
from notifications.recipients import Recipient, find_recipient, live_consent
from services.notifications.tests.builders import Person, hear


def recipient(database, person) -> Recipient:
    with database.work() as db:
        return db.get_one(Recipient, person.id)


def consents(database, person) -> bool:
    with database.work() as db:
        return live_consent(db, person.id) is not None


def test_nobody_may_be_written_to_before_they_consented(database):
    person = Person()
    hear(database, person.is_admitted())
    assert not consents(database, person)
    hear(database, person.consents("email"))
    assert consents(database, person)


def test_consent_to_treatment_alone_is_no_consent_to_email(database):
    person = Person()
    hear(database, person.consents())
    assert not consents(database, person)


def test_a_later_consent_without_email_takes_it_back(database):
    person = Person()
    hear(database, person.consents("email"), person.consents())
    assert not consents(database, person)


def test_consent_ends_with_the_episode_for_which_it_was_given(database):
    person = Person()
    hear(database, person.consents("email"), person.is_discharged())
    assert not consents(database, person)


def test_the_end_of_one_episode_does_not_end_the_consent_of_another(database):
    """The second episode's consent comes before the first one's discharge: either order holds."""
    person = Person()
    hear(database, person.consents("email"))
    first, person.episode_id = person.is_discharged(), Person().episode_id
    hear(database, person.consents("email"), first)
    assert consents(database, person)


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
        later = one.quiet_from.replace(hour=22)
        one.prefer(
            email=False, quiet_from=later, quiet_to=one.quiet_to, by="clinician:7", at=db.now
        )
    kept = recipient(database, person)
    assert (kept.email, kept.quiet_from.hour, kept.preferred_by) == (False, 22, "clinician:7")
    assert kept.preferred_at is not None
    assert kept.preferred_at - database.clock.now() < timedelta(seconds=1)


def test_somebody_unknown_is_not_there(database):
    with database.work() as db, pytest.raises(NotFound):
        find_recipient(db, Person().id)
