"""As whose messages appear: discreet by default, and whatever a clinic says is held to that."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from chassis.clock import SimulatedClock
from chassis.refusals import Invalid
from notifications import brands
from notifications.letters import write
from notifications.messages import claim_due
from services.notifications.tests.builders import CLINIC, SENDER, Person, queue, reachable

PATH = "/notifications/brand"
GIVES_AWAY = [
    ("sender_name", "Lakeside Recovery", "recover"),
    ("sender_name", "Casa de Terapia", "terap"),
    ("sender_name", "Lantern IOP", "iop"),
    ("calendar_title", "Depression group", "depress"),
    ("calendar_title", "Sesión de la mañana", "sesion"),
    ("calendar_title", "Evening programme", "program"),
]


def brand(database, **said) -> None:
    with database.work() as db:
        said = {"sender_name": None, "calendar_title": None, **said}
        brands.say(db, CLINIC, **said, by="clinic_admin:1", at=db.now)


def letter_to(database, vault, person, template="seat_offered"):
    queue(database, person, template)
    with database.work() as db:
        claims = claim_due(db, 1)
        letter = write(db, vault, claims[0])
    assert letter is not None
    return letter.outgoing


@pytest.fixture
def person(database, vault) -> Person:
    one = Person()
    reachable(database, vault, one)
    return one


def test_a_clinic_that_said_nothing_has_no_name_in_anybodys_box(database, vault, person):
    letter = letter_to(database, vault, person)
    assert (letter.sender_name, letter.subject) == ("", "Your appointment")


def test_the_brand_that_was_said_last_counts(database, clock, vault, person):
    brand(database, sender_name="Lantern House", calendar_title="Breakfast club")
    clock.advance_to(clock.now() + timedelta(minutes=1))
    brand(database, sender_name="Lantern", calendar_title="Morning meeting")
    letter = letter_to(database, vault, person)
    assert (letter.sender_name, letter.subject) == ("Lantern", "Morning meeting")


def test_another_clinics_brand_is_not_ours(database, vault, person):
    with database.work() as db:
        theirs = {"sender_name": "Theirs", "calendar_title": None}
        brands.say(db, uuid4(), **theirs, by="clinic_admin:2", at=db.now)
    assert letter_to(database, vault, person).sender_name == ""


@pytest.mark.parametrize(("field", "words", "term"), GIVES_AWAY)
def test_a_brand_that_gives_it_away_is_refused_by_field_and_not_kept(database, field, words, term):
    with pytest.raises(Invalid) as refused:
        brand(database, **{field: words})
    assert list(refused.value.fields) == [field]
    assert term in refused.value.fields[field][0]
    with database.work() as db:
        assert brands.brand_of(db, CLINIC) is None


@pytest.fixture
def house(house_of, mail):
    settings = {"EVENKEEL_SMTP_URL": mail.smtp_url(), "EVENKEEL_SENDER": SENDER}
    clock = SimulatedClock(datetime(2026, 11, 24, 15, 0, tzinfo=UTC))
    return house_of("notifications", clock=clock, settings=settings)


def test_a_clinics_administrator_says_its_brand(house):
    def say(body, **who):
        who = {"role": "clinic_admin", "clinics": [CLINIC], **who}
        return house.call("PUT", PATH, json={"clinic_id": str(CLINIC), **body}, **who)

    said = say({"sender_name": "Lantern House"})
    assert (said.status_code, said.json()) == (
        200,
        {"clinic_id": str(CLINIC), "sender_name": "Lantern House", "calendar_title": None},
    )
    for field, words, term in GIVES_AWAY:
        refused = say({field: words})
        assert refused.status_code == 422
        assert [(one["field"], term in str(one)) for one in refused.json()["fields"]] == [
            (field, True)
        ]
    assert say({"sender_name": "A\nB"}).status_code == 422
    assert say({}, clinics=[uuid4()]).status_code == 403
    assert say({}, role="clinician").status_code == 403
    with house.runtime("notifications").database.work() as db:
        kept = brands.brand_of(db, CLINIC)
    assert kept is not None
    assert kept.sender_name == "Lantern House"
