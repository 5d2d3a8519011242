"""`python -m crisis.sweeper`: a process without nameko and broker, killed and started again."""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import urlopen

import pytest
import sqlalchemy as sa

import crisis
from chassis.clock import SystemClock
from chassis.database import Database
from chassis.details import Vault
from chassis.migrations import head_of
from chassis.tables import lives
from crisis.sweeper import Sweeper
from evenkeel_ops.providers.running import providers
from evenkeel_ops.provision import Urls
from services.crisis.tests.builders import KEY, Clinic, until

PROGRAM = [sys.executable, "-m", "crisis.sweeper"]
MIGRATIONS = Path(crisis.__file__).parent / "migrations"


@pytest.fixture
def now_database(urls) -> Iterator[Database]:
    database = Database("crisis", http_url=urls.http, work_url=urls.work, clock=SystemClock())
    yield database
    database.close()


@pytest.fixture
def clinic(now_database) -> Clinic:
    clinic = Clinic.with_rota(now_database, SystemClock())
    for person in (person for rung in clinic.rungs for person in rung):
        clinic.give_details(Vault(KEY), person, email=f"{person}@staff.example")
    return clinic


def environ_for(urls, directory: Path, smtp_url: str) -> dict[str, str]:
    key = directory / "key"
    key.write_text(base64.b64encode(KEY).decode())
    key.chmod(0o600)
    issuers = directory / "issuers.json"
    issuers.write_text(json.dumps({"issuers": [], "services": {}}))
    return os.environ | {
        "EVENKEEL_ENVIRONMENT": "test",
        "EVENKEEL_CRISIS_WORK_DATABASE_URL": urls.work,
        "EVENKEEL_CRISIS_HTTP_DATABASE_URL": urls.http,
        "EVENKEEL_BROKER_URL": "amqp://nobody.invalid",
        "EVENKEEL_CRISIS_DETAILS_KEY": str(key),
        "EVENKEEL_CRISIS_SERVICE_KEY": str(key),
        "EVENKEEL_ISSUERS": str(issuers),
        "EVENKEEL_SMTP_URL": smtp_url,
        "EVENKEEL_SENDER": "crisis@evenkeel.example",
        "EVENKEEL_INTERNAL_PORT": "0",
    }


@contextmanager
def a_sweeper(environ: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(PROGRAM, env=environ) as process:
        try:
            yield process
        finally:
            process.kill()


def sweepers(database: Database) -> int:
    with database.work() as db:
        return db.query(Sweeper).count()


def test_two_sweepers_go_on_when_one_is_killed_and_page_each_rung_once(
    clinic, urls, now_database, tmp_path
):
    """The deadlines are those of the raise, however often sweepers die in between."""
    with providers(tmp_path / "mail") as mail:
        environ = environ_for(urls, tmp_path, mail.smtp_url())
        with a_sweeper(environ) as first, a_sweeper(environ):
            until(lambda: sweepers(now_database) == 2)
            noticed_at = datetime.now(UTC) - timedelta(seconds=117)
            case_id = clinic.raises("T1", noticed_at=noticed_at)
            until(lambda: len(mail.accepted()) > 0)
            os.kill(first.pid, signal.SIGKILL)
            until(lambda: [p.state for p in clinic.pages(case_id)] == ["sent", "sent"])
        with clinic.case(case_id) as (_, case):
            assert (case.rung, case.next_due_at) == (2, noticed_at + timedelta(seconds=240))
        assert clinic.told(case_id) == ["opened", "rung_paged", "rung_paged"]
        ids = {letter["key"] for letter in mail.accepted()}
        assert ids == {f"{page.id}@evenkeel" for page in clinic.pages(case_id)}
    late = clinic.pages(case_id)[1].called_at - (noticed_at + timedelta(seconds=120))
    assert timedelta(0) <= late < timedelta(seconds=5)


def test_a_sweeper_needs_neither_nameko_nor_a_broker():
    asked = "import sys, crisis.sweeper; print(*sorted(m for m in sys.modules))"
    run = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in run.stdout.split()}
    assert not loaded & {"nameko", "kombu", "pika", "werkzeug", "web"}


def test_a_sweeper_ends_at_sigterm(urls, clinic, tmp_path, now_database):
    with a_sweeper(environ_for(urls, tmp_path, "smtp://127.0.0.1:9")) as process:
        until(lambda: sweepers(now_database) == 1)
        process.terminate()
        began = time.monotonic()
        assert process.wait(10) == 0
        assert time.monotonic() - began < 5


def refusal(environ: dict[str, str]) -> tuple[int, list[str]]:
    """With which status and words a sweeper does not even start."""
    run = subprocess.run(PROGRAM, env=environ, capture_output=True, text=True, timeout=30)
    assert "Traceback" not in run.stderr
    return run.returncode, [line for line in run.stderr.splitlines() if "evenkeel: " in line]


def test_a_sweeper_refuses_a_database_that_is_not_migrated(tmp_path):
    empty = Urls.sqlite(tmp_path / "empty.db")
    status, said = refusal(environ_for(empty, tmp_path, "smtp://127.0.0.1:9"))
    assert (status, said) == (
        1,
        [f"evenkeel: crisis is at nothing, the code at {head_of('crisis')}"],
    )


def test_a_sweeper_refuses_a_database_that_was_restored(urls, now_database, tmp_path):
    with now_database.work() as db:
        db.connection().execute(sa.update(lives).values(fingerprint="of another timeline"))
    status, said = refusal(environ_for(urls, tmp_path, "smtp://127.0.0.1:9"))
    assert status == 1
    assert said == ["evenkeel: crisis was restored: ./evenkeel reconcile crisis, then serve it"]


def test_a_sweepers_metrics_are_on_the_internal_address_alone(urls, clinic, now_database, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        environ = environ_for(urls, tmp_path, "smtp://127.0.0.1:9")
        environ |= {"EVENKEEL_INTERNAL_PORT": port, "EVENKEEL_INTERNAL_HOST": "127.0.0.1"}
        said = [f"evenkeel: 127.0.0.1:{port} is in use by another process"]
        assert refusal(environ) == (1, said)
        with a_sweeper(environ | {"EVENKEEL_INTERNAL_HOST": "127.0.0.2"}):
            until(lambda: sweepers(now_database) == 1)
            metrics = urlopen(f"http://127.0.0.2:{port}/metrics").read()
    assert b"evenkeel_crisis_sweeper_heartbeat" in metrics


def test_wrong_settings_of_a_sweeper_are_said_in_a_line_each(tmp_path):
    wrong = {"EVENKEEL_SMTP_URL": "http://mail", "EVENKEEL_INTERNAL_PORT": "x"}
    given = environ_for(Urls.sqlite(tmp_path / "empty.db"), tmp_path, "") | wrong
    status, said = refusal(given)
    assert (status, len(said)) == (2, 2)
