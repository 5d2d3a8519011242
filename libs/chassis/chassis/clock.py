"""What time it is. Time is always handed in, so that a test or a demo can be at any instant."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Answers the present instant, aware and in UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """This machine's clock; inside a PostgreSQL transaction the database's own clock decides."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class SimulatedClock:
    """A clock that stands still until somebody moves it forward."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        return self._now

    def advance_to(self, instant: datetime) -> None:
        """Move to an instant; a clock never runs backwards."""
        self._now = max(self._now, instant.astimezone(UTC))
