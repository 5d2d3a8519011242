"""What is wrong, judged from what was seen and when. Reads nothing by itself."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

OVERDUE_AFTER = timedelta(seconds=10)
SILENT_AFTER = timedelta(seconds=5)
UNREACHABLE_AFTER_SECONDS = 5.0
PATIENCE_SECONDS = 5.0
"""Which a sweeper has to catch up, once the database is there again."""

DEADLINE, SWEEPER, DATABASE = "deadline_overdue", "sweeper_silent", "database_unreachable"

MEANS = {
    DEADLINE: "a case's deadline has been over for 10 seconds and nothing was done",
    SWEEPER: "no sweeper has got through for 5 seconds: no ladder climbs",
    DATABASE: "the database of crisis has not answered for 5 seconds: no ladder climbs",
}


class Seen(NamedTuple):
    """What one look at the database found, by the database's clock."""

    at: datetime
    oldest_due_at: datetime | None
    beat_at: datetime | None


class Alarm(NamedTuple):
    """Something is wrong, since then. The same until it is over, and another one afterwards."""

    code: str
    since: datetime

    @property
    def text(self) -> str:
        """All that it says; nothing of it is about a person."""
        return f"Evenkeel crisis watchdog: {MEANS[self.code]} (since {self.since:%H:%M:%S} UTC)."


@dataclass
class Watch:
    """Which alarms are on. Moments are of a clock that never jumps, in seconds."""

    began: float
    seen: Seen | None = None
    on: dict[str, Alarm] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._answered = self._answering_since = self.began

    def answered(self, seen: Seen, moment: float) -> None:
        """The database was looked at."""
        if moment - self._answered > UNREACHABLE_AFTER_SECONDS:
            self._answering_since = moment
        self.seen, self._answered = seen, moment

    def judge(self, moment: float, at: datetime) -> dict[str, Alarm]:
        """The alarms that are on now. Of what cannot be seen, what was wrong stays wrong."""
        wrong = self._wrong(moment)
        self.on = {code: self.on.get(code) or Alarm(code, at) for code in sorted(wrong)}
        return self.on

    def _wrong(self, moment: float) -> set[str]:
        if moment - self._answered > UNREACHABLE_AFTER_SECONDS:
            return {DATABASE, *self.on}
        if self.seen is None or moment - self._answering_since < PATIENCE_SECONDS:
            return set(self.on) - {DATABASE}
        return wrong_in(self.seen)


def wrong_in(seen: Seen) -> set[str]:
    """What a look at the database finds wrong."""
    wrong = set()
    if seen.oldest_due_at is not None and seen.at - seen.oldest_due_at > OVERDUE_AFTER:
        wrong.add(DEADLINE)
    if seen.beat_at is None or seen.at - seen.beat_at > SILENT_AFTER:
        wrong.add(SWEEPER)
    return wrong
