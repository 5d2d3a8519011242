"""A process that hosts services: built from settings, stopped by SIGTERM, never half alive."""

import gc
import importlib
import importlib.util
import inspect
import signal
from collections.abc import Callable, Mapping

import eventlet
from eventlet.event import Event
from sqlalchemy.exc import SQLAlchemyError

from chassis import lives, migrations
from chassis.backbone import Parts, Runtime
from chassis.broker import Broker
from chassis.clock import Clock, SystemClock
from chassis.container import Container
from chassis.database import Database
from chassis.details import Vault
from chassis.logs import log
from chassis.peers import HttpPeers, NeighbourPeers, Peers
from chassis.settings import Settings, WrongSettings
from chassis.topology import Topology
from web.keys import ServiceKey
from web.server import Front
from web.trusted import callers_of, mistakes_in_files, peers_of

MAX_WORKERS = 50
SIGNALS = (signal.SIGTERM, signal.SIGINT)


def service_class(service: str) -> type:
    """The nameko class of a service, found by its name in `<service>.service`."""
    module = importlib.import_module(f"{service}.service")
    for _, found in inspect.getmembers(module, inspect.isclass):
        if getattr(found, "name", None) == service and found.__module__ == module.__name__:
            return found
    raise LookupError(f"{module.__name__} has no class named {service!r}")


def settings_of(service: str, environ: Mapping[str, str]) -> Settings:
    """A service's settings. Raises WrongSettings with all mistakes, also in the files they name."""
    own = importlib.util.find_spec(f"{service}.settings")
    kind = importlib.import_module(f"{service}.settings").Settings if own else Settings
    settings = kind.read(service, environ)
    if mistakes := mistakes_in_files(service, settings):
        raise WrongSettings(mistakes)
    return settings


class Process:
    """Some services in one process, on one port."""

    def __init__(
        self,
        front: Front,
        topology: Topology,
        *,
        clock: Clock | None = None,
        parts: Parts | None = None,
        neighbours: bool = False,
        broker_class: Callable[[str, Topology], Broker] = Broker,
    ) -> None:
        self.front = front
        self.topology = topology
        self.clock = clock or SystemClock()
        self.parts = parts or Parts()
        self.neighbours = neighbours
        self.broker_class = broker_class
        self.runtimes: dict[str, Runtime] = {}
        self.containers: list[Container] = []
        self._stop: Event = Event()

    def add(self, service: str, settings: Settings) -> Runtime:
        """Build a service. Raises NotMigrated or NotReconciled."""
        runtime = self._runtime(service, settings)
        migrations.refuse_other_revision(runtime.database)
        lives.refuse_restored(runtime.database)
        self.runtimes[service] = runtime
        config = {
            "runtime": runtime,
            "front": self.front,
            "callers": callers_of(settings),
            "max_workers": MAX_WORKERS,
        }
        self.containers.append(Container(service_class(service), config))
        return runtime

    def start(self) -> None:
        """Listen, then start every service. Raises PortInUse."""
        self.front.start()
        for container in self.containers:
            container.start()

    def stop(self) -> None:
        """The drain contract: take nothing new, finish, publish, let go."""
        self.front.stop()
        for stopping in [eventlet.spawn(container.stop) for container in self.containers]:
            stopping.wait()

    def run(self) -> int:
        """Serve until told to stop. Returns the exit status: 1 when a service died."""
        for number in SIGNALS:
            signal.signal(number, lambda *_: self._asked_to_stop(0))
        for container in self.containers:
            eventlet.spawn(self._watch, container)
        gc.freeze()  # what is there now stays for good: never look through it again
        status = self._stop.wait()
        self.stop()
        return status

    def ask_to_stop(self) -> None:
        """Have `run` stop everything and return."""
        self._asked_to_stop(0)

    def lacking(self, service: str) -> list[str]:
        """What a service still needs before it can take requests."""
        runtime = self.runtimes.get(service)
        if runtime is None:
            return ["service"]
        try:
            with runtime.database.look() as connection:
                connection.exec_driver_sql("SELECT 1")
        except SQLAlchemyError:
            return ["database"]
        return []

    def _runtime(self, service: str, settings: Settings) -> Runtime:
        database = Database(
            service,
            http_url=settings.http_database_url,
            work_url=settings.work_database_url,
            clock=self.clock,
            heard=self.topology.heard_by_anyone(service),
        )
        return Runtime(
            service=service,
            environment=settings.environment,
            clock=self.clock,
            database=database,
            broker=self.broker_class(settings.broker_url, self.topology),
            vault=Vault(settings.details_key),
            peers=self._peers(service, settings),
            parts=self.parts,
            settings=settings,
        )

    def _peers(self, service: str, settings: Settings) -> Peers:
        if self.neighbours:
            return NeighbourPeers(service, self.runtimes)
        key = ServiceKey.load(service, settings.service_key)
        return HttpPeers(peers_of(settings), key.token)

    def _watch(self, container: Container) -> None:
        try:
            container.wait()
        except Exception as failure:  # noqa: BLE001 - whatever killed it ends the process
            log.error("service_died", service=container.service_name, error=type(failure).__name__)
            self._asked_to_stop(1)

    def _asked_to_stop(self, status: int) -> None:
        if not self._stop.ready():
            self._stop.send(status)
