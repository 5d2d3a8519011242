"""What speaks against a rota: a time in which nobody is on call, or somebody whom no page
reaches. Pure.

The rota is lived through for 400 days, so that both changes of the clock of every zone are in it:
where a rota hands over from one zone to another, a gap may be hours long and months away.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from crisis.rota.shifts import Rota

DAYS_AHEAD = timedelta(days=400)
LEAST_ON_LAST_RUNG = 2
"""The last rung repeats for ever, so one person's dead phone must not be its end."""


@dataclass(frozen=True)
class Gap:
    """A time in which too few people stand on a rung: nobody, or one alone on the last."""

    rung: int
    starts_at: datetime
    ends_at: datetime
    people: tuple[UUID, ...] = ()


@dataclass(frozen=True)
class Unreached:
    """Somebody whom no page reaches, and the first time they would be called."""

    rung: int
    person: UUID
    from_: datetime


def gaps(rota: Rota, from_: datetime, ahead: timedelta = DAYS_AHEAD) -> Iterator[Gap]:
    """Every gap from an instant on, rung by rung, in order of time."""
    for rung in range(1, len(rota.layers) + 1):
        least = LEAST_ON_LAST_RUNG if rung == len(rota.layers) else 1
        found: Gap | None = None
        for one in rota.stretches(rung, from_, from_ + ahead):
            if len(one.people) >= least:
                continue
            if found and (found.ends_at, found.people) == (one.starts_at, one.people):
                found = Gap(rung, found.starts_at, one.ends_at, one.people)
                continue
            if found:
                yield found
            found = Gap(rung, one.starts_at, one.ends_at, one.people)
        if found:
            yield found


def unreached(
    rota: Rota,
    can_reach: Callable[[UUID], bool],
    from_: datetime,
    ahead: timedelta = DAYS_AHEAD,
) -> Iterator[Unreached]:
    """Everybody on the rota whom no channel reaches, once for each rung."""
    lost = {person for person in rota.people if not can_reach(person)}
    for rung in range(1, len(rota.layers) + 1) if lost else ():
        told: set[UUID] = set()
        for one in rota.stretches(rung, from_, from_ + ahead):
            for person in one.people:
                if person in lost - told:
                    told.add(person)
                    yield Unreached(rung, person, one.starts_at)
