"""A migrated scheduling database of each kind, shared by the tests of its nouns: every test works
in a clinic of its own."""

from contextlib import ExitStack

import pytest
from sqlalchemy import make_url

from chassis import migrations
from chassis.clock import SimulatedClock
from chassis.database import Database
from evenkeel_ops.provision import Urls, create_roles, hand_over
from services.scheduling.tests.builders import NOW, Clinic

KINDS = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def urls_of(postgres, tmp_path_factory):
    """`urls_of("sqlite")` are the ways into a fresh, empty database."""
    create_roles(postgres.connect())
    with ExitStack() as going:

        def make(kind):
            if kind == "sqlite":
                return Urls.sqlite(tmp_path_factory.mktemp("scheduling") / "scheduling.db")
            name = make_url(going.enter_context(postgres.database("scheduling"))).database
            return hand_over(postgres, "scheduling", str(name))

        yield make


@pytest.fixture(scope="session", params=KINDS)
def shared_urls(request, urls_of):
    urls = urls_of(request.param)
    migrations.upgrade("scheduling", urls.owner)
    return urls


@pytest.fixture
def database(shared_urls):
    """The database as the service has it, at an instant that stands still."""
    made = Database(
        "scheduling",
        http_url=shared_urls.http,
        work_url=shared_urls.work,
        clock=SimulatedClock(NOW),
        heard=frozenset({"clinician", "cohort", "seat", "occurrence"}),
    )
    yield made
    made.close()


@pytest.fixture
def clinic(database):
    """A clinic nobody else's rows are in."""
    return Clinic(database)
