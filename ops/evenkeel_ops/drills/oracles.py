"""The judges of a drill: what was committed, what was on the wire, what became of it.

Pure functions over lists. Each answers with one sentence a violation, and with an empty list when
its promise was kept. They know nothing of the chassis; a ledger entry is written by a database
trigger in the transaction that changed the state, an effect by the handler, a sighting by a plain
AMQP client with a queue of its own.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple


class Entry(NamedTuple):
    """A committed change: the `n`-th of its subject."""

    subject: str
    n: int


class Effect(NamedTuple):
    """What a handler did at one event. `n` is told by the event's body, `version` by its label."""

    subject: str
    version: int
    event_id: str
    n: int


class Sighting(NamedTuple):
    """One message as it came by on the wire."""

    subject: str
    version: int
    event_id: str


class Placed(NamedTuple):
    """A row of the producer's log, and the place in its lane that the leader gave it."""

    lane: str
    position: int | None
    subject: str
    version: int


class Called(NamedTuple):
    """A rung of a case that was called, and when it was due."""

    case: str
    generation: int
    rung: int
    due_at: datetime


def lost(ledger: Iterable[Entry], effects: Iterable[Effect]) -> list[str]:
    """Committed changes that had no effect."""
    seen = {(one.subject, one.n) for one in effects}
    return [
        f"{one.subject}: change {one.n} had no effect"
        for one in ledger
        if (one.subject, one.n) not in seen
    ]


def invented(ledger: Iterable[Entry], effects: Iterable[Effect]) -> list[str]:
    """Effects of changes that were never committed."""
    known = set(ledger)
    return [
        f"{one.subject}: an effect of change {one.n}, which was never committed"
        for one in effects
        if Entry(one.subject, one.n) not in known
    ]


def doubled(effects: Sequence[Effect], counters: Mapping[str, int]) -> list[str]:
    """Events that took effect more than once, by their rows or by a counter that only counts."""
    times = Counter(one.event_id for one in effects)
    found = [f"event {event_id} took effect {n} times" for event_id, n in times.items() if n > 1]
    changes = Counter((one.subject, one.n) for one in effects)
    found += [f"{subject}: change {n} took effect {k} times"
              for (subject, n), k in changes.items() if k > 1]  # fmt: skip
    distinct = Counter(subject for subject, _ in {(one.subject, one.event_id) for one in effects})
    return found + [
        f"{subject}: counted {count} times, {distinct[subject]} events took effect"
        for subject, count in counters.items()
        if count != distinct[subject]
    ]


def out_of_order(effects: Iterable[Effect]) -> list[str]:
    """Subjects whose effects, as they were made, are not those of versions 1, 2, 3 …"""
    applied: dict[str, list[Effect]] = defaultdict(list)
    for one in effects:
        applied[one.subject].append(one)
    found = []
    for subject, ones in applied.items():
        versions = [one.version for one in ones]
        if versions != list(range(1, len(versions) + 1)):
            found.append(f"{subject}: versions were applied as {_excerpt(versions)}")
        found += [
            f"{subject}: version {one.version} carried change {one.n}"
            for one in ones
            if one.version != one.n
        ]
    return found


def out_of_order_on_the_wire(sightings: Iterable[Sighting]) -> list[str]:
    """Subjects whose versions were first seen in another order than they count.

    Duplicates are allowed, and so is a version that never came: that is for `lost` to judge.
    """
    first_seen: dict[str, list[int]] = defaultdict(list)
    for one in sightings:
        if one.version not in first_seen[one.subject]:
            first_seen[one.subject].append(one.version)
    return [
        f"{subject}: first seen in the order {_excerpt(versions)}"
        for subject, versions in first_seen.items()
        if versions != sorted(versions)
    ]


def misplaced(log: Iterable[Placed]) -> list[str]:
    """Lanes whose positions have a hole, and subjects whose versions are not placed in order."""
    lanes: dict[str, list[Placed]] = defaultdict(list)
    for row in log:
        if row.position is not None:
            lanes[row.lane].append(row)
    found = []
    for lane, rows in lanes.items():
        rows.sort(key=lambda row: row.position or 0)
        positions = [row.position or 0 for row in rows]
        if positions != list(range(1, len(rows) + 1)):
            found.append(f"{lane}: positions are {_excerpt(positions)}")
        found += out_of_order_on_the_wire(Sighting(r.subject, r.version, "") for r in rows)
    return found


def off_the_grid(
    called: Iterable[Called], raised_at: Mapping[str, datetime], interval: timedelta
) -> list[str]:
    """Rungs whose deadline does not follow from the one before: due(k + 1) = due(k) + interval.

    `raised_at` is when each case was raised, its first rung's deadline.
    """
    return [
        f"case {one.case}: rung {one.rung} was due at {one.due_at:%H:%M:%S.%f}, off its grid"
        for one in called
        if (one.due_at - raised_at[one.case]) % interval
    ]


def _excerpt(numbers: Sequence[int]) -> str:
    """Around the first number that is not one more than the one before it."""
    at = next(
        (i for i, (a, b) in enumerate(zip([0, *numbers], numbers, strict=False)) if b != a + 1), 0
    )
    shown = ", ".join(map(str, numbers[max(0, at - 2) : at + 4]))
    return f"… {shown} …"
