"""A channel: its providers in order, and when the next one is tried."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from channels.breaker import Breaker
from channels.outcome import REFUSED, Outcome, refused
from channels.outgoing import Outgoing
from channels.provider import Provider

DEADLINE_SECONDS = 10.0
"""Of one attempt with one provider, everything included."""

BREAKER_OPEN, CALLED_OFF = "breaker_open", "called_off"


class Channel:
    """E-mail, text messages or calls, by whichever provider takes them.

    The next provider is tried at once when one refuses for now or its breaker is open. An
    `urgent` channel goes on after anything but an acceptance, a lost reply too, which then stands
    on the outcome as `may_repeat`; and rather than try nobody, it tries those whose breakers are
    open.
    """

    def __init__(
        self,
        providers: Sequence[Provider],
        *,
        urgent: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.providers = tuple(providers)
        self._breakers = {one.name: Breaker() for one in providers}
        self._urgent = urgent
        self._clock = clock

    def send(
        self, outgoing: Outgoing, *, key: str, may_go: Callable[[], bool] = lambda: True
    ) -> Outcome:
        """What came of it: the first acceptance, or what the last provider that was tried said.

        `key` is the same at every attempt at the same thing; `may_go` is asked before each leaves.
        """
        outcome, may_repeat = refused(BREAKER_OPEN), False
        for provider in self._in_turn():
            outcome = self._try(provider, outgoing, key, may_go)
            may_repeat = may_repeat or outcome.may_repeat
            if not self._goes_on_after(outcome):
                break
        return replace(outcome, may_repeat=may_repeat)

    def _in_turn(self) -> Iterator[Provider]:
        passed_over = []
        for provider in self.providers:
            if self._breakers[provider.name].lets_through(self._clock()):
                yield provider
            else:
                passed_over.append(provider)
        yield from self._last_resort(passed_over)

    def _last_resort(self, passed_over: Iterable[Provider]) -> Iterable[Provider]:
        return passed_over if self._urgent else ()

    def _goes_on_after(self, outcome: Outcome) -> bool:
        if outcome.is_accepted or outcome.code == CALLED_OFF:
            return False
        return self._urgent or (outcome.result == REFUSED and not outcome.permanent)

    def _try(
        self, provider: Provider, outgoing: Outgoing, key: str, may_go: Callable[[], bool]
    ) -> Outcome:
        outcome = provider.send(outgoing, key=key, seconds=DEADLINE_SECONDS, may_go=may_go)
        breaker = self._breakers[provider.name]
        if outcome.is_accepted or outcome.permanent:
            breaker.succeeded()
        elif outcome.code != CALLED_OFF:
            breaker.failed(self._clock())
        return replace(outcome, provider=provider.name)
