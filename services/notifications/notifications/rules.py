"""When a message may go: quiet hours, what passes them, what is too late, when to try again.

Instants are aware; local times are of the recipient's own zone. Nothing here reads a clock.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

QUIET_FROM, QUIET_TO = time(21, 0), time(8, 0)
"""Quiet unless the recipient chose otherwise: outside 8 to 21 h of their local time, the window
of the telephone exemption, kept for e-mail too.
https://legalclarity.org/tcpa-healthcare-exemption-rules-and-requirements (LEGAL: counsel to agree)
"""

EVENING = time(18, 0)
"""When tomorrow's day is told: home from work, and long before quiet hours. This project's."""

RETRY_PAUSES = (
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=2),
    timedelta(hours=4),
    timedelta(hours=8),
)
"""Long enough together, 15 h 42 min, to outlast a mail server that is down overnight."""

MINUTE = timedelta(minutes=1)


def is_quiet(at: datetime, zone: str, quiet_from: time, quiet_to: time) -> bool:
    """Whether a clock on the recipient's wall reads a time in [quiet_from, quiet_to) at `at`.

    The wall clock alone decides: on the night it is put back, an hour that comes twice is quiet
    twice. Equal bounds mean no quiet hours. Raises ZoneInfoNotFoundError.
    """
    reading = at.astimezone(ZoneInfo(zone)).time()
    if quiet_from <= quiet_to:
        return quiet_from <= reading < quiet_to
    return reading >= quiet_from or reading < quiet_to


def quiet_until(at: datetime, zone: str, quiet_from: time, quiet_to: time) -> datetime:
    """The first instant from `at` on that is not quiet; `at` itself when it is not.

    Walks minute by minute, because an end that the spring night skips has no instant of its own:
    with quiet hours to 02:30, it is over when the clock jumps from 02:00 to 03:00.
    """
    if not is_quiet(at, zone, quiet_from, quiet_to):
        return at
    minute = at.replace(second=0, microsecond=0)
    while is_quiet(minute, zone, quiet_from, quiet_to):
        minute += MINUTE
    return minute


def may_pass_quiet_hours(at: datetime, about_at: datetime, within: timedelta | None) -> bool:
    """Whether what a message is about is so near that waking somebody is better than silence.

    `within` is the template's policy; None for one that never passes.
    """
    return within is not None and about_at - at <= within


def evening_before(about_at: datetime, zone: str, quiet_from: time, quiet_to: time) -> datetime:
    """Six in the evening of the day before, by the recipient's clock; where that is quiet already,
    the last minute that was not."""
    evening = _wall(_day_of(about_at, zone) - timedelta(days=1), EVENING, zone)
    while is_quiet(evening, zone, quiet_from, quiet_to):
        evening -= MINUTE
    return evening


def midnight_before(about_at: datetime, zone: str) -> datetime:
    """When, by the recipient's clock, the day begins on which something is."""
    return _wall(_day_of(about_at, zone), time(), zone)


def _day_of(at: datetime, zone: str) -> date:
    return at.astimezone(ZoneInfo(zone)).date()


def _wall(on: date, at: time, zone: str) -> datetime:
    """The instant of a local time: one that is skipped takes the offset before the gap, one that
    comes twice is the first. https://whenever.readthedocs.io/en/stable/guide/ambiguity.html"""
    return datetime.combine(on, at, ZoneInfo(zone)).astimezone(UTC)


def is_too_late(at: datetime, useful_until: datetime) -> bool:
    """Whether a message has lost its purpose by now: what it is about has begun or is due, or a
    nearer message says it better."""
    return at >= useful_until


def not_before(now: datetime, about_at: datetime, lead: timedelta) -> datetime:
    """When to send a message that belongs `lead` ahead of its matter; no lead means at once."""
    return max(now, about_at - lead) if lead else now


def ask_again_after(waited: timedelta) -> timedelta:
    """How long to wait once more for an address or a zone that has not come: as long as it has
    taken already, 5 seconds at least, 15 minutes at most."""
    return min(max(waited, timedelta(seconds=5)), timedelta(minutes=15))


def retry_pause(attempts: int) -> timedelta | None:
    """How long to wait after this many failed attempts; None when there is no further one."""
    return RETRY_PAUSES[attempts - 1] if attempts <= len(RETRY_PAUSES) else None
