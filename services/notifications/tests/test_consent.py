"""What somebody agreed to is a reading of what was said, and what was said is never changed."""

from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from notifications import consent, wording
from notifications.consent import GIVEN, RESTORED, WITHDRAWN, Entry, ledger, standings
from notifications.purposes import DAYS, HOMEWORK, KEYS, OF_TEMPLATE, PURPOSES
from notifications.templates import TEMPLATES
from services.notifications.tests.builders import CLINIC, Person, hear

EMAILS = [(purpose, "email") for purpose in PURPOSES]
TEXTS = [(purpose, "sms") for purpose in PURPOSES]
DIGESTS = {
    (DAYS, "sms"): "db37af259f5656671426af4c3d023d647747b8fae956382ba0a41a50ec9c19ed",
    (DAYS, "email"): "37b5070c9a66e667f2af704684afca206ae0f8da2739fac233b348664ee343b7",
    (HOMEWORK, "sms"): "71454462237bc4b4ab563965fbd0aa5c38883c8b04225811b2ed8507bb308a52",
    (HOMEWORK, "email"): "9228d48ce34b95fc33f66f80f8103ce6ed6b497cbd35116dbe2c2fbef49736a5",
}


def allowed(database, person) -> list[tuple[str, str]]:
    with database.work() as db:
        return [key for key, one in standings(db, person.id).items() if one.allowed]


def reasons(database, person) -> dict[tuple[str, str], str | None]:
    with database.work() as db:
        return {key: one.reason for key, one in standings(db, person.id).items()}


def says(database, person, said: str, *keys: tuple[str, str]) -> bool:
    with database.work() as db:
        words = dict.fromkeys(keys, said)
        return consent.say(
            db, CLINIC, person.id, words, said_in="page", by=f"participant:{person.id}", at=db.now
        )


def test_nobody_may_be_written_to_before_they_consented(database):
    person = Person()
    hear(database, person.is_admitted())
    assert allowed(database, person) == []
    hear(database, person.consents("email"))
    assert allowed(database, person) == EMAILS


def test_consent_to_treatment_alone_is_no_consent_to_messages(database):
    person = Person()
    hear(database, person.consents())
    assert allowed(database, person) == []
    assert set(reasons(database, person).values()) == {"no_consent"}


@pytest.mark.parametrize("key", KEYS)
def test_consent_to_one_purpose_by_one_channel_is_consent_to_nothing_else(database, key):
    """Planted fault: a reading by channel alone lets every other purpose through."""
    person = Person()
    hear(database, person.consents(".".join(key)))
    assert allowed(database, person) == [key]


def test_a_later_form_without_email_takes_it_back(database):
    person = Person()
    hear(database, person.consents("email"), person.consents())
    assert allowed(database, person) == []


def test_consent_ends_with_the_episode_for_which_it_was_given(database):
    person = Person()
    hear(database, person.consents("email"), person.is_discharged())
    assert set(reasons(database, person).values()) == {"no_consent"}


def test_the_end_of_one_episode_does_not_end_the_consent_of_another(database):
    """The second episode's consent comes before the first one's discharge: either order holds."""
    person = Person()
    hear(database, person.consents("email"))
    first, person.episode_id = person.is_discharged(), Person().episode_id
    hear(database, person.consents("email"), first)
    assert allowed(database, person) == EMAILS


def test_what_somebody_refused_themselves_holds_over_every_later_form(database):
    """Planted fault: taking the last entry, whoever said it, lets a new form undo a STOP."""
    person = Person()
    hear(database, person.consents("email", "days.sms"))
    assert says(database, person, WITHDRAWN, *TEXTS)
    person.episode_id = uuid4()
    hear(database, person.consents("email", "days.sms", "homework.sms"))
    assert allowed(database, person) == EMAILS
    assert reasons(database, person)[DAYS, "sms"] == "opted_out"


def test_what_was_taken_back_stands_as_before_and_nothing_else_begins(database):
    person = Person()
    hear(database, person.consents("days.sms"))
    says(database, person, WITHDRAWN, *TEXTS)
    says(database, person, RESTORED, *TEXTS)
    assert allowed(database, person) == [(DAYS, "sms")]


def test_what_was_agreed_to_here_ends_with_care_and_with_a_form_that_says_no(database):
    person = Person()
    hear(database, person.consents())
    says(database, person, GIVEN, (HOMEWORK, "sms"))
    assert allowed(database, person) == [(HOMEWORK, "sms")]
    hear(database, person.consents("email"))
    assert allowed(database, person) == EMAILS
    says(database, person, GIVEN, (HOMEWORK, "sms"))
    hear(database, person.is_discharged())
    assert allowed(database, person) == []


def test_somebody_who_is_not_in_care_cannot_agree_to_anything_that_counts(database):
    person = Person()
    hear(database, person.is_admitted())
    says(database, person, GIVEN, *KEYS)
    assert allowed(database, person) == []


def test_saying_the_same_again_leaves_no_second_entry(database):
    person = Person()
    hear(database, person.consents("email"))
    assert says(database, person, WITHDRAWN, *EMAILS)
    assert not says(database, person, WITHDRAWN, *EMAILS)
    assert not says(database, person, RESTORED, *TEXTS)
    assert says(database, person, GIVEN, *EMAILS)
    with database.work() as db:
        own = [one.said for one in ledger(db, person.id) if one.episode_id is None]
    assert own == [WITHDRAWN, WITHDRAWN, GIVEN, GIVEN]


def test_the_words_that_were_read_are_kept_with_their_digest(database):
    person = Person()
    hear(database, person.consents("days.email"))
    says(database, person, GIVEN, (DAYS, "sms"))
    with database.work() as db:
        *forms, page = ledger(db, person.id)
    assert page.wording == wording.WORDINGS[wording.CURRENT][DAYS, "sms"]
    assert (page.version, page.wording_digest) == (wording.CURRENT, wording.digest(page.wording))
    assert (page.by, page.at) == (f"participant:{person.id}", database.clock.now())
    assert {(one.version, one.wording) for one in forms} == {("2026-01", None)}
    assert all(one.by.startswith("event:") for one in forms)


def test_the_wording_of_a_version_never_changes():
    """Planted fault: one changed letter. What is worded otherwise needs a version of its own."""
    found = {key: wording.digest(words) for key, words in wording.WORDINGS["page-2026-11"].items()}
    assert found == DIGESTS
    changed = wording.WORDINGS["page-2026-11"][HOMEWORK, "sms"].replace("three", "five")
    assert wording.digest(changed) != DIGESTS[HOMEWORK, "sms"]


def test_every_purpose_and_channel_is_asked_for_in_words():
    assert set(wording.WORDINGS[wording.CURRENT]) == set(KEYS)


@pytest.mark.parametrize("change", [sa.update(Entry).values(said=GIVEN), sa.delete(Entry)])
def test_the_database_lets_nobody_change_what_was_said(database, change):
    person = Person()
    hear(database, person.consents())
    with pytest.raises(DBAPIError, match="append-only"), database.work() as db:
        db.execute(change)
    assert allowed(database, person) == []


def test_every_template_has_a_purpose():
    assert set(TEMPLATES) <= set(OF_TEMPLATE)
    assert set(OF_TEMPLATE.values()) == set(PURPOSES)
