import os
import signal
import socket
import subprocess
import sys

import pytest

from evenkeel_ops import machine
from evenkeel_ops.machine import Lacking, stand_in

OURS = f"#!/bin/sh\n{machine.MARK}exit 101\n"

INTERRUPTED = """
import sys, time
from pathlib import Path
from evenkeel_ops import machine
with machine.sigterm_unwinds(), machine.stand_in(Path(sys.argv[1]), machine.MARK):
    print("in place", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def policy(tmp_path):
    return tmp_path / "sbin" / "policy-rc.d"


def test_a_file_that_was_not_there_is_not_there_afterwards(policy):
    with stand_in(policy, OURS):
        assert subprocess.run([policy]).returncode == 101
    assert list(policy.parent.iterdir()) == []


def test_a_file_that_was_there_is_there_afterwards_as_it_was(policy):
    policy.parent.mkdir()
    policy.write_text("theirs")
    policy.chmod(0o640)
    with stand_in(policy, OURS):
        assert policy.read_text() == OURS
    assert policy.read_text() == "theirs"
    assert policy.stat().st_mode & 0o777 == 0o640


def test_a_file_is_put_back_after_a_failure(policy):
    policy.parent.mkdir()
    policy.write_text("theirs")
    with pytest.raises(ZeroDivisionError), stand_in(policy, OURS):
        raise ZeroDivisionError
    assert policy.read_text() == "theirs"


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_a_file_is_put_back_after_a_signal(policy, end):
    policy.parent.mkdir()
    policy.write_text("theirs")
    waiting = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, policy], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert waiting.stdout.readline() == b"in place\n"
    waiting.send_signal(end)
    assert waiting.wait(10) != 0
    assert policy.read_text() == "theirs"


def test_what_a_killed_installation_left_is_mended_by_the_next(policy):
    policy.parent.mkdir()
    policy.write_text(OURS)
    policy.with_name("policy-rc.d.before-evenkeel").write_text("theirs")
    with stand_in(policy, OURS):
        pass
    assert policy.read_text() == "theirs"
    assert len(list(policy.parent.iterdir())) == 1


def test_what_is_missing_is_named_with_the_command_that_gets_it(monkeypatch):
    monkeypatch.setitem(machine.FINDERS, "rabbitmq-server", lambda: None)
    with pytest.raises(Lacking, match=r"^needs rabbitmq-server: apt install rabbitmq-server$"):
        machine.need(install=False)


def test_a_machine_without_apt_is_told_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(machine.FINDERS, "postgresql", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Lacking, match="needs postgresql: apt install postgresql"):
        machine.need(machine.NODES)


def test_missing_packages_are_installed_while_their_daemons_may_not_start(
    monkeypatch, tmp_path, capsys, policy
):
    for name in ("INSTALLING", "CLUSTERS"):
        monkeypatch.setattr(machine, name, tmp_path / name)
    monkeypatch.setattr(machine, "POLICY", policy)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    apt, installed, called = tmp_path / "apt-get", tmp_path / "installed", tmp_path / "called"
    apt.write_text(f'#!/bin/sh\n{policy}; echo "$? $*" >>{called}; touch {installed}\n')
    apt.chmod(0o755)
    finder = {"postgresql": lambda: installed if installed.exists() else None}
    monkeypatch.setattr(machine, "FINDERS", finder)
    machine.need(("postgresql",))
    last = called.read_text().splitlines()[-1]
    assert last.startswith("101 ")
    assert last.endswith(" install --no-install-recommends postgresql")
    assert not policy.exists()
    assert "installing postgresql from Debian's packages" in capsys.readouterr().err


def test_free_ports_are_distinct_and_free():
    ports = machine.free_ports(3)
    assert len(set(ports)) == 3
    for port in ports:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", port))
