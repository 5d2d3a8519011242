"""What every test may ask for: private database and broker nodes, started once, on first use."""

import eventlet

eventlet.monkey_patch()

import shutil  # noqa: E402
from collections.abc import Callable, Iterator  # noqa: E402
from contextlib import ExitStack  # noqa: E402
from pathlib import Path  # noqa: E402

import pytest  # noqa: E402

from evenkeel_ops.machine import ROOT, in_memory  # noqa: E402
from evenkeel_ops.postgres import Postgres  # noqa: E402
from evenkeel_ops.rabbitmq import RabbitMQ  # noqa: E402

pytest_plugins = ["evenkeel_ops.houses"]

collect_ignore = ["tests/browser"]
"""They run in a process of their own, which eventlet has not patched."""

LOGS = ROOT / ".evenkeel" / "test"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with Postgres(in_memory(), fsync=False) as server:
        yield server
        keep_log(server.log)


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[RabbitMQ]:
    with RabbitMQ(in_memory()) as node:
        yield node
        keep_log(node.log)


@pytest.fixture
def fresh_database(postgres: Postgres) -> Iterator[Callable[[str], str]]:
    """`fresh_database("intake")` is the url of an empty database that goes after the test."""
    with ExitStack() as databases:
        yield lambda name: databases.enter_context(postgres.database(name))


@pytest.fixture(scope="module")
def vhost(rabbitmq: RabbitMQ) -> Iterator[str]:
    """The url of a vhost that the tests of one module share."""
    with rabbitmq.vhost("module") as url:
        yield url


@pytest.fixture
def fresh_vhost(rabbitmq: RabbitMQ) -> Iterator[Callable[[], str]]:
    """`fresh_vhost()` is the url of a vhost that goes after the test."""
    with ExitStack() as vhosts:
        yield lambda: vhosts.enter_context(rabbitmq.vhost("test"))


def keep_log(log: Path) -> None:
    """Under the name of the node's directory: processes that share the tests have nodes each."""
    LOGS.mkdir(parents=True, exist_ok=True)
    shutil.copy(log, LOGS / f"{log.parent.name}.log")
