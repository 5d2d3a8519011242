"""The words of messages, discreet by construction: a template that says too much cannot exist.

A text may hold the fields `{day}`, `{time}` and `{times}`, in the recipient's own zone, and nothing
else. It is written in English, and `locale/` has it in the other languages.
"""

import string
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from notifications.discretion import said_too_much
from notifications.languages import ENGLISH, LANGUAGES, said
from notifications.rules import midnight_before

FIELDS = frozenset({"day", "time", "times"})

TITLE, REMINDER = "Your appointment", "Reminder"
CANNOT_COME = "Can't come? Say so here:"


class Indiscreet(ValueError):
    """A template holds a banned term or a field that is not on the list. `terms` names them."""

    def __init__(self, code: str, terms: list[str]) -> None:
        super().__init__(f"{code}: {', '.join(terms)}")
        self.terms = terms


@dataclass(frozen=True, kw_only=True)
class Template:
    """One kind of message: its words, and when it goes.

    lead                        how far ahead of what it is about; nought for at once
    lapses                      how far ahead it is of no use any more: a nearer one says it better
    on_the_eve                  goes in the evening before, by the recipient's clock
    lets_decline                carries a link by which one says that one cannot come
    passes_quiet_hours_within   so near it goes in quiet hours too

    Raises Indiscreet, whichever language says too much.
    """

    code: str
    subject: str
    text: str
    lead: timedelta = timedelta()
    lapses: timedelta = timedelta()
    on_the_eve: bool = False
    lets_decline: bool = False
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

    def useful_until(self, about_at: datetime, zone: str) -> datetime:
        """From when on it is not sent any more."""
        return midnight_before(about_at, zone) if self.on_the_eve else about_at - self.lapses

    def words(
        self,
        about_at: datetime,
        zone: str,
        language: str = ENGLISH,
        title: str | None = None,
        also_at: Sequence[datetime] = (),
    ) -> tuple[str, str]:
        """Subject and text for somebody whose clocks show the time of this zone.

        `title` is what the clinic calls an appointment, if it has a word of its own; `also_at` are
        further ones of the same day.
        """
        local, *others = (at.astimezone(ZoneInfo(zone)) for at in (about_at, *also_at))
        times = [time_in(one, language) for one in (local, *others)]
        fields = {"day": day_in(local, language), "time": times[0], "times": ", ".join(times)}
        subject = title if title and self.subject == TITLE else said(self.subject, language)
        return subject, said(self.text, language).format(**fields)


SEAT_OFFERED = Template(
    code="seat_offered",
    subject=TITLE,
    text="You have an appointment on {day} at {time}.",
)

TOMORROW = Template(
    code="tomorrow",
    subject=TITLE,
    text="Tomorrow, {day}: {times}.",
    lead=timedelta(hours=31),
    on_the_eve=True,
    lets_decline=True,
)
"""Looked at 31 h ahead, when six in the evening before may be: a day has 25 hours at most."""

DAY_BEFORE = Template(
    code="day_before",
    subject=TITLE,
    text="You have an appointment on {day} at {time}.",
    lead=timedelta(hours=24),
    lapses=timedelta(minutes=60),
    lets_decline=True,
)

DAY_BEGINS = Template(
    code="day_begins",
    subject=REMINDER,
    text="You have an appointment at {time}.",
    lead=timedelta(minutes=60),
    lapses=timedelta(minutes=10),
    lets_decline=True,
)

DAY_IS_NEAR = Template(
    code="day_is_near",
    subject=REMINDER,
    text="Your appointment begins at {time}.",
    lead=timedelta(minutes=10),
    lets_decline=True,
    passes_quiet_hours_within=timedelta(minutes=10),
)

REMINDERS = (TOMORROW, DAY_BEFORE, DAY_BEGINS, DAY_IS_NEAR)
"""What everybody with a seat gets of each of its days."""

MISSED_YOU = Template(
    code="missed_you",
    subject=REMINDER,
    text="We expected you at {time}. You can still join.",
    lead=timedelta(minutes=-5),
    lapses=timedelta(minutes=-30),
)
"""Five minutes after the beginning; half an hour after it, staff have called."""

HOMEWORK_DUE = Template(
    code="homework_due",
    subject=REMINDER,
    text="You have something to finish by {time}.",
    lead=timedelta(minutes=120),
)

TEMPLATES = {one.code: one for one in (SEAT_OFFERED, *REMINDERS, MISSED_YOU, HOMEWORK_DUE)}


def with_way_out(text: str, link: str, language: str) -> str:
    """A text with the link by which one says that one cannot come."""
    return f"{text}\n\n{said(CANNOT_COME, language)} {link}"


def day_in(local: datetime, language: str) -> str:
    """A date as people say it: Tuesday, December 1."""
    names = {"weekday": said(f"{local:%A}", language), "month": said(f"{local:%B}", language)}
    return said("{weekday}, {month} {number}", language).format(**names, number=local.day)


def time_in(local: datetime, language: str) -> str:
    """A time of day as people say it: 9:05 AM."""
    half = said("AM" if local.hour < 12 else "PM", language)
    return f"{local.hour % 12 or 12}:{local:%M} {half}"
