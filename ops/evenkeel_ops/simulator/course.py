"""The course of a day: when the clock moves, and who acts then.

Quickly, the clock moves only once everything up to now is quiet. Live, it runs at a multiple of
real time, and halts only while somebody is being answered.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import groupby

from chassis.clock import SimulatedClock
from evenkeel_ops.house import House
from evenkeel_ops.outage import Outage
from evenkeel_ops.simulator.act import Act
from evenkeel_ops.simulator.day import Plan
from evenkeel_ops.simulator.ledger import Ledger
from evenkeel_ops.simulator.operator import Operator

TICK_SECONDS = 0.05
DANGER_SPEED = 6.0
"""While somebody may be in danger and a person watches, so that they can answer."""

SPEED_WHILE_AWAY = 60.0
"""While the broker is away nothing becomes quiet, so that also a headless day runs live."""

Tell = Callable[[Act, bool], None]


class Stopped(SystemExit):
    """Somebody asked for the end before the day was over, by this signal."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)


class KeptClock(SimulatedClock):
    """A clock whose every position is in the ledger before anybody sees it."""

    def __init__(self, ledger: Ledger, start: datetime) -> None:
        super().__init__(ledger.clock or start)
        self._ledger = ledger

    def advance_to(self, instant: datetime) -> None:
        if instant > self.now():
            self._ledger.note("clock", instant.isoformat())
        super().advance_to(instant)


class Course:
    """Takes a house through the acts of a plan."""

    def __init__(
        self, house: House, clock: SimulatedClock, operator: Operator, ledger: Ledger, tell: Tell
    ) -> None:
        self.house = house
        self.clock = clock
        self.stopping = 0
        self._dangers: list[tuple[datetime, datetime]] = []
        self._operator = operator
        self._ledger = ledger
        self._tell = tell

    def prepare(self, plan: Plan) -> None:
        """Everything before the day, then the morning."""
        self.house.settle()
        self._quickly(plan.before, plan.begins_at)

    def run(self, plan: Plan, until: datetime, speed: float | None) -> None:
        """The day up to an instant, live at a speed, or quickly when there is none."""
        if speed is None:
            self._quickly(plan.day, until)
        else:
            self._dangers = plan.dangers
            self._live(plan.day, until, speed)

    def run_without(
        self, outage: Outage, seconds: float, plan: Plan, until: datetime, speed: float | None
    ) -> None:
        """The day with some real seconds in its middle during which the broker is away."""
        self.run(plan, min(plan.outage_at, until), speed)
        if until > plan.outage_at and not self._ledger.noted("outages"):
            with outage:
                self._ledger.note("outages", 1)
                self._live(plan.day, until, speed or SPEED_WHILE_AWAY, seconds)
        self.run(plan, until, speed)

    def come_to_rest(self) -> None:
        """Wait until nothing is under way any more."""
        self.house.settle()

    def _quickly(self, acts: Iterable[Act], until: datetime) -> None:
        for at, together in groupby(self._to_do(acts, until), key=lambda act: act.at):
            self._advance(at)
            for act in together:
                self._perform(act)
            self.house.settle()
        self._advance(until)
        self.house.settle()

    def _advance(self, to: datetime) -> None:
        """Move the clock, halting wherever a timer or a loop has something to do on the way."""
        while (due := self.house.next_due()) is not None and due <= to:
            self.clock.advance_to(due)
            self.house.settle()
        self.clock.advance_to(to)

    def _live(
        self, acts: Iterable[Act], until: datetime, speed: float, seconds: float = float("inf")
    ) -> None:
        ends = time.monotonic() + seconds
        for act in self._to_do(acts, until):
            if not self._wait(act.at, speed, ends):
                return
            self._perform(act)
        self._wait(until, speed, ends)

    def _wait(self, instant: datetime, speed: float, ends: float) -> bool:
        """Let the clock run up to an instant. Returns False when the real time is up first."""
        before = time.monotonic()
        while self.clock.now() < instant and before < ends:
            self._must_go_on()
            time.sleep(TICK_SECONDS)
            now = time.monotonic()
            passed = timedelta(seconds=(now - before) * self._speed(speed))
            self.clock.advance_to(min(self.clock.now() + passed, instant))
            before = now
        return before < ends

    def _speed(self, speed: float) -> float:
        """Slow while a case waits for whoever watches, until they say that they are in contact."""
        now = self.clock.now()
        begun = [ends for begins, ends in self._dangers if begins <= now]
        answered = self._ledger.presses_of("contact")
        is_waiting = any(now < ends for ends in begun) and answered < len(begun)
        return min(speed, DANGER_SPEED) if is_waiting else speed

    def _to_do(self, acts: Iterable[Act], until: datetime) -> Iterator[Act]:
        return (act for act in acts if act.at <= until and not self._ledger.is_done(act))

    def _perform(self, act: Act) -> None:
        self._must_go_on()
        granted = self._operator.perform(act)
        self._tell(act, granted)

    def _must_go_on(self) -> None:
        if self.stopping:
            raise Stopped(self.stopping)
