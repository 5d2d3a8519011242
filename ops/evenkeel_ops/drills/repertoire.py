"""What is done to a drill: one function for each kind of misfortune, each ends with a verdict."""

import signal
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from evenkeel_ops.drills.drill import Drill, Verdict
from evenkeel_ops.drills.launcher import Program
from evenkeel_ops.drills.receiver import given_again

POINTS = {
    "announce.after_heads": "announcer",
    "announce.before_commit": "announcer",
    "announce.after_commit": "announcer",
    "relay.after_claim": "relayer",
    "relay.before_publish": "relayer",
    "relay.after_publish": "relayer",
    "relay.after_confirm": "relayer",
    "relay.before_mark": "relayer",
    "receive.before_commit": "receiver",
    "receive.after_commit": "receiver",
    "receive.after_acknowledge": "receiver",
    "timers.before_commit": "receiver",
    "timers.after_commit": "receiver",
}
"""The crash points of the chassis, and the program that gets there."""

SWEEPER_POINTS = ("sweeper.before_commit", "sweeper.after_commit")
VICTIMS = ("relayer", "receiver", "broker", "database")
END_SECONDS = 10.0
"""Within which a program must end after SIGTERM."""

BY_THE_LOG_SECONDS = 3.0
"""Within which an urgent event must be handled (p99) while the broker is off."""

Told = Callable[[str], None]


@dataclass
class Outcome:
    """What came of a drill, with whatever else went wrong besides what the oracles judge."""

    kills: int
    verdict: Verdict
    worst_recovery: float = 0.0
    faults: list[str] = field(default_factory=list)
    notes: dict[str, float] = field(default_factory=dict)

    @property
    def is_clean(self) -> bool:
        return self.verdict.is_clean and not self.faults

    def __str__(self) -> str:
        found = {name: ones[:3] for name, ones in self.verdict.violations.items()}
        told = (found, self.faults, self.notes)
        return f"{self.kills} kills, {self.verdict.events} events, {' '.join(map(str, told))}"


def silent(_what: str) -> None:
    """For who does not want to be told."""


def crash_points(drill: Drill, points: Iterable[str], told: Told = silent) -> Outcome:
    """Die at each point, once by itself and once killed by this process while it stands there."""
    kills, worst = 0, 0.0
    for point in points:
        told(point)
        role = POINTS[point]
        for by_us in (False, True):
            drill.crash(point, role, told=by_us, passes=drill.chance.randint(1, 3))
            kills += 1
        committed, struck = drill.committed(), time.monotonic()
        drill.start(role)
        drill.until(lambda committed=committed: drill.has_arrived(committed))
        worst = max(worst, time.monotonic() - struck)
    return Outcome(kills, drill.verdict(), worst)


def random_kills(drill: Drill, victims: Sequence[str], kills: int, told: Told = silent) -> Outcome:
    """Kill programs and nodes in turn at random instants, not always waiting for recovery."""
    worst = 0.0
    for n in range(kills):
        victim = victims[n % len(victims)]
        time.sleep(drill.chance.uniform(0.1, 1.2))  # the random instant
        committed, struck = drill.committed(), time.monotonic()
        told(victim)
        _strike(drill, victim)
        if drill.chance.random() < 0.7:
            drill.until(lambda committed=committed: drill.has_arrived(committed))
            worst = max(worst, time.monotonic() - struck)
    return Outcome(kills, drill.verdict(), worst)


def _strike(drill: Drill, victim: str) -> None:
    node = {"broker": drill.nodes.rabbitmq, "database": drill.nodes.postgres}.get(victim)
    if node is None:
        drill.kill_one(victim)
    else:
        node.kill()
        node.start()


def sigterm(drill: Drill, times: int, told: Told = silent) -> Outcome:
    """Replace consumers and leaders under load, as a rolling deployment does.

    Each must end in time, and nothing that was handled may be delivered or published again. The
    broker's own count of redeliveries says a little more than that: it counts what a queue had
    set apart for a consumer whose cancellation was under way, and never sent to it.
    """
    faults = []
    receivers: list[Program] = []
    before = drill.nodes.rabbitmq.redelivered()
    for n in range(times):
        role = ("receiver", "relayer")[n % 2]
        told(role)
        leaving = drill.programs[role].pop()
        drill.start(role)
        if role == "receiver":
            receivers.append(leaving)
            drill.until(lambda: drill.consumers() == 2)
        faults += _ends_in_time(leaving)
        committed = drill.committed()
        drill.until(lambda committed=committed: drill.has_arrived(committed))
    verdict = drill.verdict()
    redelivered = drill.nodes.rabbitmq.redelivered() - before
    receivers += drill.programs["receiver"]
    drill.stop("receiver")
    if again := sum(given_again(one.log.read_text()) for one in receivers):
        faults.append(f"{again} messages that were handled were delivered again")
    if len(drill.seen()) != verdict.events:
        faults.append(f"{len(drill.seen()) - verdict.events} messages were published twice")
    return Outcome(times, verdict, faults=faults, notes={"redelivered": redelivered})


def _ends_in_time(program: Program) -> list[str]:
    started = time.monotonic()
    program.send(signal.SIGTERM)
    status = program.wait()
    took = time.monotonic() - started
    in_order = status == 0 and took <= END_SECONDS
    return [] if in_order else [f"{program.name} ended with {status} after {took:.1f} s"]


def broker_off(drill: Drill, seconds: float, told: Told = silent) -> Outcome:
    """Switch the broker off: the log alone must bring what is urgent; then switch it on again."""
    drill.stop("announcer")
    committed = drill.committed()
    drill.until(lambda: drill.has_arrived(committed))
    before = len(drill.books.ledger())
    told("off")
    drill.nodes.rabbitmq.kill()
    drill.start("announcer", urgent_only=True)
    time.sleep(seconds)  # as long as the outage lasts
    drill.stop("announcer")
    committed = drill.committed()
    drill.until(lambda: drill.has_arrived(committed))
    delays = sorted(drill.books.delays(after=before))
    told("on")
    drill.nodes.rabbitmq.start()
    struck = time.monotonic()
    drill.start("announcer")
    verdict = drill.verdict()
    slowest = delays[int(0.99 * len(delays))]
    faults = []
    if slowest > BY_THE_LOG_SECONDS:
        faults.append(f"p99 of {len(delays)} urgent events by the log was {slowest:.2f} s")
    return Outcome(1, verdict, time.monotonic() - struck, faults, {"p99": slowest})
