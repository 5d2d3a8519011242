"""The service's database alone: on SQLite for its nouns, on PostgreSQL where two meet."""

from collections.abc import Iterator

import pytest
from sqlalchemy import make_url

from evenkeel_ops.provision import Urls, create_roles, hand_over
from services.sessions.tests.builders import Books


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
