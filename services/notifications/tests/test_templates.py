from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from uuid import UUID

import pytest

from channels.carrier_url import email
from channels.outgoing import Outgoing
from channels.smtp import MailServer
from notifications.discretion import said_too_much
from notifications.languages import LANGUAGES, entries
from notifications.settings import Settings
from notifications.templates import DAY_BEGINS, SEAT_OFFERED, TEMPLATES, Indiscreet
from services.notifications.tests.builders import SENDER

INSTANTS = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=11 * n, hours=n) for n in range(34)]
"""Every month, every day of the week, every hour."""

ZONES = ("America/New_York", "America/Phoenix", "Asia/Kolkata")


def as_sent(template, about_at, zone, language) -> str:
    """Everything of a message that a stranger may see, its random Message-ID left out."""
    subject, text = template.words(about_at, zone, language)
    (at,) = email("smtp://127.0.0.1")
    letter = Outgoing(to="a@post.example", subject=subject, text=text, dated=about_at)
    sent = MailServer(at, SENDER)._letter(letter, str(UUID(int=0)))
    return f"{sent.as_string()}\n{sent.get_content()}"


def faults(templates) -> list[str]:
    """The scan of F32: every template as it is sent, at many instants, in every language."""
    return [
        term
        for template, about_at, zone, language in product(templates, INSTANTS, ZONES, LANGUAGES)
        for term in said_too_much(as_sent(template, about_at, zone, language))
    ]


def test_no_template_says_more_than_a_stranger_may_read():
    assert faults(TEMPLATES.values()) == []


def test_the_scan_finds_a_template_that_says_too_much():
    """The planted fault: a template that got past its own check."""
    planted = replace(DAY_BEGINS)
    object.__setattr__(planted, "text", "Your Therapist's group begins at {time}.")
    assert set(faults([*TEMPLATES.values(), planted])) == {"therap", "group"}


@pytest.mark.parametrize(
    ("changed", "terms"),
    [
        ({"subject": "Your clinic"}, ["clinic"]),
        ({"text": "Group starts at {time}."}, ["group"]),
        ({"text": "{given_name}, you have an appointment at {time}."}, ["given_name"]),
        ({"text": "You have an appointment at {0}."}, ["0"]),
    ],
)
def test_a_template_that_says_too_much_or_names_a_person_cannot_exist(changed, terms):
    with pytest.raises(Indiscreet) as refused:
        replace(DAY_BEGINS, **changed)
    assert refused.value.terms == terms


@pytest.mark.parametrize("sender", ["hello@therapy.example", "not an address", "a@b@c", ""])
def test_a_sender_that_gives_it_away_or_is_no_address_is_refused_at_start(sender):
    parse = Settings.__dataclass_fields__["sender"].metadata["parse"]
    with pytest.raises(ValueError, match=r"says too much|plain e-mail address"):
        parse(sender)
    assert parse(SENDER) == SENDER


def test_midnight_and_noon_read_as_people_say_them():
    for hour, said in ((0, "12:05 AM"), (9, "9:05 AM"), (12, "12:05 PM"), (23, "11:05 PM")):
        at = datetime(2026, 11, 24, hour, 5, tzinfo=UTC)
        assert DAY_BEGINS.words(at, "UTC")[1] == f"You have an appointment at {said}."


def test_a_translation_that_says_too_much_cannot_exist_either(monkeypatch):
    text = DAY_BEGINS.text
    monkeypatch.setitem(entries("es"), text, "Su sesión de terapia empieza: {time}.")
    with pytest.raises(Indiscreet) as refused:
        replace(DAY_BEGINS)
    assert refused.value.terms == ["sesion", "terap"]


def test_spanish_is_said_as_people_write_it():
    at = datetime(2026, 12, 1, 14, 0, tzinfo=UTC)
    assert SEAT_OFFERED.words(at, "America/New_York", "es") == (
        "Su cita", "Tiene una cita el martes 1 de diciembre, hora: 9:00 a. m.",
    )  # fmt: skip


def test_a_clinic_names_its_appointments_and_nothing_else_changes():
    at = datetime(2026, 12, 1, 14, 0, tzinfo=UTC)
    ours = SEAT_OFFERED.words(at, "America/New_York")
    assert SEAT_OFFERED.words(at, "America/New_York", title="Morning {day}") == (
        "Morning {day}", ours[1],
    )  # fmt: skip
