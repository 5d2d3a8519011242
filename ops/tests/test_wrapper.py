"""The shell script `evenkeel`, with a Python that only pretends to install."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from evenkeel_ops.machine import ROOT

PRETENDER = """#!/bin/sh
case "$*" in
*hexversion*) echo "1 /usr" ;;
*ensurepip*) [ ! -e "{here}/has-no-venv" ] ;;
"-Im venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && cp "{here}/uv" "$3/bin/uv" ;;
*purelib*) dirname "$0" ;;
*evenkeel_ops*) echo "$EVENKEEL_STARTED_AT" >"{here}/started" && shift 3 && echo "ran $*" ;;
esac
"""
CLOCK = """#!/bin/sh
echo >>"{here}/asked" && wc -l <"{here}/asked"
"""
UV = """#!/bin/sh
echo sync >>"{here}/installed"
sleep 0.3
[ ! -e "{here}/is-offline" ] || {{ echo "cannot reach the index" >&2 && exit 1; }}
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in ("evenkeel", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path)
    for name, text in (("python3", PRETENDER), ("uv", UV)):
        (tmp_path / name).write_text(text.format(here=tmp_path))
        (tmp_path / name).chmod(0o755)
    return tmp_path


def start(checkout: Path, *arguments: str, script: str = "evenkeel") -> subprocess.Popen:
    here = {"PATH": f"{checkout}:{os.environ['PATH']}"}
    return subprocess.Popen(
        [checkout / script, *arguments],
        env=here,
        cwd="/",
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(checkout: Path, *arguments: str, script: str = "evenkeel") -> tuple[int, str, str]:
    process = start(checkout, *arguments, script=script)
    printed, complained = process.communicate(timeout=30)
    return process.returncode, printed, complained


def installations(checkout: Path) -> int:
    return len((checkout / "installed").read_text().splitlines())


def test_the_first_run_installs_and_the_second_one_does_not(checkout):
    _, printed, told = run(checkout, "test", "two words")
    assert printed == "ran test two words\n"
    assert told.count("\n") == 1
    assert "setting up   .venv" in told
    assert run(checkout, "doctor") == (0, "ran doctor\n", "")
    assert installations(checkout) == 1


def test_a_run_tells_when_it_started_before_it_set_anything_up(checkout):
    (checkout / "date").write_text(CLOCK.format(here=checkout))
    (checkout / "date").chmod(0o755)
    run(checkout, "demo")
    assert (checkout / "started").read_text() == "1\n"
    assert (checkout / "asked").read_text().count("\n") > 1


def test_a_changed_lock_is_installed(checkout):
    run(checkout)
    with (checkout / "requirements.lock").open("a") as lock:
        lock.write("# changed\n")
    assert "setting up" in run(checkout)[2]
    assert installations(checkout) == 2


def test_two_first_runs_at_once_install_once(checkout):
    both = [start(checkout, "demo"), start(checkout, "demo")]
    outcomes = [process.communicate(timeout=30) for process in both]
    assert [printed for printed, _ in outcomes] == ["ran demo\n", "ran demo\n"]
    assert sum("waiting for another run" in told for _, told in outcomes) == 1
    assert installations(checkout) == 1


def test_a_failed_set_up_says_why_and_the_next_run_begins_afresh(checkout):
    (checkout / "is-offline").touch()
    status, printed, told = run(checkout)
    assert (status, printed) == (1, "")
    assert told.endswith("\ncannot reach the index\n")
    (checkout / "is-offline").unlink()
    assert run(checkout)[:2] == (0, "ran \n")


def test_what_a_killed_run_left_locked_is_freed(checkout):
    gone = subprocess.Popen(["true"])
    gone.wait()
    (checkout / ".venv.lock").mkdir()
    (checkout / ".venv.lock" / "owner").write_text(str(gone.pid))
    assert run(checkout)[0] == 0
    assert not list(checkout.glob(".venv.lock*"))


def test_it_runs_through_symbolic_links(checkout):
    (checkout / "elsewhere").mkdir()
    (checkout / "elsewhere" / "first").symlink_to("../evenkeel")
    (checkout / "second").symlink_to(checkout / "elsewhere" / "first")
    assert run(checkout, "demo", script="second")[1] == "ran demo\n"


def test_a_python_that_cannot_make_environments_gets_one_line(checkout):
    (checkout / "has-no-venv").touch()
    status, _, told = run(checkout)
    assert status == 1
    assert told == (
        "evenkeel: python3 cannot make virtual environments: apt install python3-venv\n"
    )


def test_a_python_that_is_too_old_gets_one_line(checkout, monkeypatch):
    monkeypatch.setenv("EVENKEEL_PYTHON", "false")
    done = subprocess.run([checkout / "evenkeel"], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == (
        "evenkeel: needs Python 3.11 or newer: install one, or name it in EVENKEEL_PYTHON\n"
    )


def test_the_real_one_says_its_version_and_its_exit_status():
    done = subprocess.run([ROOT / "evenkeel", "--version"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("evenkeel ")
    assert subprocess.run([ROOT / "evenkeel", "nothing"], capture_output=True).returncode == 2
