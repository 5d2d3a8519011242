import pytest

from chassis import migrations
from chassis.clock import SimulatedClock
from chassis.database import Database
from chassis.details import Vault
from services.intake.tests.builders import START, Given


@pytest.fixture
def clock():
    return SimulatedClock(START)


@pytest.fixture
def given(tmp_path, clock):
    """A clinic's rows without a service around them, on SQLite."""
    url = f"sqlite:///{tmp_path / 'intake.db'}"
    migrations.upgrade("intake", url)
    database = Database("intake", http_url=url, work_url=url, clock=clock)
    yield Given(database, Vault(bytes(32)))
    database.close()
