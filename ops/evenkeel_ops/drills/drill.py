"""One drill: programs at work on fresh databases and queues, killed and started anew, and judged.

with Nodes() as nodes, Drill(nodes, seed=7) as drill:
    drill.start_all()
    drill.kill("relayer")
    drill.start("relayer")
    assert drill.verdict().is_clean
"""

import os
import random
import select
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from evenkeel_ops.drills import oracles, tap
from evenkeel_ops.drills.ground import Ground
from evenkeel_ops.drills.launcher import Launcher, Program
from evenkeel_ops.drills.tables import CONSUMER, PRODUCER, Books, lay_out, subject_of
from evenkeel_ops.keeper import PrivateDirectory
from evenkeel_ops.postgres import Postgres
from evenkeel_ops.provision import Urls, create_roles, hand_over
from evenkeel_ops.rabbitmq import RabbitMQ

BUSY_SUBJECTS, URGENT_SUBJECTS = 24, 8
PAUSE_SECONDS = 0.05
QUIET_SECONDS = 60.0
RECOVERY_SECONDS = 60.0
MODULES = {role: f"evenkeel_ops.drills.{role}"
           for role in ("announcer", "relayer", "receiver", "tap")}  # fmt: skip
PLAIN = ("tap",)


class Nodes:
    """A private PostgreSQL that forces everything to the disk, a private RabbitMQ, launchers."""

    def __init__(self) -> None:
        self._going = ExitStack()
        self._directory = PrivateDirectory("drills")
        self._going.callback(self._directory.remove)
        self.directory = self._directory.path
        self.launchers = {kind: Launcher(kind, self.directory) for kind in ("green", "plain")}
        for launcher in self.launchers.values():
            self._going.callback(launcher.end)
        self.postgres = self._going.enter_context(Postgres(fsync=True))
        self.rabbitmq = self._going.enter_context(RabbitMQ())
        create_roles(self.postgres.connect())

    def __enter__(self) -> "Nodes":
        return self

    def __exit__(self, *_: Any) -> None:
        self._going.close()


@dataclass
class Verdict:
    """What the oracles say about a drill."""

    events: int
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    out_of_order: list[str] = field(default_factory=list)
    out_of_order_on_the_wire: list[str] = field(default_factory=list)
    misplaced: list[str] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)

    @property
    def violations(self) -> dict[str, list[str]]:
        """Oracle to what it found, for those that found something."""
        return {name: found for name, found in asdict(self).items() if name != "events" and found}

    @property
    def is_clean(self) -> bool:
        return self.events > 0 and not self.violations


def crash_by(
    start: Callable[[str, str], Program], point: str, passes: int, directory: Path | None
) -> Program:
    """Have a program killed at a point; by this process, if a directory for a pipe is given.

    `start` takes what `crash_points` reads from the environment: the point and the pipe.
    """
    if directory is None:
        armed = start(f"{point}:{passes}", "")
        armed.wait(RECOVERY_SECONDS)
    else:
        armed = stop_at(start, point, passes, directory)
        armed.kill()
    if armed.status != -signal.SIGKILL:
        raise AssertionError(f"{armed.name} ended with {armed.status} before {point}")
    return armed


def stop_at(
    start: Callable[[str, str], Program], point: str, passes: int, directory: Path
) -> Program:
    """Start a program that stands still at a point. Returns when it does. Raises TimeoutError."""
    pipe = directory / f"{uuid4()}.pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    program = start(f"{point}:{passes}", str(pipe))
    heard = select.select([reading], [], [], RECOVERY_SECONDS)[0]
    os.close(reading)
    if not heard:
        raise TimeoutError(f"{program.name} never reached {point}")
    return program


class Drill:
    """Fresh databases and queues, and the programs that work on them."""

    def __init__(
        self,
        nodes: Nodes,
        *,
        seed: int,
        log_road: bool = True,
        pause: float = PAUSE_SECONDS,
        producer_on: Postgres | None = None,
    ) -> None:
        self.nodes = nodes
        self.servers = {PRODUCER: producer_on or nodes.postgres, CONSUMER: nodes.postgres}
        self.seed = seed
        self.chance = random.Random(seed)
        self.log_road = log_road
        self.pause = pause
        self.programs: dict[str, list[Program]] = {role: [] for role in MODULES}
        self.modules = dict(MODULES)
        self._going = ExitStack()
        self._started = Counter[str]()
        self._prepare()

    def _prepare(self) -> None:
        nodes = self.nodes
        urls = {service: self._database(service) for service in (PRODUCER, CONSUMER)}
        broker_url = self._going.enter_context(nodes.rabbitmq.vhost("drill"))
        self.vhost = unquote(broker_url.rpartition("/")[2])
        self.ground = Ground(broker_url, urls[PRODUCER].work, urls[CONSUMER].work)
        self.books = Books(self.ground.producer_url, self.ground.consumer_url)
        self.subjects = [
            subject_of(UUID(int=self.chance.getrandbits(128)), urgent=n < URGENT_SUBJECTS)
            for n in range(BUSY_SUBJECTS + URGENT_SUBJECTS)
        ]
        self.sightings = nodes.directory / f"{self.vhost}.sightings"
        tap.declare(broker_url)

    def _database(self, service: str) -> Urls:
        server = self.servers[service]
        url = self._going.enter_context(server.database(service))
        urls = hand_over(server, service, str(sa.make_url(url).database))
        lay_out(service, urls.owner)
        return urls

    def __enter__(self) -> "Drill":
        return self

    def __exit__(self, *_: Any) -> None:
        for role in self.programs:
            self.kill(role)
        self._going.close()

    def start_all(self, *, relayers: int = 1, receivers: int = 1) -> None:
        """Start everything, and return when the first events have gone all the way."""
        self.start("tap")
        for role, count in (("relayer", relayers), ("receiver", receivers), ("announcer", 1)):
            for _ in range(count):
                self.start(role)
        self.until(lambda: sum(self.books.counters().values()) > 20)
        self.nodes.rabbitmq.settle()

    def start(
        self, role: str, crash_at: str = "", tell: str = "", urgent_only: bool = False
    ) -> Program:
        """Start one more program of a role, armed with a crash point if one is given."""
        arguments: dict[str, Any] = {"ground": asdict(self.ground)}
        if role == "announcer":
            subjects = self.subjects[:URGENT_SUBJECTS] if urgent_only else self.subjects
            seed = self.chance.getrandbits(32)
            arguments |= {"subjects": subjects, "seed": seed, "pause": self.pause}
        elif role == "receiver":
            arguments["log_road"] = self.log_road
        elif role == "tap":
            arguments["file"] = str(self.sightings)
        environment = {"EVENKEEL_CRASH_AT": crash_at}
        if tell:
            environment["EVENKEEL_CRASH_TELL"] = tell
        self._started[role] += 1
        launcher = self.nodes.launchers["plain" if role in PLAIN else "green"]
        name = f"{self.vhost}-{role}-{self._started[role]}"
        program = launcher.start(self.modules[role], name, environment, **arguments)
        self.programs[role].append(program)
        return program

    def kill(self, role: str) -> None:
        """SIGKILL to every program of a role."""
        for program in self.programs[role]:
            program.kill()
        self.programs[role].clear()

    def kill_one(self, role: str) -> None:
        """SIGKILL to one program of a role, by chance, and start another in its place."""
        victim = self.chance.choice(self.programs[role])
        victim.kill()
        self.programs[role].remove(victim)
        self.start(role)

    def stop(self, role: str, seconds: float = QUIET_SECONDS) -> list[int]:
        """SIGTERM to every program of a role. Returns their exit statuses."""
        stopping, self.programs[role] = self.programs[role], []
        for program in stopping:
            program.send(signal.SIGTERM)
        return [program.wait(seconds) for program in stopping]

    def crash(self, point: str, role: str, *, told: bool, passes: int = 1) -> None:
        """Have a program of a role killed at a point, by itself or, `told`, by this process."""
        self.kill(role)
        directory = self.nodes.directory if told else None
        armed = crash_by(lambda *armed: self.start(role, *armed), point, passes, directory)
        self.programs[role].remove(armed)

    def until(self, fact: Callable[[], Any], seconds: float = RECOVERY_SECONDS) -> float:
        """Wait for a fact. Returns how long it took. Raises TimeoutError."""
        started = time.monotonic()
        while not self._holds(fact):
            if time.monotonic() - started > seconds:
                raise TimeoutError(f"waited {seconds:g} s in vain (seed {self.seed})")
            self._raise_if_died()
            time.sleep(0.02)
        return time.monotonic() - started

    def committed(self) -> dict[str, int]:
        """How often each subject has changed by now."""
        return self.books.committed()

    def has_changed(self, wanted: dict[str, int]) -> bool:
        """Whether each subject has changed that often."""
        committed = self.committed()
        return all(committed.get(subject, 0) >= n for subject, n in wanted.items())

    def has_arrived(self, committed: dict[str, int]) -> bool:
        """Whether as many changes of each subject have had their effect."""
        counters = self.books.counters()
        return all(counters.get(subject, 0) >= n for subject, n in committed.items())

    def come_to_rest(self) -> bool:
        """Stop announcing and wait until all is quiet. Whether it became so within a minute."""
        self.stop("announcer")
        committed = self.committed()
        try:
            self.until(lambda: self._is_quiet(committed), QUIET_SECONDS)
        except TimeoutError:
            return False
        return True

    def verdict(self) -> Verdict:
        """Come to rest, then have the oracles judge what there is."""
        self.come_to_rest()
        return self.judge()

    def judge(self) -> Verdict:
        ledger, effects = self.books.ledger(), self.books.effects()
        promised, fired = self.books.timers()
        times = Counter(fired)
        never = sorted(set(promised) - set(fired))
        return Verdict(
            events=len(ledger),
            lost=oracles.lost(ledger, effects)
            + [f"{one.subject}: the timer of version {one.n} never fired" for one in never],
            doubled=oracles.doubled(effects, self.books.counters())
            + [f"{one.subject}: the timer of version {one.n} fired {count} times"
               for one, count in times.items() if count > 1],
            out_of_order=oracles.out_of_order(effects),
            out_of_order_on_the_wire=oracles.out_of_order_on_the_wire(self.seen()),
            misplaced=oracles.misplaced(self.books.log()),
            invented=oracles.invented(ledger, effects),
        )  # fmt: skip

    def consumers(self) -> int:
        """How many consumers the slower of the consumer's two queues has."""
        counts = self.nodes.rabbitmq.evaluate(f"""
            [Count || [{{_, {{resource, _, _, <<"{CONSUMER}.", Lane/binary>>}}}}, {{_, Count}}] <-
                rabbit_amqqueue:info_all(<<"{self.vhost}">>, [name, consumers]),
                Lane =:= <<"urgent">> orelse Lane =:= <<"routine">>]
        """)
        return min(counts, default=0)

    def seen(self) -> list[oracles.Sighting]:
        """What the tap has written down."""
        return tap.sightings(self.sightings)

    def _is_quiet(self, committed: dict[str, int]) -> bool:
        return (
            self.has_arrived(committed)
            and self.books.unconfirmed() == 0
            and not self.books.set_aside()
            and not self._timers_left()
            and len({one.event_id for one in self.seen()}) >= sum(committed.values())
            and all(queue == (0, 0) for queue in self.nodes.rabbitmq.queues(self.vhost).values())
        )

    def _timers_left(self) -> bool:
        promised, fired = self.books.timers()
        return bool(set(promised) - set(fired))

    def _raise_if_died(self) -> None:
        """A program that ends by itself is a defect, and no fact will come true without it."""
        for programs in self.programs.values():
            for program in programs:
                if program.status is not None:
                    raise AssertionError(f"{program.name} ended with {program.status}:\n"
                                         + program.log.read_text()[-3000:])  # fmt: skip

    @staticmethod
    def _holds(fact: Callable[[], Any]) -> bool:
        try:
            return bool(fact())
        except DBAPIError:
            return False
