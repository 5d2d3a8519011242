import os
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import make_url

from channels.channel import Channel
from chassis import migrations
from chassis.clock import SimulatedClock
from chassis.database import Database
from chassis.details import Vault
from evenkeel_ops.providers.running import providers
from evenkeel_ops.provision import Urls, hand_over
from services.notifications.tests.builders import by_mail


@pytest.fixture
def clock() -> SimulatedClock:
    """Ten in the morning in New York, on a Tuesday."""
    return SimulatedClock(datetime(2026, 11, 24, 15, 0, tzinfo=UTC))


@pytest.fixture(params=["sqlite", "postgresql"])
def urls(request, tmp_path) -> Urls:
    """An empty database of this service on each of the two."""
    if request.param == "sqlite":
        return Urls.sqlite(tmp_path / "notifications.sqlite")
    return request.getfixturevalue("postgres_urls")


@pytest.fixture
def postgres_urls(postgres, migrated) -> Iterator[Urls]:
    with postgres.database("notifications", template=migrated("notifications")) as url:
        yield hand_over(postgres, "notifications", str(make_url(url).database))


@pytest.fixture
def database(urls, clock):
    yield from _opened(urls, clock)


@pytest.fixture
def postgres_database(postgres_urls, clock):
    yield from _opened(postgres_urls, clock)


def _opened(urls: Urls, clock: SimulatedClock):
    migrations.upgrade("notifications", urls.owner)
    opened = Database("notifications", http_url=urls.http, work_url=urls.work, clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def vault_key() -> bytes:
    return os.urandom(32)


@pytest.fixture
def vault(vault_key) -> Vault:
    return Vault(vault_key)


@pytest.fixture
def mail_directory(tmp_path):
    return tmp_path / "mail"


@pytest.fixture
def mail(mail_directory):
    """A mail server that accepts everything."""
    with providers(mail_directory) as running:
        yield running


@pytest.fixture
def post(mail, clock) -> dict[str, Channel]:
    """Our side of that mail server."""
    return by_mail(clock, mail.smtp_url())
