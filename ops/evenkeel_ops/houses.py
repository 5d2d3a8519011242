"""pytest fixtures that start real services, on both pairs of broker and database."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from chassis import migrations
from evenkeel_ops.house import House
from evenkeel_ops.provision import create_roles, hand_over

PAIRS = ("memory+sqlite", "rabbitmq+postgresql")


@pytest.fixture(params=PAIRS)
def pair(request: pytest.FixtureRequest) -> str:
    """Both pairs of broker and database, one after the other."""
    return request.param


@pytest.fixture
def house_of(
    pair: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[..., House]]:
    """`house_of("intake", "crisis", clock=…)` is a started house of those services."""
    with ExitStack() as going:

        def start(*services: str, **options: Any) -> House:
            if pair == "memory+sqlite":
                forget_memory_broker()
                house = House.embedded(tmp_path, services, **options)
            else:
                house = _on_real_parts(request, going, tmp_path, services, options)
            house.migrate()
            house.start()
            going.callback(house.stop)
            return house

        yield start


def forget_memory_broker() -> None:
    """kombu keeps in-memory queues for as long as the process lives."""
    from kombu.transport import memory
    from kombu.transport.virtual import BrokerState

    memory.Channel.queues.clear()
    memory.Transport.global_state = BrokerState()


def _on_real_parts(
    request: pytest.FixtureRequest,
    going: ExitStack,
    directory: Path,
    services: tuple[str, ...],
    options: dict[str, Any],
) -> House:
    server = request.getfixturevalue("postgres")
    templates = request.getfixturevalue("migrated")
    urls = {}
    for service in services:
        database = going.enter_context(server.database(service, template=templates(service)))
        urls[service] = hand_over(server, service, str(make_url(database).database))
    broker_url = going.enter_context(request.getfixturevalue("rabbitmq").vhost("house"))
    return House(urls, directory=directory, broker_url=broker_url, **options)


@pytest.fixture(scope="session")
def migrated(postgres: Any) -> Iterator[Callable[[str], str]]:
    """`migrated("intake")` names a migrated database, made once, to be copied for each test."""
    create_roles(postgres.connect())
    with ExitStack() as going:

        @cache
        def template(service: str) -> str:
            name = str(make_url(going.enter_context(postgres.database(service))).database)
            migrations.upgrade(service, hand_over(postgres, service, name).owner)
            return name

        yield template
