"""One service's moving parts, started and stopped in the right order."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import eventlet
from eventlet.event import Event
from sqlalchemy.exc import SQLAlchemyError

from catalogue.event import LANES, ROUTINE, URGENT
from chassis import aside
from chassis.broker import Broker
from chassis.catch_up import CatchUp
from chassis.clock import Clock
from chassis.consume import LaneConsumer
from chassis.database import Database, Session, retryable
from chassis.details import FETCH_SECONDS, Details, Fetcher, Vault, hand_out
from chassis.loop import Loop
from chassis.peers import Peers
from chassis.receive import Handlers, Receiver
from chassis.relay import Relay
from chassis.timers import POLL_SECONDS, Kind, Timers, next_due
from chassis.wake import Wake, tell_others

BATCH = {"alone": 400, "shared": 50}
"""Routine messages in one transaction: fewer where urgent ones share the process."""

ASIDE_SECONDS = 0.5
STOP_SECONDS = 45.0


@dataclass(frozen=True)
class Parts:
    """Which parts run in this process. Everything, unless production splits them up."""

    lanes: tuple[str, ...] = LANES
    relay: bool = True
    timers: bool = True
    log_road: bool = True


@dataclass
class Runtime:
    """Everything one service needs in one process. Extensions find it in their container."""

    service: str
    environment: str
    clock: Clock
    database: Database
    broker: Broker
    vault: Vault
    peers: Peers
    parts: Parts = field(default_factory=Parts)
    settings: Any = None
    handlers: Handlers = field(default_factory=Handlers)
    timer_kinds: dict[str, Kind] = field(default_factory=dict)
    loops: list[Loop] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.backbone = Backbone(self)
        self._instance: Any = None

    def instance(self, container: Any) -> Any:
        """The service object whose methods handle events and timers."""
        if self._instance is None:
            self._instance = container.service_cls()
            self._instance.runtime = self
        return self._instance

    def hand_out(self, session: Session, person_id: UUID, *, to: str) -> tuple[int, Details]:
        """Details this service owns, for another service, audited."""
        return hand_out(session, self.vault, person_id, to=to)


class Backbone:
    """Relay, consumers, log road, retries, timers and details of one service."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.relay: Relay | None = None
        self.receivers: dict[str, Receiver] = {}
        self.consumers: list[LaneConsumer] = []
        self.catch_ups: list[CatchUp] = []
        self.loops: list[Loop] = []
        self._threads: list[Any] = []
        self._teller: Any = None
        self._stopped = Event()

    def start(self, container: Any) -> None:
        """Start the parts that run in this process, each in a thread the container watches."""
        runtime, parts = self.runtime, self.runtime.parts
        self._container = container
        for lane in parts.lanes:
            self._start_lane(lane)
        if parts.timers:
            self.loops = [*self._own_loops(), *runtime.loops]
            for loop in self.loops:
                self._spawn(loop.run)
        self._start_relay()

    def stop(self) -> None:
        """Stop in the order of the drain contract: take nothing new, finish, publish, let go."""
        if self._stopped.ready():
            return
        self._stopped.send()
        for part in (*self.catch_ups, *self.consumers, *self.loops):
            part.stop()
        self._wait_for(self._threads)
        if self.relay is not None:
            self.relay.stop()
            self._wait_for([self._relay_thread])
        if self._teller is not None:
            self._teller.kill()
        self.runtime.database.close()

    def _spawn(self, run: Callable[[], None]) -> None:
        self._threads.append(self._container.spawn_managed_thread(run))

    def _start_lane(self, lane: str) -> None:
        runtime = self.runtime
        sources = runtime.broker.topology.sources(runtime.service, lane)
        if not sources:
            return
        receiver = Receiver(runtime.database, runtime.handlers, lane)
        self.receivers[lane] = receiver
        size = BATCH["shared" if lane == ROUTINE and URGENT in runtime.parts.lanes else "alone"]
        consumer = LaneConsumer(receiver, runtime.broker, size)
        self.consumers.append(consumer)
        self._spawn(consumer.run)
        self._spawn(lambda: self._retry(receiver))
        if runtime.parts.log_road:
            catch_up = CatchUp(receiver, runtime.peers, sources)
            self.catch_ups.append(catch_up)
            self._spawn(catch_up.run)

    def _own_loops(self) -> list[Loop]:
        """What every service repeats: firing its timers, fetching the details it wants."""
        runtime = self.runtime
        fire = Timers(runtime.database, runtime.timer_kinds).fire_one
        fetch = Fetcher(runtime.database, runtime.vault, runtime.peers).fetch_wanted
        return [
            Loop(fire, POLL_SECONDS, runtime.service, next_due),
            Loop(fetch, FETCH_SECONDS, runtime.service),
        ]

    def _start_relay(self) -> None:
        runtime = self.runtime
        if runtime.parts.relay:
            self.relay = Relay(runtime.database, runtime.broker)
            runtime.database.after_commit.append(self.relay.wake.ring)
            self._spawn(self.relay.run)
            self._relay_thread = self._threads.pop()
        if runtime.database.postgres:
            others = Wake()
            runtime.database.after_commit.append(others.ring)
            url = runtime.database.work_engine.url
            self._teller = eventlet.spawn(tell_others, url, others)

    def _retry(self, receiver: Receiver) -> None:
        """Try parked events again when they are due, and drain what no longer has to wait."""
        while not self._stopped.ready():
            try:
                with self.runtime.database.work() as session:
                    due = aside.due(session, receiver.lane, session.now, 20)
                    ready = aside.ready(session, receiver.lane, 200)
                for message, attempts in due:
                    receiver.redo(message, attempts + 1)
                if ready:
                    receiver.receive(ready)
            except SQLAlchemyError as failure:
                if not retryable(failure):
                    raise
            with eventlet.Timeout(ASIDE_SECONDS, False):
                self._stopped.wait()

    def _wait_for(self, threads: list[Any]) -> None:
        with eventlet.Timeout(STOP_SECONDS, False):
            for thread in threads:
                thread.wait()
