"""Runs a program that cannot outlive whoever started it.

`Kept` runs this file as a program between the owner and the command. When the owner says so by
SIGTERM, or dies in whatever way, which closes the keeper's standard input, the keeper kills every
process that came of the command, daemons included.
"""

import ctypes
import fcntl
import os
import pwd
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

PR_SET_CHILD_SUBREAPER = 36
# A checkout or TMPDIR may be closed to the user that PostgreSQL runs as.
ANYBODY_MAY_ENTER = Path("/tmp")


class PrivateDirectory:
    """Belongs to this process; who makes the next one removes what dead processes left."""

    def __init__(self, kind: str, under: Path | None = None):
        parent = under or ANYBODY_MAY_ENTER
        for other in parent.glob(f"evenkeel-{kind}-*"):
            remove_if_abandoned(other)
        unborn = Path(tempfile.mkdtemp(prefix="evenkeel-unborn-", dir=parent))
        self._owned = lock(unborn / "owned")
        self.path = unborn.rename(unborn.with_name(unborn.name.replace("unborn", kind)))

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        if self._owned:
            self._owned.close()


def lock(file: Path) -> IO | None:
    """None when somebody has it, which nobody has any more when they are dead."""
    try:
        opened = file.open("a")
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return None
    return opened


def remove_if_abandoned(directory: Path) -> None:
    is_ours = os.path.exists(directory / "owned")
    if is_ours and (abandoned := lock(directory / "owned")):
        shutil.rmtree(directory, ignore_errors=True)
        abandoned.close()


class Kept:
    """A running command, whose output goes to `log`."""

    def __init__(self, command: list[str], log: Path, user: str = "", env: dict | None = None):
        self.log = log
        with log.open("ab") as output:
            self._keeper = subprocess.Popen(
                [sys.executable, "-IS", __file__, user, *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                env=env,
                cwd="/",
                start_new_session=True,
            )
        assert self._keeper.stdin is not None
        assert self._keeper.stdout is not None
        self._life, self._told = self._keeper.stdin, self._keeper.stdout
        self.pid = int(self._told.readline() or 0)

    def is_running(self) -> bool:
        return self._keeper.poll() is None

    def until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Waits until `ready()`; a command that ends or takes too long is killed and reported."""
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.is_running() or time.monotonic() > deadline:
                self.kill()
                raise self._failure("did not start")
            time.sleep(0.01)

    def end(self, number: int, seconds: float) -> None:
        """Sends the signal that asks for an orderly end; who does not heed it is killed."""
        if self.is_running():
            os.kill(self.pid, number)
        try:
            self._keeper.wait(seconds)
        except subprocess.TimeoutExpired:
            raise self._failure(f"did not end within {seconds} s") from None
        finally:
            self.kill()

    def kill(self) -> None:
        """SIGKILL to the command and all that came of it; they are gone when this returns."""
        self._keeper.terminate()
        self._keeper.wait()
        self._life.close()
        self._told.close()

    def _failure(self, what: str) -> RuntimeError:
        tail = self.log.read_text(errors="replace").splitlines()[-20:]
        return RuntimeError("\n".join([f"{what}:", *tail]))


def as_user(user: str) -> dict:
    """Arguments for subprocess; none for nobody in particular."""
    if not user:
        return {}
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def keep(user: str, command: list[str]) -> int:
    if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError("needs a Linux kernel with child subreapers")
    signals = signals_as_bytes()
    program = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=2, start_new_session=True, **as_user(user)
    )
    print(program.pid, flush=True)
    while program.poll() is None:
        ready, _, _ = select.select([0, signals], [], [])
        if 0 in ready or signal.SIGTERM in os.read(signals, 512):
            break
    kill(descendants(os.getpid()))
    exit_status = program.wait()
    reap_the_rest()
    return exit_status


def signals_as_bytes() -> int:
    """A descriptor that can be waited for together with others."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    return read


def reap_the_rest() -> None:
    """Whoever was being born during the first round of killing is met in a later one."""
    with suppress(ChildProcessError):
        while True:
            kill(descendants(os.getpid()))
            os.waitpid(-1, 0)


def kill(processes: set[int]) -> None:
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def descendants(ancestor: int) -> set[int]:
    """All that run. Orphans come to the subreaper: nobody escapes by losing their parent."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if state != "Z":
            parents[int(stat.parent.name)] = int(parent)
    found = {ancestor}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {ancestor}


if __name__ == "__main__":
    sys.exit(keep(sys.argv[1], sys.argv[2:]))
