import os
import signal
import time
from pathlib import Path

import pytest

from evenkeel_ops.keeper import Kept, PrivateDirectory


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log"


def daemon_of(log: Path) -> Path:
    """What /proc has of the process whose number the command wrote."""
    deadline = time.monotonic() + 10
    while not (log.exists() and log.read_text().endswith("\n")):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
    return Path("/proc") / log.read_text().strip()


DAEMON = ["sh", "-c", "setsid sleep 60 & echo $!; exec sleep 60"]


def test_a_daemon_that_left_its_session_is_killed_too(log):
    kept = Kept(DAEMON, log)
    daemon = daemon_of(log)
    assert daemon.exists()
    kept.kill()
    assert not daemon.exists()


def test_a_daemon_does_not_outlive_a_command_that_ends_by_itself(log):
    kept = Kept(["sh", "-c", "setsid sleep 60 & echo $!"], log)
    daemon = daemon_of(log)
    assert kept._keeper.wait(10) == 0
    assert not daemon.exists()


def test_a_stopped_command_is_killed_too(log):
    kept = Kept(["sleep", "60"], log)
    os.kill(kept.pid, signal.SIGSTOP)
    kept.kill()
    assert not kept.is_running()


def test_a_fork_of_the_owner_does_not_keep_the_command_alive(log):
    kept = Kept(["sleep", "60"], log)
    fork = os.fork()
    if fork == 0:
        signal.pause()
    kept.kill()
    assert not kept.is_running()
    os.kill(fork, signal.SIGKILL)
    os.waitpid(fork, 0)


def test_a_command_that_does_not_heed_the_request_to_end_is_killed(log):
    kept = Kept(["sh", "-c", "trap '' TERM; echo $$; while :; do sleep 1; done"], log)
    daemon_of(log)
    with pytest.raises(RuntimeError, match="did not end"):
        kept.end(signal.SIGTERM, 0.1)
    assert not kept.is_running()


def test_a_directory_whose_owner_lives_is_left_alone(tmp_path):
    first = PrivateDirectory("kind", tmp_path)
    second = PrivateDirectory("kind", tmp_path)
    assert first.path.exists()
    assert second.path != first.path
    first.remove()
    assert not first.path.exists()
