"""`./evenkeel parked` beside a running service whose clock is simulated, as the demo's is."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import eventlet
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from catalogue.events import ParticipantAdmitted
from chassis.clock import SimulatedClock
from chassis.database import Session
from chassis.receive import Work
from chassis.tables import cursors, set_aside
from evenkeel_ops import parked
from evenkeel_ops.house import House
from evenkeel_ops.provision import SERVICES

LONG_AGO = datetime(2021, 3, 2, 9, tzinfo=UTC)
CLINIC = UUID("c11c11c1-0000-4000-8000-000000000001")
TYPE = ParticipantAdmitted.type


class Broken:
    """A handler of sessions with a fault in it, until it is mended."""

    def __init__(self, house: House) -> None:
        handlers = house.runtime("sessions").handlers.by_type
        self.is_mended = False
        self._handler = handlers[TYPE]
        handlers[TYPE] = self

    def __call__(self, work: Work, event: ParticipantAdmitted) -> None:
        if not self.is_mended:
            raise LookupError("a planted fault")
        self._handler(work, event)


@pytest.fixture
def house(house_of: Callable[..., House]) -> House:
    mail = {"EVENKEEL_SMTP_URL": "smtp://127.0.0.1:9", "EVENKEEL_SENDER": "a@example.org"}
    return house_of(*SERVICES, clock=SimulatedClock(LONG_AGO), settings=mail)


@pytest.fixture
def broken(house: House) -> Broken:
    return Broken(house)


def admit(house: House) -> None:
    admitted = ParticipantAdmitted(
        clinic_id=CLINIC, episode_id=uuid4(), participant_id=uuid4(), state="NY",
        zone="America/New_York", admitted_by=uuid4(),
    )  # fmt: skip
    house.hear("sessions", admitted, source="intake")


def run(directory: Path, *words: str) -> Result:
    return CliRunner().invoke(parked.app, [*words, "--directory", str(directory)])


def listed(directory: Path) -> list[dict]:
    return json.loads(run(directory, "list", "--json").stdout)


def until_nothing_is_parked(house: House) -> None:
    with eventlet.Timeout(10):
        while count_parked(house):
            eventlet.sleep(0.05)


def count_parked(house: House) -> int:
    with house.runtime("sessions").database.look() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(set_aside)).scalar_one()


@contextmanager
def committing_until(waited: Callable[[], None]) -> Iterator[None]:
    """What this green thread commits takes effect, and only then does its caller go on."""
    mine = eventlet.getcurrent()

    def wait(_: Session) -> None:
        if eventlet.getcurrent() is mine:
            waited()

    sa.event.listen(Session, "after_commit", wait)
    try:
        yield
    finally:
        sa.event.remove(Session, "after_commit", wait)


def test_what_is_parked_is_listed_by_cause_and_shown_one_by_one(house, broken, tmp_path):
    admit(house)
    admit(house)
    (group,) = listed(tmp_path)
    assert (group["service"], group["state"], group["type"]) == ("sessions", "parked", TYPE)
    assert group["cause"].startswith("handler_failed: LookupError")
    assert group["events"] == 2
    assert group["oldest"] in run(tmp_path, "list").stdout
    shown = json.loads(run(tmp_path, "show", "sessions", group["oldest"], "--json").stdout)
    assert (shown["version"], shown["reason"], shown["attempts"]) == (1, group["cause"], 0)
    assert json.loads(shown["body"])["clinic_id"] == str(CLINIC)
    assert "handler_failed" in run(tmp_path, "show", "sessions", group["oldest"]).stdout


def test_a_cause_is_redriven_once_its_fault_is_mended(house, broken, tmp_path):
    admit(house)
    admit(house)
    cause = listed(tmp_path)[0]["cause"]
    failed = run(tmp_path, "redrive", "sessions", "--cause", cause)
    assert failed.exit_code == 1
    assert failed.stdout.endswith("the canary failed again; the rest is left alone\n")
    broken.is_mended = True
    done = run(tmp_path, "redrive", "sessions", "--cause", cause)
    assert done.exit_code == 0
    assert done.stdout.endswith("the canary went well; 1 more are due now\n")
    until_nothing_is_parked(house)
    assert run(tmp_path, "redrive", "sessions", str(uuid4())).exit_code == 2


def test_what_goes_well_before_anybody_looks_is_no_failure(house, broken, tmp_path):
    """The running service is quicker than the command that made the event due."""
    admit(house)
    broken.is_mended = True
    event_id = listed(tmp_path)[0]["oldest"]
    with committing_until(lambda: until_nothing_is_parked(house)):
        assert run(tmp_path, "redrive", "sessions", event_id).exit_code == 0


def test_what_does_not_say_what_it_is_about_can_only_be_discarded(house, tmp_path):
    house.runtime("sessions").backbone.receivers["routine"].park_malformed({}, b"{}", "id")
    (group,) = listed(tmp_path)
    for chosen in ([group["oldest"]], ["--cause", group["cause"]]):
        refused = run(tmp_path, "redrive", "sessions", *chosen)
        assert refused.exit_code == 1
        assert refused.stderr == (
            f"evenkeel: {group['oldest']} does not say what it is about, "
            "so it can only be discarded\n"
        )
    assert run(tmp_path, "discard", "sessions", group["oldest"], "--by", "ana").exit_code == 0
    assert [one["state"] for one in listed(tmp_path)] == ["discarded"]


def test_a_discarded_event_is_passed_over_and_says_by_whom(house, broken, tmp_path):
    admit(house)
    event_id = listed(tmp_path)[0]["oldest"]
    assert run(tmp_path, "discard", "sessions", event_id, "--by", "ana").exit_code == 0
    with house.runtime("sessions").database.look() as connection:
        assert connection.execute(sa.select(set_aside.c.decided_by)).scalar_one() == "ana"
        assert connection.execute(sa.select(cursors.c.version)).scalar_one() == 1
    again = run(tmp_path, "discard", "sessions", event_id, "--by", "ana")
    assert again.exit_code == 2
    assert "is not parked" in again.stderr
