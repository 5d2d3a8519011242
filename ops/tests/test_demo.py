"""The demo as whoever types it sees it: a small clinic's day, undisturbed and disturbed."""

import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from evenkeel_ops.machine import ROOT, free_ports
from evenkeel_ops.simulator.balance import balance
from evenkeel_ops.simulator.ledger import FILE, Ledger
from ops.tests.watcher import Watcher
from web.callers import PEOPLE

PROGRAM = (sys.executable, "-P", "-m", "evenkeel_ops")
IMPATIENT = """
import eventlet; eventlet.monkey_patch()
from evenkeel_ops import cli, house
house.QUIET_SECONDS = 3.0
cli.main()
"""
INTERRUPTED = """
import runpy, sys
class Interrupted:
    def find_spec(self, name, *_):
        if name == "evenkeel_ops.cli":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupted())
runpy.run_module("evenkeel_ops", run_name="__main__")
"""
REFUSED = """CREATE TRIGGER refused BEFORE UPDATE OF attended_minutes ON episodes
BEGIN SELECT raise(ABORT, 'refused by a test'); END"""
SMALL_DAY = ("--headless", "--seed", "7", "--clinics", "1", "--participants", "8", "--port", "0")
EVERYBODY = {
    "referred": 8, "screened": 8, "admitted": 8, "seated": 8,
}  # fmt: skip


def demo(
    directory: Path,
    *options: str,
    program: Sequence[str] = PROGRAM,
    small: Sequence[str] = SMALL_DAY,
    **environ: str,
) -> subprocess.Popen[str]:
    command = [*program, "demo", *small, *options]
    return subprocess.Popen(
        [*command, "--json", "--directory", str(directory / "demo")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "EVENKEEL_STARTED_AT": "", **environ},
    )


def told(run: subprocess.Popen[str]) -> tuple[int, dict[str, Any]]:
    """Exit status, and the object on the last line."""
    said, complained = run.communicate(timeout=180)
    assert said, complained
    return run.returncode, json.loads(said.splitlines()[-1])


def is_clean(result: dict[str, Any]) -> bool:
    return not (result["lost"] or result["duplicated"] or result["out_of_order"])


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    """A day with an outage: where its data lie, how it ended and what it told."""
    directory = tmp_path_factory.mktemp("day")
    return directory, *told(demo(directory, "--outage", "2"))


def test_a_day_with_an_outage_loses_and_doubles_nothing(day):
    _, status, result = day
    assert status == 0
    assert is_clean(result)
    assert result["outages"] == 1
    assert result["people"].items() >= EVERYBODY.items()
    assert result["people"]["pages_acknowledged"] == result["people"]["crisis_cases"] > 0
    assert sum(result["events"].values()) > 100


def test_a_risk_is_followed_from_its_screen_to_the_follow_up_of_its_case(day):
    directory, _, _ = day
    databases = json.loads((directory / "demo" / "settings.json").read_text())

    def log(*arguments: str) -> list[dict[str, Any]]:
        command = [sys.executable, "-P", "-m", "evenkeel_ops", "log", *arguments, "--json"]
        run = subprocess.run(
            command, cwd=ROOT, env={**os.environ, **databases}, capture_output=True, text=True
        )
        return json.loads(run.stdout)

    opened = next(event for event in log("crisis") if "case_opened" in event["type"])
    hops = log("--follow-id", opened["subject"])
    names = [hop["type"].split(".")[2] for hop in hops]
    assert names.index("risk_detected") < names.index("case_opened") < names.index("rung_paged")
    assert names[-1] == "tier_changed"
    risk = hops[names.index("risk_detected")]
    assert risk["heard_by"]["crisis"] == "handled"
    assert all(hop["waited_seconds"] >= 0 for hop in hops)
    rungs = [event for event in log("crisis") if event["type"].endswith("rung_paged.v1")]
    climbed = next(
        event for event in rungs if [e["subject"] for e in rungs].count(event["subject"]) > 1
    )
    journey = log("--follow-id", climbed["correlation_id"])
    assert sum(hop["type"].endswith("rung_paged.v1") for hop in journey) > 1
    sent = next(event for event in log("notifications") if event["type"].endswith("sent.v1"))
    told_because = log("--follow-id", sent["correlation_id"])
    assert len(told_because) > 1


def test_the_log_tells_whole_ids_on_a_narrow_terminal(day):
    directory, _, _ = day
    command = [*PROGRAM, "log", "crisis", "--limit", "1", "--directory", str(directory / "demo")]
    run = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "COLUMNS": "80"}, capture_output=True, text=True
    )
    assert UUID(run.stdout.split()[-1])


def test_both_durations_count_from_when_the_wrapper_was_started(tmp_path):
    an_hour_ago = str(time.time() - 3600)
    status, result = told(demo(tmp_path, "--until", "08:00", EVENKEEL_STARTED_AT=an_hour_ago))
    assert status == 0
    assert 3600 < result["first_event_s"] < result["wall_s"]


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("DELETE FROM screen_answers WHERE rowid IN (SELECT min(rowid) FROM screen_answers)",
         "LOST"),
        ("UPDATE episodes SET confirmed_level = NULL", "LOST"),
        ("INSERT INTO recommendations SELECT lower(hex(randomblob(16))), clinic_id, episode_id,"
         " level, facts, said, made_at, made_by FROM recommendations LIMIT 1", "DUPLICATED"),
    ],
)  # fmt: skip
def test_the_ledger_notices_what_is_wrong_in_intakes_database(day, tmp_path, fault, says):
    directory, _, _ = day
    played = tmp_path / "demo"
    shutil.copytree(directory / "demo", played)
    before = balance(played)
    with sqlite3.connect(played / "intake.db") as intake:
        intake.execute("PRAGMA foreign_keys = OFF")
        intake.execute(fault)
    found = balance(played)
    assert (before.lost, before.duplicated) == (0, 0)
    assert (found.lost > 0, found.duplicated > 0) == (says == "LOST", says == "DUPLICATED")


def test_a_day_that_was_killed_is_resumed_and_loses_and_doubles_nothing(tmp_path):
    killed = demo(tmp_path)
    assert killed.stdout
    for line in killed.stdout:
        if "opens the room" in line:
            break
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    status, result = told(demo(tmp_path, "--resume"))
    assert status == 0
    assert is_clean(result)
    assert result["people"].items() >= EVERYBODY.items()


@pytest.mark.parametrize(
    ("fault", "figure"), [("drop", "lost"), ("double", "duplicated"), ("reorder", "out_of_order")]
)
def test_the_ledger_notices_a_planted_fault(tmp_path, fault, figure):
    status, result = told(demo(tmp_path, "--sabotage", fault))
    assert status == 1
    assert result[figure] > 0


@pytest.mark.parametrize(
    ("when", "number", "status"),
    [
        ("databases", signal.SIGINT, 130), ("databases", signal.SIGTERM, 143),
        ("opens the room", signal.SIGINT, 130), ("opens the room", signal.SIGTERM, 143),
    ],
)  # fmt: skip
def test_a_day_that_is_stopped_says_so_by_its_object_and_its_status(tmp_path, when, number, status):
    stopped = demo(tmp_path)
    assert stopped.stdout
    for line in stopped.stdout:
        if when in line:
            break
    stopped.send_signal(number)
    ended, result = told(stopped)
    assert (ended, result["stopped"], result["seed"]) == (status, True, 7)


def test_ctrl_c_while_everything_is_imported_is_no_traceback():
    run = subprocess.run(
        [sys.executable, "-P", "-c", INTERRUPTED], cwd=ROOT, capture_output=True, text=True
    )
    assert (run.returncode, run.stderr) == (130, "")


def test_whoever_watches_takes_the_cases_on_the_board_and_the_ledger_agrees(tmp_path):
    port = free_ports(1)[0]
    options = ("--speed", "600", "--port", str(port), "--until", "10:30")
    running = demo(tmp_path, *options, small=SMALL_DAY[1:-2])
    assert running.stdout
    watcher, lines = Watcher(f"http://127.0.0.1:{port}"), []
    for line in running.stdout:
        lines.append(line)
        if "a case: take it at" in line:
            watcher.answers_a_case(line.split(", as ")[1].split(",")[0])
    assert running.wait(timeout=60) == 0, lines[-20:]
    result = json.loads(lines[-1])
    assert is_clean(result), result["findings"]
    assert watcher.taken
    assert any("[somebody was quicker]" in line for line in lines)


ACKNOWLEDGED_AGAIN = """UPDATE case_timeline
SET case_id = first.case_id, "by" = first."by", position = 999
FROM (SELECT case_id, "by" FROM case_timeline WHERE what = 'acknowledged' ORDER BY at LIMIT 1)
AS first WHERE case_timeline.rowid =
(SELECT max(rowid) FROM case_timeline WHERE what = 'acknowledged')"""
"""One acknowledgement becomes a second one of another case."""


@pytest.mark.parametrize(
    ("pressed", "doubled"), [("acknowledgement", 0), ("contact", 1), (None, 1)]
)
def test_what_somebody_pressed_on_the_board_is_asked_by_them_and_nothing_else(
    day, tmp_path, pressed, doubled
):
    played = tmp_path / "demo"
    shutil.copytree(day[0] / "demo", played)
    with sqlite3.connect(played / "crisis.db") as crisis:
        guards = "SELECT name FROM sqlite_master WHERE tbl_name = 'case_timeline' AND type = ?"
        for (guard,) in crisis.execute(guards, ["trigger"]).fetchall():
            crisis.execute(f"DROP TRIGGER {guard}")
        crisis.execute(ACKNOWLEDGED_AGAIN)
        entry = 'SELECT case_id, "by" FROM case_timeline WHERE position = 999'
        case, by = crisis.execute(entry).fetchone()
    ledger = Ledger(played)
    if pressed:
        ledger.pressed(*by.split(":"), f"/crisis/board/{UUID(case)}/{pressed}")
    ledger.close()
    found = balance(played)
    assert (found.duplicated, found.lost) == (doubled, 1)


def test_a_day_that_does_not_become_quiet_ends_with_its_ledger_and_says_who_is_not(tmp_path):
    status, _ = told(demo(tmp_path, "--until", "08:00"))
    assert status == 0
    with sqlite3.connect(tmp_path / "demo" / "intake.db") as database:
        database.execute(REFUSED)
    program = (sys.executable, "-P", "-c", IMPATIENT)
    ended = demo(tmp_path, "--resume", program=program)
    said, complained = ended.communicate(timeout=180)
    assert ended.returncode == 1, complained
    told_last = json.loads(said.splitlines()[-1])
    assert told_last["not_quiet"] == "intake has not handled all that sessions announced"
    assert told_last["lost"] > 0
    assert "it does not become quiet: intake has not handled" in said
    assert f"{sum(told_last['events'].values())} events · 0 outages" in said


def test_a_day_that_would_end_before_its_outage_is_wrong_usage_and_leaves_the_last_one(tmp_path):
    (tmp_path / "demo").mkdir()
    Ledger(tmp_path / "demo").close()
    refused = demo(tmp_path, "--outage", "2", "--until", "08:00")
    _, complained = refused.communicate(timeout=60)
    assert refused.returncode == 2
    assert re.search(r"--outage begins at \d\d:\d\d; --until must be later", complained)
    assert (tmp_path / "demo" / FILE).exists()


def test_there_is_something_to_look_at_for_every_role(tmp_path):
    said, complained = demo(tmp_path, "--until", "08:00").communicate(timeout=180)
    lines = [line for line in said.splitlines() if "curl" in line]
    found = [re.search(r"evenkeel token (\w+) --directory (\S+)\)", line) for line in lines]
    assert all(found), complained
    assert {one[1] for one in found if one} == set(PEOPLE)
    assert {one[2] for one in found if one} == {str(tmp_path / "demo")}


def test_a_port_in_use_and_nothing_to_resume_are_said_in_one_line(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = demo(tmp_path, "--port", str(port))
        _, complained = refused.communicate(timeout=60)
    assert refused.returncode == 1
    assert complained.splitlines() == [
        f"evenkeel: port {port} is in use; try ./evenkeel demo --port {port + 1}"
    ]
    nothing = demo(tmp_path, "--resume")
    _, complained = nothing.communicate(timeout=60)
    assert nothing.returncode == 1
    assert len(complained.splitlines()) == 1


def complaint(refused: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit status, and the only line."""
    _, complained = refused.communicate(timeout=60)
    (line,) = complained.splitlines()
    return refused.returncode, line


def test_a_file_is_no_directory_for_a_demo(tmp_path):
    (tmp_path / "demo").touch()
    says = f"evenkeel: {tmp_path}/demo is no directory for a demo"
    assert complaint(demo(tmp_path)) == (1, says)
    assert [one.name for one in tmp_path.iterdir()] == ["demo"]


def test_a_directory_below_a_file_cannot_hold_a_demo(tmp_path):
    (tmp_path / "file").touch()
    status, line = complaint(demo(tmp_path / "file"))
    assert (status, line.partition(": [")[0]) == (
        3, f"evenkeel: {tmp_path}/file/demo cannot hold a demo",
    )  # fmt: skip


@pytest.mark.parametrize(("file", "holds"), [(FILE, "no database " * 99), ("intake.key", "no key")])
def test_files_that_are_no_demos_are_said_in_one_line(day, tmp_path, file, holds):
    shutil.copytree(day[0] / "demo", tmp_path / "demo")
    (tmp_path / "demo" / file).write_text(holds)
    status, line = complaint(demo(tmp_path, "--resume"))
    assert status == 3
    assert line.startswith(f"evenkeel: {tmp_path}/demo cannot hold a demo: ")


def test_a_new_day_empties_the_directory_and_leaves_it_where_it_is(tmp_path):
    played = tmp_path / "demo"
    (played / "mail").mkdir(parents=True)
    (played / FILE).touch()
    (played / "log.jsonl").touch()
    before = played.stat().st_ino
    status, _ = told(demo(tmp_path, "--until", "08:00"))
    assert (status, played.stat().st_ino) == (0, before)


def scenario(directory: Path, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a scenario told, and its pages by themselves."""
    status, result = told(demo(directory, "--scenario", name))
    assert status == 0, result["findings"]
    assert is_clean(result)
    return result, result["pages"]


def test_where_nobody_answers_everybody_is_paged_at_each_rung_for_ever(tmp_path):
    result, pages = scenario(tmp_path, "nobody-answers")
    assert pages == {
        "due": pages["due"], "sent": pages["due"], "doubled": 0,
        "lateness_p99_s": 0.0, "lateness_max_s": 0.0,
    }  # fmt: skip
    assert pages["due"] > 60
    assert result["people"]["pages_acknowledged"] == 1


def test_while_every_provider_refuses_nobody_counts_as_paged_and_afterwards_everybody_is(tmp_path):
    _, pages = scenario(tmp_path, "providers-down")
    assert 0 < pages["sent"] < pages["due"]
    assert pages["doubled"] == 0
    with sqlite3.connect(tmp_path / "demo" / "crisis.db") as crisis:
        (unsent,) = crisis.execute(
            "SELECT count(*) FROM pages WHERE state IN ('queued', 'sending')"
        ).fetchone()
    assert unsent == 0


def test_without_a_broker_the_pages_of_a_new_case_go_out_all_the_same(tmp_path):
    result, pages = scenario(tmp_path, "broker-off")
    assert result["outages"] == 1
    assert pages["sent"] == pages["due"] > 0
    assert pages["doubled"] == 0
