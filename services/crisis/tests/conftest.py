"""The database of a test: on SQLite and on PostgreSQL, with crisis' own roles."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from chassis.clock import SimulatedClock
from chassis.database import Database
from evenkeel_ops.postgres import Postgres
from evenkeel_ops.provision import Urls, hand_over
from services.crisis.tests.builders import START, Clinic, database_at, sqlite_urls


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock(START)


@pytest.fixture
def postgres_urls(postgres: Postgres, migrated: Callable[[str], str]) -> Iterator[Urls]:
    with postgres.database("crisis", template=migrated("crisis")) as url:
        yield hand_over(postgres, "crisis", str(make_url(url).database))


@pytest.fixture(params=["sqlite", "postgresql"])
def urls(request: pytest.FixtureRequest, tmp_path: Path) -> Urls:
    """A migrated database of each kind."""
    if request.param == "sqlite":
        return sqlite_urls(tmp_path)
    return request.getfixturevalue("postgres_urls")


@pytest.fixture
def database(urls: Urls, clock: SimulatedClock) -> Iterator[Database]:
    database = database_at(urls, clock)
    yield database
    database.close()


@pytest.fixture
def clinic(database: Database, clock: SimulatedClock) -> Clinic:
    return Clinic.with_rota(database, clock)
