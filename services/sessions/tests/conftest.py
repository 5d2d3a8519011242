"""A day in a started house; and the service's database alone, on PostgreSQL where two meet."""

from collections.abc import Iterator

import pytest
from sqlalchemy import make_url

from chassis.clock import SimulatedClock
from evenkeel_ops.provision import Urls, create_roles, hand_over
from services.sessions.tests.builders import ANN, BEN, Books, Day, Room


@pytest.fixture
def day() -> Day:
    return Day()


@pytest.fixture
def room(house_of, day) -> Room:
    """A day for Ann and Ben, half an hour before its start."""
    house = house_of("sessions", clock=SimulatedClock(day.after(-30)))
    prepared = Room(house, day)
    prepared.prepare(ANN, BEN)
    return prepared


@pytest.fixture
def books(tmp_path) -> Iterator[Books]:
    kept = Books(Urls.sqlite(tmp_path / "sessions.db"))
    yield kept
    kept.database.close()


@pytest.fixture
def postgres_urls(postgres, fresh_database) -> Urls:
    create_roles(postgres.connect())
    return hand_over(postgres, "sessions", str(make_url(fresh_database("sessions")).database))


@pytest.fixture
def postgres_books(postgres_urls) -> Iterator[Books]:
    kept = Books(postgres_urls)
    yield kept
    kept.database.close()
