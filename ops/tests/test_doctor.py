import json
import socket

import pytest
from typer.testing import CliRunner

from evenkeel_ops import doctor, machine

WORDS = {
    "Python",
    "packages",
    "PostgreSQL",
    "RabbitMQ",
    "Chromium",
    "SPIN",
    "port 8080",
    ".evenkeel",
    "free disk",
    "open files",
    "SQLite",
    "time zones",
    "clock",
}


def run(*arguments):
    return CliRunner().invoke(doctor.app, list(arguments))


def test_everything_is_looked_at():
    assert {finding["what"] for finding in json.loads(run("--json").output)} == WORDS


def test_a_missing_program_is_a_problem_with_a_remedy(monkeypatch):
    monkeypatch.setitem(machine.FINDERS, "postgresql", lambda: None)
    result = run()
    assert result.exit_code == 1
    line = next(line for line in result.output.splitlines() if line.startswith("PostgreSQL"))
    assert "problem" in line


def test_a_taken_port_is_told_but_fails_nothing():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        finding = doctor.port(listener.getsockname()[1])
    assert not finding.ok
    assert not finding.needed


def test_a_package_that_is_not_the_locked_one_is_named(monkeypatch):
    monkeypatch.setattr(doctor, "installed", lambda name: None)
    assert "nameko" in doctor.packages().found


@pytest.mark.parametrize("finding", [doctor.python, doctor.packages, doctor.sqlite, doctor.clock])
def test_this_environment_is_well(finding):
    assert finding().ok
