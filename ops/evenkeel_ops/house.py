"""The whole house in one process: some or all services on one port, for the demo and the tests.

The services are built from settings exactly as `serve` builds them; only the keys are made here.
"""

import base64
import json
import os
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import eventlet
import httpx
import sqlalchemy as sa

import catalogue.events  # noqa: F401 - fills the registry
from catalogue.codec import decode, encode
from catalogue.event import Event
from catalogue.streams import ANNOUNCES, HEARS
from chassis import migrations
from chassis.announce import uuid7
from chassis.backbone import Parts, Runtime
from chassis.broker import Broker
from chassis.clock import Clock, SimulatedClock, SystemClock
from chassis.message import Message, from_frames
from chassis.tables import cursors, event_log, stream_heads
from chassis.topology import Topology
from evenkeel_ops.configuration import SETTINGS
from evenkeel_ops.issuer import AT, DemoDoor, DemoIssuer, Somebody
from evenkeel_ops.provision import SERVICES, Urls
from web.hosting import Process, settings_of
from web.keys import ServiceKey
from web.server import Front

QUIET_SECONDS = 60.0
MEMORY_BROKER = "memory://localhost"


class NotQuiet(TimeoutError):
    """Something was still under way after a minute. The message says what."""


class House:
    """Some services, each with its own database, on one broker and one port."""

    def __init__(
        self,
        urls: Mapping[str, Urls],
        *,
        directory: Path,
        broker_url: str = MEMORY_BROKER,
        clock: Clock | None = None,
        port: int = 0,
        parts: Parts | None = None,
        settings: Mapping[str, str] | None = None,
        broker_class: Callable[[str, Topology], Broker] = Broker,
        people: Callable[[], Iterable[Somebody]] = list,
        front_class: Callable[..., Front] = Front,
    ) -> None:
        self.urls = dict(urls)
        self.directory = directory
        self.clock = clock or SystemClock()
        self.issuer = DemoIssuer(directory / "issuer.pem")
        self._environ = {
            **self._settings(broker_url),
            **(settings or {}),
        }
        (directory / SETTINGS).write_text(json.dumps(self._environ, indent=1))
        self.process = Process(
            front_class(port=port),
            Topology(ANNOUNCES, HEARS),
            clock=self.clock,
            parts=parts,
            neighbours=True,
            broker_class=broker_class,
        )
        self.process.front.mount(AT.strip("/"), DemoDoor(self.issuer, people))
        self._client = httpx.Client(timeout=30)

    @classmethod
    def embedded(
        cls, directory: Path, services: Iterable[str] = SERVICES, **options: Any
    ) -> "House":
        """SQLite files in a directory, and the in-memory broker."""
        directory.mkdir(parents=True, exist_ok=True)
        urls = {service: Urls.sqlite(directory / f"{service}.db") for service in services}
        return cls(urls, directory=directory, **options)

    def migrate(self) -> None:
        """Bring every service's database to the newest revision."""
        for service, urls in self.urls.items():
            migrations.upgrade(service, urls.owner)

    def start(self) -> None:
        """Start every service. Raises PortInUse."""
        for service in self.urls:
            self.process.add(service, settings_of(service, self._environ))
        self.process.start()

    def stop(self) -> None:
        self.process.stop()
        self._client.close()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.process.front.port}"

    def runtime(self, service: str) -> Runtime:
        return self.process.runtimes[service]

    def call(
        self,
        method: str,
        path: str,
        *,
        role: str = "clinician",
        clinics: Iterable[UUID] = (),
        person: UUID | None = None,
        headers: Mapping[str, str] | None = None,
        **request: Any,
    ) -> httpx.Response:
        """Ask a service over HTTP, as somebody."""
        token = self.issuer.token(role, person or uuid4(), clinics)
        return self._client.request(
            method,
            self.address + path,
            headers={"Authorization": f"Bearer {token}", **(headers or {})},
            **request,
        )

    def announced(self, service: str) -> list[Event]:
        """What a service has announced, in the order of its log."""
        with self.runtime(service).database.look() as connection:
            rows = connection.execute(sa.select(event_log.c.frames).order_by(event_log.c.seq))
            messages = [from_frames(bytes(row.frames)) for row in rows]
        return [decode(message.type, message.body) for message in messages]

    def hear(self, service: str, event: Event, *, source: str) -> None:
        """Have a service receive an event, as if another one had announced it."""
        receiver = self.runtime(service).backbone.receivers[event.stream.lane]
        with receiver.database.look() as connection:
            last = connection.execute(
                sa.select(cursors.c.version).where(
                    cursors.c.source == source, cursors.c.subject == event.subject
                )
            ).scalar()
        message = Message(
            id=(event_id := uuid7()),
            source=source,
            type=event.type,
            subject=event.subject,
            version=(last or 0) + 1,
            time=self.clock.now(),
            clinic_id=event.clinic_id,
            privacy=event.privacy,
            correlation_id=event_id,
            body=encode(event),
        )
        receiver.receive([message])

    def advance(self, to: datetime | timedelta) -> None:
        """Move the simulated clock forward, timer by timer, and come to rest at the end."""
        if not isinstance(self.clock, SimulatedClock):
            raise TypeError("only a simulated clock can be advanced")
        self.settle()
        end = self.clock.now() + to if isinstance(to, timedelta) else to
        while (due := self.next_due()) is not None and due <= end:
            self.clock.advance_to(due)
            self.settle()
        self.clock.advance_to(end)
        self.settle()

    def settle(self) -> None:
        """Return when every queue, log, timer and loop up to now is quiet. Raises NotQuiet."""
        before = None
        patience = eventlet.Timeout(QUIET_SECONDS)
        try:
            while before != (before := self.announced_so_far()):
                while self._unquiet():
                    eventlet.sleep(0.005)
                self._rest()
        except eventlet.Timeout as over:
            if over is not patience:
                raise
            raise NotQuiet(self._unquiet() or "a loop has always more to do") from None
        finally:
            patience.cancel()

    def _rest(self) -> None:
        """Have every loop run until it finds nothing more to do."""
        loops = [loop for runtime in self._runtimes for loop in runtime.backbone.loops]
        steps = [loop.begun + 1 for loop in loops]
        for loop in loops:
            loop.wake.ring()
        while any(loop.rested < step for loop, step in zip(loops, steps, strict=True)):
            eventlet.sleep(0.002)

    def _unquiet(self) -> str:
        """What is still under way between services, or nothing."""
        heads = {service: self._versions(service) for service in self.process.runtimes}
        for service, runtime in self.process.runtimes.items():
            for lane in runtime.backbone.receivers:
                for source, streams in self.process.topology.sources(service, lane).items():
                    wanted = sum(n for s, n in heads.get(source, {}).items() if s in streams)
                    if self._handled(service, source, streams) < wanted:
                        return f"{service} has not handled all that {source} announced"
        return ""

    def _versions(self, service: str) -> dict[str, int]:
        with self.runtime(service).database.look() as connection:
            rows = connection.execute(sa.select(stream_heads.c.subject, stream_heads.c.version))
            counts: dict[str, int] = {}
            for subject, version in rows:
                stream = subject.partition("/")[0]
                counts[stream] = counts.get(stream, 0) + version
        return counts

    def _handled(self, service: str, source: str, streams: Iterable[str]) -> int:
        with self.runtime(service).database.look() as connection:
            heard = sa.or_(*(cursors.c.subject.startswith(f"{s}/") for s in streams))
            total = sa.select(sa.func.coalesce(sa.func.sum(cursors.c.version), 0))
            return connection.execute(total.where(cursors.c.source == source, heard)).scalar_one()

    def announced_so_far(self) -> int:
        """How many events all services have announced."""
        return sum(sum(self._versions(service).values()) for service in self.process.runtimes)

    def next_due(self) -> datetime | None:
        """The first instant after now at which a timer or a loop has something to do."""
        found: list[datetime | None] = []
        for runtime in self._runtimes:
            asked = [loop.next_due for loop in runtime.backbone.loops if loop.next_due]
            with runtime.database.work() as session:
                found += [next_due(session) for next_due in asked]
        return min(filter(None, found), default=None)

    @property
    def _runtimes(self) -> Iterable[Runtime]:
        return self.process.runtimes.values()

    def _settings(self, broker_url: str) -> dict[str, str]:
        """The environment that `serve` would read, with keys made here."""
        keys = {s: ServiceKey.load(s, self.directory / f"{s}.pem") for s in self.urls}
        trusted = {
            "issuers": [self.issuer.trusted()],
            "services": {service: key.public_jwk() for service, key in keys.items()},
        }
        issuers = self.directory / "issuers.json"
        issuers.write_text(json.dumps(trusted))
        environ = {
            "EVENKEEL_ENVIRONMENT": "demo",
            "EVENKEEL_BROKER_URL": broker_url,
            "EVENKEEL_ISSUERS": str(issuers),
        }
        for service, urls in self.urls.items():
            prefix = f"EVENKEEL_{service.upper()}_"
            environ[f"{prefix}OWNER_DATABASE_URL"] = urls.owner
            environ[f"{prefix}WORK_DATABASE_URL"] = urls.work
            environ[f"{prefix}HTTP_DATABASE_URL"] = urls.http
            environ[f"{prefix}SERVICE_KEY"] = str(self.directory / f"{service}.pem")
            environ[f"{prefix}DETAILS_KEY"] = str(_details_key(self.directory / f"{service}.key"))
        environ["EVENKEEL_CRISIS_TIMELINE_KEY"] = str(timeline_key(self.directory))
        return environ


def timeline_key(directory: Path) -> Path:
    """The key that signs timelines, made as a service's own is."""
    file = directory / "timeline.pem"
    ServiceKey.load("crisis", file)
    return file


def _details_key(file: Path) -> Path:
    """A key-encryption key, made on first use, readable by its owner only."""
    if not file.exists():
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as made:
            made.write(base64.b64encode(os.urandom(32)))
    return file
