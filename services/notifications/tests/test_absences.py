"""Can't come: one tap from a reminder to a free seat, and nothing that happens by looking."""

import base64
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from catalogue.notifications import AbsenceAnnounced
from chassis.clock import SimulatedClock
from chassis.refusals import NotFound
from chassis.settings import WrongSettings
from notifications import absences
from notifications.discretion import said_too_much
from notifications.links import Links
from notifications.messages import Message
from notifications.settings import Settings
from services.notifications.tests.builders import (
    CLINIC,
    SENDER,
    STARTS_AT,
    Person,
    cancellation,
    day,
    keep_address,
    messages,
)
from services.notifications.tests.test_arrivals import opened

HOUR = timedelta(hours=1)
ORIGIN = "https://lantern.example"


@pytest.fixture
def house(house_of, mail):
    settings = {
        "EVENKEEL_SMTP_URL": mail.smtp_url(), "EVENKEEL_SENDER": SENDER, "EVENKEEL_ORIGIN": ORIGIN,
    }  # fmt: skip
    clock = SimulatedClock(datetime(2026, 11, 24, 15, 0, tzinfo=UTC))
    return house_of("notifications", clock=clock, settings=settings)


class Reminded:
    """Somebody with a seat on two days, who has the reminder of the first."""

    def __init__(self, house, mail, **person) -> None:
        self.house, self.mail, self.person = house, mail, Person(**person)
        self.first = day(self.person.cohort_id)
        self.second = day(self.person.cohort_id, STARTS_AT + timedelta(days=1))
        one = self.person
        for event in (one.consents("email"), one.is_admitted(), one.changes_details()):
            house.hear("notifications", event, source="intake")
        runtime = house.runtime("notifications")
        keep_address(runtime.database, runtime.vault, one)
        for event in (self.first, self.second, one.is_seated()):
            house.hear("notifications", event, source="scheduling")
        house.advance(STARTS_AT - 23 * HOUR)

    @property
    def link(self) -> str:
        """The link of the newest mail."""
        return re.findall(r"https://\S+", self.mail.accepted()[-1]["text"])[0]

    def ask(self, method: str, link: str | None = None) -> httpx.Response:
        """As a browser that nobody has signed in with."""
        url = self.house.address + urlsplit(link or self.link).path
        pressed = {"data": {"once": str(uuid4())}} if method == "POST" else {}
        return httpx.request(method, url, follow_redirects=True, **pressed)

    @property
    def said(self) -> list[AbsenceAnnounced]:
        told = self.house.announced("notifications")
        return [one for one in told if isinstance(one, AbsenceAnnounced)]

    def about(self, one) -> dict[str, tuple[str, str | None]]:
        database = self.house.runtime("notifications").database
        of_day = [m for m in messages(database, self.person) if m.about_id == one.occurrence_id]
        return {m.template: (m.state, m.reason) for m in of_day}


@pytest.fixture
def reminded(house, mail) -> Reminded:
    return Reminded(house, mail)


def test_every_reminder_of_a_day_carries_a_link_of_its_own_and_nothing_else_does(reminded):
    reminded.house.advance(STARTS_AT)
    links = [re.findall(r"https://\S+", one["text"]) for one in reminded.mail.accepted()]
    assert links[0] == [], "the offer of a seat is no reminder"
    first_day = [link for found in links[1:5] for link in found]
    assert len(first_day) == len(set(first_day)) == 4
    assert all("Can't come? Say so here: https" in m["text"] for m in reminded.mail.accepted()[1:5])


def test_looking_at_the_link_changes_nothing_however_often_it_is_done(reminded):
    """Mail programs and scanners look at every link before the recipient does."""
    for method in ("GET", "HEAD", "GET"):
        assert reminded.ask(method).status_code in (200, 405)
    assert reminded.said == []
    assert reminded.about(reminded.first)["day_begins"] == ("queued", None)


def test_a_page_that_took_a_look_for_an_answer_would_be_caught(reminded, monkeypatch):
    looked = absences.asked_by

    def eager(db, message_id):
        asked = looked(db, message_id)
        absences.say_cannot_come(db, asked.day, asked.recipient.person_id, by="look", at=db.now)
        return asked

    monkeypatch.setattr(absences, "asked_by", eager)
    reminded.ask("GET")
    assert len(reminded.said) == 1


def test_the_button_frees_that_day_once_and_no_other(reminded):
    shown = reminded.ask("GET").text
    assert "I can&#39;t come that day" in shown
    assert "Tuesday, December 1, 9:00 AM" in shown
    link = reminded.link
    for _ in range(3):
        thanks = reminded.ask("POST", link)
        assert thanks.status_code == 200
        assert "Thank you, we know that you can&#39;t come" in thanks.text
        assert "<button>I can" not in thanks.text
    (told,) = reminded.said
    assert (told.participant_id, told.occurrence_id) == (
        reminded.person.id, reminded.first.occurrence_id,
    )  # fmt: skip
    assert reminded.about(reminded.first)["day_begins"] == ("skipped", "cannot_come")
    assert reminded.about(reminded.second)["day_begins"] == ("queued", None)


def test_who_said_so_is_not_missed_and_not_reminded_though_the_day_is_told_anew(reminded):
    house = reminded.house
    reminded.ask("POST")
    before = len(reminded.mail.accepted())
    house.hear("notifications", reminded.first, source="scheduling")
    house.advance(STARTS_AT - HOUR / 3)
    house.hear("notifications", opened(reminded.first, uuid4()), source="sessions")
    house.advance(STARTS_AT + HOUR)
    about_tomorrow = reminded.mail.accepted()[before:]
    assert all("9:00 AM" not in m["text"] or "December 2" in m["text"] for m in about_tomorrow)
    ended = reminded.about(reminded.first)
    assert {state for state, _ in ended.values()} == {"sent", "skipped"}
    assert ended["missed_you"] == ("skipped", "cannot_come")


def test_a_link_is_good_until_the_day_begins(reminded):
    link = reminded.link
    reminded.house.advance(STARTS_AT)
    assert "It has begun already" in reminded.ask("POST", link).text
    assert reminded.said == []


@pytest.mark.parametrize("how", ["cancelled", "released"])
def test_there_is_nothing_to_say_of_a_day_that_does_not_take_place(reminded, how):
    gone = cancellation(reminded.first) if how == "cancelled" else reminded.person.gives_seat_up()
    reminded.house.hear("notifications", gone, source="scheduling")
    assert "This appointment does not take place" in reminded.ask("POST").text
    assert reminded.said == []


def test_in_spanish_the_mail_and_the_page_are(house, mail):
    reminded = Reminded(house, mail, language="es")
    assert "¿No puede venir? Avise aquí: https" in mail.accepted()[-1]["text"]
    shown = reminded.ask("GET").text
    assert '<div lang="es">' in shown
    assert "Ese día no puedo venir" in shown
    assert "martes 1 de diciembre, 9:00 a. m." in shown
    assert "Gracias" in reminded.ask("POST").text


def test_the_page_names_nobody_and_gives_nothing_away(reminded):
    person = reminded.person
    for method in ("GET", "POST"):
        shown = reminded.ask(method).text
        main = shown[shown.index("<main") : shown.index("</main>")]
        title = re.findall("<title>(.*?)</title>", shown)[0]
        assert said_too_much(f"{title} {re.sub('<[^>]+>', ' ', main)}") == []
        for secret in (person.address, "Wilhelmina", str(person.id), str(CLINIC)):
            assert secret not in shown


def test_a_link_holds_the_message_and_a_code_and_nothing_of_anybody(reminded):
    token = reminded.link.rpartition("/")[2]
    read = base64.urlsafe_b64decode(f"{token}=")
    database = reminded.house.runtime("notifications").database
    with database.work() as db:
        ids = {one.message_id.bytes for one in db.query(Message)}
    assert read[:16] in ids
    assert len(read) == 32
    assert said_too_much(reminded.link) == []


def test_a_link_that_was_guessed_or_altered_is_not_there(reminded):
    good = reminded.link
    stem, _, token = good.rpartition("/")
    altered = ("A" if token[5] != "A" else "B") + token[6:]
    others = Links(ORIGIN, b"k" * 32).to_absence(uuid4()).rpartition("/")[2]
    for wrong in (token[:5] + altered, token[:-4], others, "x", "a" * 300, f"{token}AAAA"):
        for method in ("GET", "POST"):
            assert reminded.ask(method, f"{stem}/{wrong}").status_code == 404, wrong
    assert reminded.said == []


def test_a_code_of_other_length_or_letters_is_refused_and_so_is_a_link_of_something_else():
    links = Links(ORIGIN, b"k" * 32)
    message_id = uuid4()
    link = links.to_absence(message_id)
    assert links.message_id(link.rpartition("/")[2]) == message_id
    assert links.to_absence(message_id) == link
    assert Links(None, b"k" * 32).to_absence(message_id) is None
    for wrong in ("", "ä", "=", "/" * 43, link.rpartition("/")[2].swapcase()):
        with pytest.raises(NotFound):
            links.message_id(wrong)


@pytest.mark.parametrize(
    ("said", "told"),
    [({}, "is missing"), ({"EVENKEEL_ORIGIN": "https://therapy.example"}, "says too much")],
)
def test_production_needs_an_address_for_links_that_gives_nothing_away(said, told):
    with pytest.raises(WrongSettings) as wrong:
        Settings.read("notifications", said)
    assert [one for one in wrong.value.mistakes if f"EVENKEEL_ORIGIN {told}" in one]
