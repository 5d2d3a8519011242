"""Who carries: one provider of one channel, whatever protocol it speaks."""

from collections.abc import Callable
from typing import Protocol

from channels.outcome import Outcome
from channels.outgoing import Outgoing


class Provider(Protocol):
    """A carrier of e-mail, text messages or calls."""

    @property
    def name(self) -> str:
        """Under which breakers, logs and metrics know it: no secret, no address of anybody."""
        ...

    def send(
        self, outgoing: Outgoing, *, key: str, seconds: float, may_go: Callable[[], bool]
    ) -> Outcome:
        """One attempt that takes so many seconds at most, all of it included.

        `key` is the same at every attempt at the same thing, and with every provider. `may_go` is
        asked at the last moment.
        """
        ...
