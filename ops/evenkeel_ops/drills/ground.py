"""Where the programs of a drill work: a broker and two databases, handed to them as addresses."""

import signal
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import eventlet
from eventlet.event import Event

import catalogue.events  # noqa: F401 - fills the registry
from chassis.backbone import Parts, Runtime
from chassis.broker import Broker
from chassis.clock import SystemClock
from chassis.database import Database
from chassis.details import Vault
from chassis.peers import NeighbourPeers
from chassis.receive import Handlers
from chassis.timers import Kind
from evenkeel_ops.drills.tables import CONSUMER, HANDLERS, PRODUCER, TOPOLOGY, Tally, fire


@dataclass(frozen=True)
class Ground:
    """Addresses: the broker's, and those of the two databases as their working roles."""

    broker_url: str
    producer_url: str
    consumer_url: str

    @classmethod
    def of(cls, addresses: Mapping[str, str]) -> "Ground":
        return cls(**addresses)

    def database(self, service: str) -> Database:
        url = self.producer_url if service == PRODUCER else self.consumer_url
        return Database(
            service,
            http_url=url,
            work_url=url,
            clock=SystemClock(),
            heard=TOPOLOGY.heard_by_anyone(service),
        )

    def runtime(self, service: str, parts: Parts) -> Runtime:
        """The runtime of one process, as hosting builds it; the log is read in its database."""
        database = self.database(service)
        neighbours: dict[str, Any] = {}
        runtime = Runtime(
            service=service,
            environment="test",
            clock=database.clock,
            database=database,
            broker=Broker(self.broker_url, TOPOLOGY),
            vault=Vault(bytes(32)),
            peers=NeighbourPeers(service, neighbours),
            parts=parts,
            handlers=Handlers(dict(HANDLERS)),
            timer_kinds={"fire": Kind(Tally, fire)},
        )
        if service == CONSUMER:
            neighbours[PRODUCER] = self.runtime(PRODUCER, Parts(lanes=(), relay=False))
        return runtime


class Threads:
    """Stands where the container stands: gives the backbone its threads, and hears of failures."""

    def __init__(self) -> None:
        self.failed = Event()

    def spawn_managed_thread(self, run: Any, identifier: str | None = None) -> Any:
        thread = eventlet.spawn(run)
        thread.link(self._ended)
        return thread

    def _ended(self, thread: Any) -> None:
        try:
            thread.wait()
        except Exception as failure:  # noqa: BLE001 - raised by until_told
            traceback.print_exc()
            if not self.failed.ready():
                self.failed.send_exception(failure)

    def until_told(self) -> None:
        """Return at SIGTERM. Raises what ended a thread before."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.failed.ready() or self.failed.send())
        self.failed.wait()


def host(runtime: Runtime) -> None:
    """Run one runtime's backbone until SIGTERM, and stop it in the order of the drain contract."""
    threads = Threads()
    runtime.backbone.start(threads)
    threads.until_told()
    runtime.backbone.stop()
