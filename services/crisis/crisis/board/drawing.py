"""The picture of a case: who was called when, who has it, and what is due. Pure geometry: places
are percentages of its width, so that it fits every screen without being distorted."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

LEFT, WIDTH = 3.0, 94.0


@dataclass(frozen=True)
class Mark:
    """Something that happened to somebody: `called` at a rung, or `has_it`."""

    who: str
    at: datetime
    kind: str
    label: str
    says: str


@dataclass(frozen=True)
class Placed:
    """A mark and where it is drawn."""

    mark: Mark
    x: str


@dataclass(frozen=True)
class Lane:
    """One person's marks in their order."""

    who: str
    marks: list[Placed]


@dataclass(frozen=True)
class Picture:
    """Lanes side by side, from when it began to what is due; what is over has no `due_x`."""

    begins_at: datetime
    ends_at: datetime
    lanes: list[Lane]
    now_x: str | None
    due_x: str | None


def picture(
    marks: Iterable[Mark], *, begins_at: datetime, now: datetime, due_at: datetime | None
) -> Picture:
    """A lane for each who was called or had the case, the first called on top.

    Without a deadline to be drawn it ends with the last mark, since "now" may be days later.
    """
    listed = sorted(marks, key=lambda mark: mark.at)
    begins_at = min([begins_at, *(mark.at for mark in listed)])
    ends_at = max(now, due_at) if due_at else max([begins_at, *(mark.at for mark in listed)])

    def x(at: datetime) -> str:
        share = (at - begins_at) / (ends_at - begins_at) if ends_at > begins_at else 0.0
        return f"{LEFT + WIDTH * share:.2f}%"

    lanes = [
        Lane(who, [Placed(mark, x(mark.at)) for mark in listed if mark.who == who])
        for who in dict.fromkeys(mark.who for mark in listed)
    ]
    drawn = due_at is not None
    due_x = x(due_at) if due_at else None
    return Picture(begins_at, ends_at, lanes, x(now) if drawn else None, due_x)
