"""Who is on call at an instant. Pure.

A rota is written in local time, because people live by it. Local time answers this one question
and no other: it never moves a deadline.
"""

from collections import deque
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import chain, pairwise
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
A_DAY = timedelta(days=1)
LONG_AGO = date(1970, 1, 1)

NOT_A_ZONE = {"Factory", "localtime"}
"""Names in the database of time zones that stand for no place."""


@dataclass(frozen=True, order=True)
class Shift:
    """People on call from an instant to another, which is no longer of it."""

    starts_at: datetime
    ends_at: datetime
    people: tuple[UUID, ...]


@dataclass(frozen=True)
class Rotation:
    """People who take turns. A shift begins on each of `weekdays` at `starts_at` and ends at
    `ends_at`, the day after where that is not later; both are local to `zone`.

    The first turn begins on `first_on` and lasts `turn_days`, then the next one; after the last
    it is the first one's again. Everybody of a turn is on call at once, so a single turn is a
    rota without rotation.
    """

    turns: tuple[tuple[UUID, ...], ...]
    zone: str = "UTC"
    first_on: date = LONG_AGO
    last_on: date | None = None
    starts_at: time = time(0)
    ends_at: time = time(0)
    weekdays: tuple[str, ...] = WEEKDAYS
    turn_days: int = 7

    def shift_on(self, day: date) -> Shift | None:
        """The shift that begins on a local day, if one does."""
        if day < self.first_on or (self.last_on and day > self.last_on):
            return None
        if WEEKDAYS[day.weekday()] not in self.weekdays:
            return None
        ends_on = day if self.ends_at > self.starts_at else day + A_DAY
        return Shift(
            instant_of(day, self.starts_at, self.zone),
            instant_of(ends_on, self.ends_at, self.zone),
            self.turns[(day - self.first_on).days // self.turn_days % len(self.turns)],
        )

    def without(self, gone: Set[UUID]) -> "Rotation":
        """The same turns, those who are gone left out."""
        turns = tuple(tuple(one for one in people if one not in gone) for people in self.turns)
        return replace(self, turns=turns)

    def as_if_for_ever(self) -> "Rotation":
        """The same turns on the same days, begun long ago and without an end."""
        cycle = len(self.turns) * self.turn_days
        before = (self.first_on - LONG_AGO).days // cycle * cycle
        return replace(self, first_on=self.first_on - before * A_DAY, last_on=None)

    def shifts(self, days: Iterator[date]) -> Iterator[Shift]:
        """The shifts that begin on these days."""
        return (shift for day in days if (shift := self.shift_on(day)))


Layer = tuple[Rotation, ...]
"""Whoever any of its rotations has on call stands on the rung."""


@dataclass(frozen=True)
class Override:
    """Somebody stands in for somebody else, on every rung, from an instant to another."""

    clinician_id: UUID
    instead_of: UUID
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Stretch:
    """A time in which the same people are on call; nobody is a gap."""

    starts_at: datetime
    ends_at: datetime
    people: tuple[UUID, ...]


@dataclass(frozen=True)
class Rota:
    """A layer for each rung, the first rung's first, and who stands in for whom."""

    layers: tuple[Layer, ...] = ()
    overrides: tuple[Override, ...] = ()

    @classmethod
    def of_rungs(cls, rungs: Sequence[Sequence[UUID]]) -> "Rota":
        """A rota without rotation: everybody of a rung, always."""
        return cls(tuple((Rotation(turns=(tuple(dict.fromkeys(people)),)),) for people in rungs))

    @property
    def people(self) -> set[UUID]:
        """Everybody who is called at some time."""
        turns = chain.from_iterable(one.turns for layer in self.layers for one in layer)
        return {*chain.from_iterable(turns), *(one.clinician_id for one in self.overrides)}

    def without(self, gone: Set[UUID]) -> "Rota":
        """The same rota, those left out whom nobody can call."""
        layers = tuple(tuple(one.without(gone) for one in layer) for layer in self.layers)
        overrides = tuple(one for one in self.overrides if one.clinician_id not in gone)
        return Rota(layers, overrides)

    def as_if_for_ever(self) -> "Rota":
        """The same turns, as if they had followed each other since long ago."""
        return Rota(tuple(tuple(one.as_if_for_ever() for one in layer) for layer in self.layers))

    def on_call(self, at: datetime) -> tuple[tuple[UUID, ...], ...]:
        """Who is on call at an instant, rung by rung."""
        return tuple(self._stand(layer, at) for layer in self.layers)

    def stretches(self, rung: int, from_: datetime, until: datetime) -> Iterator[Stretch]:
        """Who stands on a rung from an instant to another, without a hole."""
        shifts = deque(sorted(shifts_of(self.layers[rung - 1], from_, until)))
        edges = {
            edge for one in (*shifts, *self.overrides) for edge in (one.starts_at, one.ends_at)
        }
        cuts = [from_, *sorted(edge for edge in edges if from_ < edge < until), until]
        present: list[Shift] = []
        for start, end in pairwise(cuts):
            while shifts and shifts[0].starts_at <= start:
                present.append(shifts.popleft())
            present = [one for one in present if one.ends_at > start]
            yield Stretch(start, end, self._with_overrides(present, start))

    def _stand(self, layer: Layer, at: datetime) -> tuple[UUID, ...]:
        shifts = shifts_of(layer, at, at)
        present = [one for one in shifts if one.starts_at <= at < one.ends_at]
        return self._with_overrides(present, at)

    def _with_overrides(self, present: Sequence[Shift], at: datetime) -> tuple[UUID, ...]:
        instead = {
            one.instead_of: one.clinician_id
            for one in self.overrides
            if one.starts_at <= at < one.ends_at
        }
        people = chain.from_iterable(one.people for one in present)
        return tuple(dict.fromkeys(instead.get(person, person) for person in people))


def shifts_of(layer: Layer, from_: datetime, until: datetime) -> Iterator[Shift]:
    """Every shift of a layer that touches a time; wherever the zone is, no clock is more than a
    day away from another."""
    first, last = from_.date() - 3 * A_DAY, until.date() + 2 * A_DAY
    for rotation in layer:
        yield from rotation.shifts(first + n * A_DAY for n in range((last - first).days + 1))


def instant_of(day: date, at: time, zone: str) -> datetime:
    """The UTC instant of a local time. One that a change of the clock skips takes the offset
    before it, one that happens twice is the first (RFC 5545, section 3.3.5)."""
    return datetime.combine(day, at, tzinfo=ZoneInfo(zone)).astimezone(UTC)


@cache
def zone_names() -> frozenset[str]:
    """Every name of the IANA time zone database that stands for a place or an offset."""
    return frozenset(available_timezones()) - NOT_A_ZONE
