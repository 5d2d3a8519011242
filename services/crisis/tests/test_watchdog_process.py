"""`./evenkeel serve crisis --watchdog`: a process that calls out when the others cannot."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
import sqlalchemy as sa
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from chassis import migrations
from chassis.clock import SystemClock
from chassis.database import Database
from crisis.case import Case
from crisis.sweeper import Sweeper
from crisis.watchdog.process import engine_of, look
from crisis.watchdog.watch import DATABASE, DEADLINE, MEANS, SWEEPER
from evenkeel_ops.machine import free_ports, in_memory
from evenkeel_ops.postgres import Postgres
from evenkeel_ops.providers.running import Providers, providers
from evenkeel_ops.provision import WATCH, Urls, create_roles, hand_over
from services.crisis.tests.builders import START, Clinic, until
from services.crisis.tests.test_sweeper_process import a_sweeper, environ_for, sweepers

PROGRAM = [sys.executable, "-m", "evenkeel_ops", "serve", "crisis", "--watchdog"]
PATIENCE = 40.0


@pytest.fixture
def server() -> Iterator[Postgres]:
    """A server of this test's own, to be killed."""
    with Postgres(in_memory(), fsync=False) as server:
        create_roles(server.connect())
        yield server


@pytest.fixture
def own_urls(server: Postgres) -> Iterator[Urls]:
    with server.database("crisis") as url:
        urls = hand_over(server, "crisis", str(make_url(url).database))
        migrations.upgrade("crisis", urls.owner)
        yield urls


def watching(urls: Urls) -> str:
    """The database, as the watchdog reads it."""
    url = make_url(urls.work)
    return str(url if url.get_backend_name() == "sqlite" else url.set(username=WATCH["crisis"]))


class Dog:
    """A running watchdog, and what came of its alarms."""

    def __init__(self, alarms: Providers, port: int) -> None:
        self.alarms, self.port = alarms, port

    def heard(self) -> list[str]:
        """Which alarms arrived, in order."""
        code = {f"{means}": code for code, means in MEANS.items()}
        texts = [letter["subject"] for letter in self.alarms.accepted()]
        return [code[next(means for means in code if means in text)] for text in texts]

    def sees(self) -> bool:
        return "looked_timestamp_seconds 0.0" not in self._metrics()

    def has_on(self, code: str) -> bool:
        return f'evenkeel_crisis_watchdog_alarm{{alarm="{code}"}} 1.0' in self._metrics()

    def _metrics(self) -> str:
        try:
            return urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5).read().decode()
        except URLError:
            return "looked_timestamp_seconds 0.0"


@contextmanager
def a_watchdog(urls: Urls, alarms: Providers) -> Iterator[Dog]:
    (port,) = free_ports(1)
    environ = os.environ | {
        "EVENKEEL_ENVIRONMENT": "test",
        "EVENKEEL_CRISIS_WATCHDOG_DATABASE_URL": watching(urls),
        "EVENKEEL_CRISIS_WATCHDOG_SMTP_URL": alarms.smtp_url(),
        "EVENKEEL_CRISIS_WATCHDOG_SENDER": "watchdog@evenkeel.example",
        "EVENKEEL_CRISIS_WATCHDOG_TO": "duty@evenkeel.example",
        "EVENKEEL_CRISIS_WATCHDOG_PORT": str(port),
    }
    with subprocess.Popen(PROGRAM, env=environ) as process:
        try:
            dog = Dog(alarms, port)
            until(dog.sees, PATIENCE)
            yield dog
        finally:
            process.kill()


@pytest.fixture
def alarms(tmp_path) -> Iterator[Providers]:
    with providers(tmp_path / "alarms") as found:
        yield found


@pytest.fixture
def pages(tmp_path) -> Iterator[Providers]:
    with providers(tmp_path / "pages") as found:
        yield found


def test_a_sweeper_that_stands_still_is_called_out_once_an_episode_and_by_another_way(
    postgres_urls, tmp_path, alarms, pages
):
    """Planted faults: an alarm a look; a watchdog that alarms through the sender."""
    database = Database(
        "crisis", http_url=postgres_urls.http, work_url=postgres_urls.work, clock=SystemClock()
    )
    environ = environ_for(postgres_urls, tmp_path, pages.smtp_url())
    with a_sweeper(environ) as sweeper:
        until(lambda: sweepers(database) == 1, PATIENCE)
        with a_watchdog(postgres_urls, alarms) as dog:
            for episode in (1, 2):
                os.kill(sweeper.pid, signal.SIGSTOP)
                until(lambda n=episode: len(dog.heard()) == n, PATIENCE)
                os.kill(sweeper.pid, signal.SIGCONT)
                until(lambda: not dog.has_on(SWEEPER), PATIENCE)
            assert dog.heard() == [SWEEPER, SWEEPER]
    assert pages.accepted() == []
    database.close()


def test_a_database_that_is_killed_is_called_out_and_it_is_quiet_again_when_it_is_back(
    server, own_urls, tmp_path, alarms, pages
):
    """Planted fault: a watchdog that is blind to a dead database."""
    environ = environ_for(own_urls, tmp_path, pages.smtp_url())
    with a_sweeper(environ), a_watchdog(own_urls, alarms) as dog:
        server.kill()
        until(lambda: dog.heard() == [DATABASE], PATIENCE)
        server.start()
        until(lambda: not dog.has_on(DATABASE), PATIENCE)
        until(dog.sees, PATIENCE)
        assert dog.heard() == [DATABASE]


def test_a_deadline_that_nobody_keeps_is_called_out_though_the_sweeper_beats(
    postgres_urls, tmp_path, alarms, pages
):
    database = Database(
        "crisis", http_url=postgres_urls.http, work_url=postgres_urls.work, clock=SystemClock()
    )
    case_id = Clinic.with_rota(database, SystemClock()).raises("T1")
    with database.work() as db:
        cannot_climb = {"policy": {"tier": "T1"}, "next_due_at": db.now}
        db.execute(sa.update(Case).where(Case.id == case_id).values(cannot_climb))
    with a_sweeper(environ_for(postgres_urls, tmp_path, pages.smtp_url())):
        until(lambda: sweepers(database) == 1, PATIENCE)
        with a_watchdog(postgres_urls, alarms) as dog:
            until(lambda: dog.heard() == [DEADLINE], PATIENCE)
    database.close()


def test_a_look_sees_deadlines_and_beats_and_nothing_else_and_cannot_write(clinic, urls, database):
    """Planted fault: a role that may write, or read who somebody is."""
    clinic.raises("T1")
    with database.work() as db:
        db.add(Sweeper(name="one", beat_at=db.now))
    engine = engine_of(watching(urls))
    seen = look(engine)
    assert seen.beat_at == START
    with clinic.database.work() as db:
        assert seen.oldest_due_at == db.scalar(sa.select(sa.func.min(Case.next_due_at)))
    refused = "permission denied|read-only|readonly"
    for write in ("UPDATE cases SET next_due_at = NULL", "DELETE FROM sweepers"):
        with pytest.raises(DBAPIError, match=refused), engine.begin() as connection:
            connection.exec_driver_sql(write)
    if engine.dialect.name == "postgresql":
        for table in ("cases", "pages", "case_timeline", "details"):
            with pytest.raises(DBAPIError, match="permission denied"), engine.begin() as connection:
                connection.exec_driver_sql(f"SELECT * FROM {table}")


def test_a_watchdog_loads_neither_nameko_nor_a_broker_nor_the_sender():
    asked = "import sys, crisis.watchdog.process; print(*sorted(sys.modules))"
    run = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert not {"nameko", "kombu", "pika", "werkzeug", "web"} & loaded
    assert not {"crisis.paging.sender", "crisis.sweeper", "crisis.paging.page"} & loaded


def test_wrong_settings_of_a_watchdog_are_said_in_a_line_each(tmp_path: Path):
    without = {name: value for name, value in os.environ.items() if "WATCHDOG" not in name}
    run = subprocess.run(PROGRAM, env=without, capture_output=True, text=True, timeout=60)
    said = [line for line in run.stderr.splitlines() if line.startswith("evenkeel: ")]
    assert (run.returncode, len(said)) == (2, 2)
