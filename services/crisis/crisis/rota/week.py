"""A week of a rota as a picture and in words. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby
from uuid import UUID
from zoneinfo import ZoneInfo

from crisis.rota.gaps import LEAST_ON_LAST_RUNG
from crisis.rota.shifts import A_DAY, Rota, instant_of

DAYS = 7
WIDTH, ROW, HEAD, MARGIN = 1000, 46, 26, 76
COLOURS = 8
LETTER = 9.4
"""Measures of the picture, in its own units; so wide is a letter of a name."""


@dataclass(frozen=True)
class Bar:
    """The same people on a rung for some time; nobody, or too few, is a gap."""

    starts_at: datetime
    ends_at: datetime
    names: tuple[str, ...]
    x: float
    y: float
    width: float
    colour: int
    is_gap: bool

    @property
    def label(self) -> str:
        """As much of the names as there is room for."""
        room = int((self.width - 8) / LETTER)
        whole = ", ".join(self.names) or "nobody"
        return whole if len(whole) <= room else whole[: max(0, room - 1)] + "…" if room > 3 else ""


@dataclass(frozen=True)
class Day:
    """A local day of the picture."""

    on: date
    x: float


@dataclass(frozen=True)
class Row:
    """A rung of the picture."""

    rung: int
    y: float
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Week:
    """Seven local days of a rota."""

    zone: str
    starts_at: datetime
    days: tuple[Day, ...]
    rows: tuple[Row, ...]
    now_x: float | None

    width, height_of_row, head = WIDTH, ROW, HEAD

    @property
    def height(self) -> float:
        """Of the whole picture."""
        return HEAD + ROW * len(self.rows)


def zone_of(rota: Rota) -> str:
    """The clock that a rota is written by: its first rotation's."""
    return next((one.zone for layer in rota.layers for one in layer), "UTC")


def week_of(rota: Rota, names: Mapping[UUID, str], zone: str, now: datetime) -> Week:
    """The seven local days that begin with today."""
    today = now.astimezone(ZoneInfo(zone)).date()
    edges = [instant_of(today + n * A_DAY, time(0), zone) for n in range(DAYS + 1)]
    start, end = edges[0], edges[-1]

    def x(at: datetime) -> float:
        return round(MARGIN + (WIDTH - MARGIN) * ((at - start) / (end - start)), 1)

    colours = {person: n % COLOURS for n, person in enumerate(sorted(rota.people))}
    rows = []
    for rung in range(1, len(rota.layers) + 1):
        least = LEAST_ON_LAST_RUNG if rung == len(rota.layers) else 1
        y = HEAD + ROW * (rung - 1)
        bars = tuple(
            Bar(
                from_, until, tuple(names.get(person, str(person)) for person in people),
                x(from_), y + 3, round(x(until) - x(from_), 1),
                colours[people[0]] if people else 0, len(people) < least,
            )
            for from_, until, people in _merged(rota, rung, start, end)
        )  # fmt: skip
        rows.append(Row(rung, y, bars))
    days = tuple(Day(today + timedelta(days=n), x(edges[n])) for n in range(DAYS))
    return Week(zone, start, days, tuple(rows), x(now))


def _merged(
    rota: Rota, rung: int, start: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime, tuple[UUID, ...]]]:
    """Stretches of the same people are one, wherever a shift begins anew."""
    for people, same in groupby(rota.stretches(rung, start, end), key=lambda one: one.people):
        stretches = list(same)
        yield stretches[0].starts_at, stretches[-1].ends_at, people
