"""How long each step of a ladder may take in a clinic: what a policy says, and its bounds. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from crisis.rules import (
    DISPOSITION_SECONDS,
    LADDERS,
    MINUTE,
    T3_NEXT_SUPERVISOR,
    Ladder,
    ladder_for,
)


@dataclass(frozen=True)
class Times:
    """What a policy says of a tier, in seconds.

    `intervals` are those of its ladder, of which the last repeats for ever; T3 has one, up to
    the next supervisor. `contact_seconds` run from the acknowledgement, T3's until the day ends.
    `disposition_seconds` run from the contact.
    """

    intervals: tuple[int, ...]
    contact_seconds: int | None
    disposition_seconds: int


LONGEST = {
    **{
        tier: Times(one.intervals, one.contact_seconds, one.disposition_seconds)
        for tier, one in LADDERS.items()
    },
    "T3": Times((T3_NEXT_SUPERVISOR,), None, DISPOSITION_SECONDS),
}
"""The targets of domain page 4.2. A clinic may be faster, never slower."""

SHORTEST_SECONDS = MINUTE
"""Nobody finds a telephone, reads and acknowledges in less, and a ladder that is faster calls all
hands at once. CLINICAL: this project's figure; a clinician must confirm it."""


def ladder_within(tier: str, at: datetime, zone: str | None, times: Times, edition: int) -> Ladder:
    """The ladder of a tier that was raised at an instant, as a policy has it."""
    ladder = ladder_for(tier, at, zone, supervisor_after=times.intervals[0])
    return replace(
        ladder,
        intervals=times.intervals if tier in LADDERS else ladder.intervals,
        contact_seconds=times.contact_seconds,
        disposition_seconds=times.disposition_seconds,
        edition=edition,
    )


def out_of_bounds(tier: str, times: Times) -> Iterator[tuple[str, str]]:
    """What is wrong with a tier's times: which figure, and why."""
    longest = LONGEST[tier]
    if len(times.intervals) != len(longest.intervals):
        yield "intervals", f"There are {len(longest.intervals)} of them."
    else:
        for n, (given, most) in enumerate(zip(times.intervals, longest.intervals, strict=True), 1):
            if not _is_within(given, most):
                yield "intervals", f"Number {n}: {_between(most)}"
    if longest.contact_seconds is None and times.contact_seconds is not None:
        yield "contact_seconds", "Contact is due until the day ends."
    elif longest.contact_seconds and not _is_within(times.contact_seconds, longest.contact_seconds):
        yield "contact_seconds", _between(longest.contact_seconds)
    if not _is_within(times.disposition_seconds, longest.disposition_seconds):
        yield "disposition_seconds", _between(longest.disposition_seconds)


def plain_of(times: Mapping[str, Times]) -> dict[str, Any]:
    """Times as JSON."""
    return {tier: {**asdict(one), "intervals": list(one.intervals)} for tier, one in times.items()}


def times_of(plain: Mapping[str, Any]) -> dict[str, Times]:
    """Times from JSON."""
    return {
        tier: Times(**{**one, "intervals": tuple(one["intervals"])}) for tier, one in plain.items()
    }


def _is_within(seconds: int | None, longest: int) -> bool:
    return seconds is not None and SHORTEST_SECONDS <= seconds <= longest


def _between(longest: int) -> str:
    return f"At least {SHORTEST_SECONDS} and at most {longest} seconds."
