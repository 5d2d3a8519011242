"""The words of messages, discreet by construction: a template that says too much cannot exist.

A text may hold the fields `{day}` and `{time}`, in the recipient's own zone, and nothing else. It
is written in English, and `locale/` has it in the other languages.
"""

import string
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from notifications.discretion import said_too_much
from notifications.languages import ENGLISH, LANGUAGES, said

FIELDS = frozenset({"day", "time"})

APPOINTMENT, REMINDER = "Your appointment", "Reminder"


class Indiscreet(ValueError):
    """A template holds a banned term or a field that is not on the list. `terms` names them."""

    def __init__(self, code: str, terms: list[str]) -> None:
        super().__init__(f"{code}: {', '.join(terms)}")
        self.terms = terms


@dataclass(frozen=True, kw_only=True)
class Template:
    """One kind of message: its words, how far ahead it goes, and what lets it pass quiet hours.

    Raises Indiscreet, whichever language says too much.
    """

    code: str
    subject: str
    text: str
    lead: timedelta = timedelta()
    passes_quiet_hours_within: timedelta | None = None

    def __post_init__(self) -> None:
        for language in LANGUAGES:
            words = f"{said(self.subject, language)}\n{said(self.text, language)}"
            named = {name for _, name, _, _ in string.Formatter().parse(words) if name is not None}
            if wrong := [*said_too_much(words), *sorted(named - FIELDS)]:
                raise Indiscreet(self.code, wrong)

    @property
    def lead_minutes(self) -> int:
        return self.lead // timedelta(minutes=1)

    def words(
        self, about_at: datetime, zone: str, language: str = ENGLISH, title: str | None = None
    ) -> tuple[str, str]:
        """Subject and text for somebody whose clocks show the time of this zone.

        `title` is what the clinic calls an appointment, if it has a word of its own.
        """
        local = about_at.astimezone(ZoneInfo(zone))
        fields = {"day": day_in(local, language), "time": time_in(local, language)}
        subject = title if title and self.subject == APPOINTMENT else said(self.subject, language)
        return subject, said(self.text, language).format(**fields)


SEAT_OFFERED = Template(
    code="seat_offered",
    subject=APPOINTMENT,
    text="You have an appointment on {day} at {time}.",
)

DAY_BEGINS = Template(
    code="day_begins",
    subject=REMINDER,
    text="You have an appointment at {time}.",
    lead=timedelta(minutes=60),
    passes_quiet_hours_within=timedelta(minutes=90),
)

HOMEWORK_DUE = Template(
    code="homework_due",
    subject=REMINDER,
    text="You have something to finish by {time}.",
    lead=timedelta(minutes=120),
)

TEMPLATES = {one.code: one for one in (SEAT_OFFERED, DAY_BEGINS, HOMEWORK_DUE)}


def day_in(local: datetime, language: str) -> str:
    """A date as people say it: Tuesday, December 1."""
    names = {"weekday": said(f"{local:%A}", language), "month": said(f"{local:%B}", language)}
    return said("{weekday}, {month} {number}", language).format(**names, number=local.day)


def time_in(local: datetime, language: str) -> str:
    """A time of day as people say it: 9:05 AM."""
    half = said("AM" if local.hour < 12 else "PM", language)
    return f"{local.hour % 12 or 12}:{local:%M} {half}"
