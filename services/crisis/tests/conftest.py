"""The database of a test: on SQLite and on PostgreSQL, with crisis' own roles."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from chassis.clock import SimulatedClock
from chassis.database import Database
from evenkeel_ops.postgres import Postgres
from evenkeel_ops.providers.running import Providers, providers
from evenkeel_ops.provision import Urls, hand_over
from services.crisis.tests.builders import START, Clinic, database_at, sqlite_urls
from services.crisis.tests.paged import Paged


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


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Providers]:
    """Providers that accept, deliver and keep what they get."""
    with providers(tmp_path / "outside") as running:
        yield running


@pytest.fixture
def paged(clinic: Clinic, urls: Urls, outside: Providers) -> Paged:
    return Paged(clinic, urls, outside)
