"""The words of messages, discreet by construction: a template that says too much cannot exist.

A text may hold the fields `{day}` and `{time}`, in the recipient's own zone, and nothing else.
"""

import string
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from notifications.discretion import said_too_much

FIELDS = frozenset({"day", "time"})


class Indiscreet(ValueError):
    """A template holds a banned term or a field that is not on the list. `terms` names them."""

    def __init__(self, code: str, terms: list[str]) -> None:
        super().__init__(f"{code}: {', '.join(terms)}")
        self.terms = terms


@dataclass(frozen=True, kw_only=True)
class Template:
    """One kind of message: its words, how far ahead it goes, and what lets it pass quiet hours.

    Raises Indiscreet.
    """

    code: str
    subject: str
    text: str
    lead: timedelta = timedelta()
    passes_quiet_hours_within: timedelta | None = None

    def __post_init__(self) -> None:
        words = f"{self.subject}\n{self.text}"
        named = {name for _, name, _, _ in string.Formatter().parse(words) if name is not None}
        if wrong := [*said_too_much(words), *sorted(named - FIELDS)]:
            raise Indiscreet(self.code, wrong)

    @property
    def lead_minutes(self) -> int:
        return self.lead // timedelta(minutes=1)

    def words(self, about_at: datetime, zone: str) -> tuple[str, str]:
        """Subject and text for somebody whose clocks show the time of this zone."""
        local = about_at.astimezone(ZoneInfo(zone))
        fields = {"day": _day(local), "time": _time(local)}
        return self.subject.format(**fields), self.text.format(**fields)


SEAT_OFFERED = Template(
    code="seat_offered",
    subject="Your appointment",
    text="You have an appointment on {day} at {time}.",
)

DAY_BEGINS = Template(
    code="day_begins",
    subject="Reminder",
    text="You have an appointment at {time}.",
    lead=timedelta(minutes=60),
    passes_quiet_hours_within=timedelta(minutes=90),
)

HOMEWORK_DUE = Template(
    code="homework_due",
    subject="Reminder",
    text="You have something to finish by {time}.",
    lead=timedelta(minutes=120),
)

TEMPLATES = {one.code: one for one in (SEAT_OFFERED, DAY_BEGINS, HOMEWORK_DUE)}


def _day(local: datetime) -> str:
    return f"{local:%A, %B} {local.day}"


def _time(local: datetime) -> str:
    return f"{local.hour % 12 or 12}:{local:%M} {'AM' if local.hour < 12 else 'PM'}"
