"""Services that are nothing but chassis: two databases of the catalogue's own streams."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

import catalogue.events  # noqa: F401 - fills the registry
from chassis.backbone import Runtime
from chassis.broker import Broker
from chassis.clock import Clock, SystemClock
from chassis.database import Database, connect
from chassis.details import Vault
from chassis.migrations import create_chassis, protect
from chassis.peers import NeighbourPeers
from evenkeel_ops.houses import forget_memory_broker
from evenkeel_ops.provision import Urls, create_roles, hand_over
from libs.chassis.tests.builders import TOPOLOGY, Tally, tallying


@pytest.fixture
def database_of(
    pair: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[..., Database]]:
    """`database_of("intake")` has the chassis' tables, and a tally that handlers count in."""
    with ExitStack() as going:

        def make(service: str, clock: Clock | None = None) -> Database:
            urls = _urls(pair, request, going, tmp_path, service)
            owner = connect(urls.owner)
            with owner.begin() as connection:
                operations = Operations(MigrationContext.configure(connection))
                create_chassis(operations, service)
                Tally.metadata.create_all(connection)
                protect(operations, service, "tally")
            owner.dispose()
            database = Database(
                service,
                http_url=urls.http,
                work_url=urls.work,
                clock=clock or SystemClock(),
                heard=TOPOLOGY.heard_by_anyone(service),
            )
            going.callback(database.close)
            return database

        yield make


@pytest.fixture
def broker_url(pair: str, request: pytest.FixtureRequest) -> str:
    """The broker that goes with the database of the pair."""
    if pair == "memory+sqlite":
        forget_memory_broker()
        return "memory://localhost"
    return request.getfixturevalue("fresh_vhost")()


def _urls(
    pair: str, request: pytest.FixtureRequest, going: ExitStack, directory: Path, service: str
) -> Urls:
    if pair == "memory+sqlite":
        return Urls.sqlite(directory / f"{service}.db")
    server = request.getfixturevalue("postgres")
    create_roles(server.connect())
    url = going.enter_context(server.database(service))
    return hand_over(server, service, str(sa.make_url(url).database))


@pytest.fixture
def runtime_of(
    database_of: Callable[..., Database], broker_url: str
) -> Iterator[Callable[..., Runtime]]:
    """`runtime_of("notifications")` is a service's runtime; its backbone is not started yet."""
    runtimes: dict[str, Runtime] = {}
    with ExitStack() as going:

        def make(service: str, **options: Any) -> Runtime:
            database = database_of(service)
            runtime = Runtime(
                service=service,
                environment="test",
                clock=database.clock,
                database=database,
                broker=Broker(broker_url, TOPOLOGY),
                vault=Vault(b"k" * 32),
                peers=NeighbourPeers(service, runtimes),
                handlers=tallying(database).handlers,
                **options,
            )
            runtimes[service] = runtime
            going.callback(runtime.backbone.stop)
            return runtime

        yield make
