"""A circuit breaker: who fails again and again is left alone for a while, then tried once."""

import threading

OPENS_AFTER = 3
"""Failures in a row."""

PAUSE_SECONDS = 30.0
"""Until one trial is let through, and again until the next if that trial is never heard of."""


class Breaker:
    """Of one provider. Instants are handed in, as seconds; a clock that is set back lengthens no
    pause."""

    def __init__(self) -> None:
        self._failures = 0
        self._next_trial_at: float | None = None
        self._turn = threading.Lock()

    def lets_through(self, at: float) -> bool:
        """Whether to try now. Once it has paused long enough, one caller is told yes: the trial."""
        with self._turn:
            if self._next_trial_at is None:
                return True
            if 0 < self._next_trial_at - at <= PAUSE_SECONDS:
                return False
            self._next_trial_at = at + PAUSE_SECONDS
            return True

    def succeeded(self) -> None:
        """It answered: closed."""
        with self._turn:
            self._failures = 0
            self._next_trial_at = None

    def failed(self, at: float) -> None:
        """It did not, or has no time for us: open, once that happened often enough."""
        with self._turn:
            self._failures += 1
            if self._failures >= OPENS_AFTER:
                self._next_trial_at = at + PAUSE_SECONDS
