"""`./evenkeel audit`: what it says of a chain, and with which status it ends."""

import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import make_url
from typer.testing import CliRunner

from chassis.clock import SimulatedClock
from crisis.record import export
from crisis.record.checkpoint import sign_ends
from crisis.record.signing import PublicKeys, signing_key
from crisis.timeline import Entry
from evenkeel_ops import audit
from evenkeel_ops.configuration import SETTINGS, database_of
from evenkeel_ops.house import timeline_key
from evenkeel_ops.machine import ROOT
from services.crisis.tests.builders import START, Clinic, database_at, sqlite_urls


@pytest.fixture
def demo(tmp_path) -> Path:
    """A directory as a demo leaves it, with one case in it."""
    urls = sqlite_urls(tmp_path)
    key = timeline_key(tmp_path)
    clock = SimulatedClock(START)
    database = database_at(urls, clock)
    clinic = Clinic.with_rota(database, clock)
    clinic.acknowledges(clinic.raises("T1"))
    sign_ends(database, signing_key(str(key)))
    clinic.raises("T2")
    database.close()
    found = {
        "EVENKEEL_CRISIS_WORK_DATABASE_URL": urls.work,
        "EVENKEEL_CRISIS_TIMELINE_KEY": str(key),
    }
    (tmp_path / SETTINGS).write_text(json.dumps(found))
    return tmp_path


def file_of(demo: Path) -> str:
    found = json.loads((demo / SETTINGS).read_text())
    return str(make_url(found["EVENKEEL_CRISIS_WORK_DATABASE_URL"]).database)


def tamper(demo: Path, change: str) -> None:
    with closing(sqlite3.connect(file_of(demo))) as plain:
        for verb in ("update", "delete"):
            plain.execute(f"DROP TRIGGER IF EXISTS case_timeline_no_{verb}")
        plain.execute(change)
        plain.commit()


def run(*arguments: str, directory: Path):
    return CliRunner().invoke(audit.app, [*arguments, "--directory", str(directory)])


def told(demo: Path, *options: str) -> dict:
    done = run("verify", "--json", *options, directory=demo)
    return {"status": done.exit_code, **json.loads(done.stdout)}


def test_an_unaltered_chain_is_told_with_what_was_checked(demo):
    done = run("verify", directory=demo)
    assert done.exit_code == 0
    assert "5 entries unaltered, 3 of them confirmed by 1 signed checkpoints, 2 since" in (
        " ".join(done.stdout.split())
    )
    found = told(demo)
    assert (found["status"], found["altered"]) == (0, 0)
    assert found["chains"][0] | {"entries": 5, "confirmed": 3, "fault": None} == found["chains"][0]


@pytest.mark.parametrize(
    ("change", "what", "place"),
    [
        ("UPDATE case_timeline SET what = 'opened' WHERE place = 3", "altered", 3),
        ("DELETE FROM case_timeline WHERE place = 2", "missing", 2),
        ("DELETE FROM case_timeline WHERE place > 2", "cut", 3),
    ],
)
def test_the_first_altered_entry_is_named_and_the_status_is_1(demo, change, what, place):
    tamper(demo, change)
    found = told(demo)
    fault = found["chains"][0]["fault"]
    assert (found["status"], fault["what"], fault["place"]) == (1, what, place)
    said = run("verify", directory=demo)
    assert said.exit_code == 1
    assert f"entry {place}" in said.stdout


def test_the_public_key_alone_is_enough_and_another_key_is_not(demo, tmp_path):
    public = tmp_path / "timeline.pub"
    public.write_text(run("key", directory=demo).stdout)
    assert "PUBLIC KEY" in public.read_text()
    assert told(demo, "--key", str(public))["status"] == 0
    (elsewhere := tmp_path / "elsewhere").mkdir()
    stranger = tmp_path / "stranger.pub"
    private = str(timeline_key(elsewhere))
    subprocess.run(
        ["openssl", "pkey", "-in", private, "-pubout", "-out", str(stranger)], check=True
    )
    found = told(demo, "--key", str(stranger))
    assert (found["status"], found["chains"][0]["fault"]["what"]) == (1, "not_signed")


def test_without_a_key_nothing_is_claimed(demo, tmp_path):
    found = json.loads((demo / SETTINGS).read_text())
    del found["EVENKEEL_CRISIS_TIMELINE_KEY"]
    (demo / SETTINGS).write_text(json.dumps(found))
    assert run("verify", directory=demo).exception.__class__.__name__ == "Lacking"
    (wrong := tmp_path / "wrong.pub").write_text("nothing")
    assert run("verify", "--key", str(wrong), directory=demo).exit_code == 2


@pytest.fixture
def exported(demo, tmp_path) -> Path:
    """A case's signed timeline, in a file."""
    with database_of("crisis", demo) as database, database.work() as db:
        case_id = db.scalars(sa.select(Entry.case_id).where(Entry.place == 1)).one()
        key = signing_key(str(demo / "timeline.pem"))
        document = export.timeline(db, case_id, key, by="auditor:x", at=START)
    (file := tmp_path / "case.json").write_text(json.dumps(document, indent=2))
    return file


def altered(file: Path, change: Callable[[dict], object]) -> Path:
    document = json.loads(file.read_text())
    change(document)
    (other := file.with_name("altered.json")).write_text(json.dumps(document))
    return other


ALTERATIONS: dict[str, Callable[[dict], object]] = {
    "an entry changed": lambda d: d["entries"][1].update(what="nothing"),
    "an entry left out": lambda d: d["entries"].pop(1),
    "the end cut off": lambda d: d["entries"].pop(),
    "two entries swapped": lambda d: d["entries"].reverse(),
    "another case": lambda d: d.update(case_id="0190a2b4-0000-7000-8000-000000000000"),
    "no signature": lambda d: d.pop("signature"),
    "a signature of nothing": lambda d: d.update(signature=""),
    "another form": lambda d: d.update(format="v0"),
}


@pytest.mark.parametrize("how", ALTERATIONS)
def test_an_exported_timeline_is_checked_with_the_public_key(demo, exported, tmp_path, how):
    (public := tmp_path / "timeline.pub").write_text(run("key", directory=demo).stdout)
    nowhere = tmp_path / "nowhere"
    done = run("verify", str(exported), "--key", str(public), directory=nowhere)
    assert (done.exit_code, "3 entries, signed and unaltered" in done.stdout) == (0, True)
    other = altered(exported, ALTERATIONS[how])
    found = run("verify", str(other), "--key", str(public), "--json", directory=nowhere)
    assert (found.exit_code, bool(json.loads(found.stdout)["wrong"])) == (1, True)


@pytest.mark.parametrize("how", ALTERATIONS)
def test_a_stranger_can_check_it_with_the_code_of_the_documentation(demo, exported, tmp_path, how):
    (public := tmp_path / "timeline.pub").write_text(run("key", directory=demo).stdout)
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/record.md").read_text(), re.DOTALL)
    (program := tmp_path / "check.py").write_text(code)

    def status_of(file: Path) -> int:
        words = [sys.executable, "-I", str(program), str(file), str(public)]
        return subprocess.run(words, capture_output=True).returncode

    assert status_of(exported) == 0
    assert status_of(altered(exported, ALTERATIONS[how])) != 0


def test_a_signature_does_not_hide_that_its_signer_left_something_out(demo, exported):
    """Planted fault: a check that stops at the signature."""
    key = signing_key(str(demo / "timeline.pem"))
    for how in ("an entry changed", "an entry left out", "two entries swapped", "another case"):
        document = json.loads(altered(exported, ALTERATIONS[how]).read_text())
        del document["signature"]
        document["signature"] = key.sign(document)
        said = export.wrong_with(document, PublicKeys([key.public]))
        assert said, how
        assert said.startswith("entry "), how


def test_what_is_no_json_is_wrong_usage(demo, tmp_path):
    (file := tmp_path / "case.json").write_text("{")
    assert run("verify", str(file), directory=demo).exit_code == 2


def test_one_clinic_can_be_asked_for(demo):
    clinic = told(demo)["chains"][0]["clinic_id"]
    assert [one["clinic_id"] for one in told(demo, "--clinic", clinic)["chains"]] == [clinic]
