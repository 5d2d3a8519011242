"""Starts the programs of a drill as processes of their own, soon after they are asked for.

A fresh interpreter needs seconds to import everything; this file, run as a program, does so once
and then forks a process for each order. What it starts cannot outlive it, nor it its owner.
"""

import ctypes
import importlib
import json
import os
import signal
import subprocess
import sys
import time
import traceback
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evenkeel_ops.machine import ROOT

PR_SET_PDEATHSIG = 1
END_SECONDS = 60.0
IMPORTS = {
    "green": ("chassis.backbone", "catalogue.events", "evenkeel_ops.drills.ground"),
    "plain": ("pika", "crisis.sweeper", "evenkeel_ops.drills.ground"),
}
"""Programs on eventlet, and programs on real threads."""


class Program:
    """A process that was started, seen from the one that asked for it."""

    def __init__(self, name: str, pid: int, directory: Path) -> None:
        self.name = name
        self.pid = pid
        self.log = directory / f"{name}.log"
        self._ended = directory / f"{pid}.ended"

    @property
    def status(self) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        try:
            return int(self._ended.read_text() or 0)
        except FileNotFoundError:
            return None

    def send(self, number: int) -> None:
        if self.status is None:
            os.kill(self.pid, number)

    def wait(self, seconds: float = END_SECONDS) -> int:
        """Its exit status once it has ended. Raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while (status := self.status) is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name} ({self.pid}) still runs after {seconds:g} s")
            time.sleep(0.005)
        return status

    def kill(self) -> None:
        """SIGKILL; it is gone when this returns."""
        self.send(signal.SIGKILL)
        self.wait()


class Launcher:
    """A process that forks programs, `green` (eventlet) or `plain`."""

    def __init__(self, kind: str, directory: Path) -> None:
        self.directory = directory
        environment = os.environ | {"PYTHONPATH": str(ROOT), "EVENKEEL_ENVIRONMENT": "test"}
        with (directory / f"{kind}.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", __file__, kind, str(directory)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                cwd="/",
            )

    def start(
        self, module: str, name: str, environment: Mapping[str, str], **arguments: Any
    ) -> Program:
        """Fork a process that runs `module.run(**arguments)`; `name` names its log."""
        order = {
            "module": module, "name": name, "environment": dict(environment),
            "arguments": arguments,
        }  # fmt: skip
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        return Program(name, int(self._process.stdout.readline()), self.directory)

    def end(self) -> None:
        self._process.kill()
        self._process.wait()


def serve(kind: str, directory: Path) -> None:
    """Take orders, a JSON line each, from standard input; answer each with a process id."""
    die_with_parent()
    if kind == "green":
        warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")
        import eventlet

        eventlet.monkey_patch()
    for module in IMPORTS[kind]:
        importlib.import_module(module)
    original = _original_os()
    signal.signal(signal.SIGCHLD, lambda *_: note_the_dead(original, directory))
    for line in sys.stdin.buffer:
        order = json.loads(line)
        pid = original.fork()
        if pid == 0:
            become(order, kind, directory)
        print(pid, flush=True)


def become(order: dict[str, Any], kind: str, directory: Path) -> None:
    """In the child: run what was ordered, and never return."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    die_with_parent()
    log = os.open(directory / f"{order['name']}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for descriptor in (1, 2):
        os.dup2(log, descriptor)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.update(order["environment"])
    status = 1
    try:
        _forget_parents_state(kind)
        importlib.import_module(order["module"]).run(**order["arguments"])
        status = 0
    except BaseException:  # noqa: BLE001 - this is the end of the process
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _forget_parents_state(kind: str) -> None:
    import random

    from chassis import crash_points, logs

    random.seed()
    if kind == "green":
        from eventlet import hubs

        hubs.use_hub()  # the parent's hub shares its epoll with every child
    logs.configure()
    crash_points.arm(os.environ)


def note_the_dead(original: Any, directory: Path) -> None:
    """Write down how each ended child ended."""
    while True:
        try:
            pid, status = original.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        unfinished = directory / f"{pid}.unfinished"
        unfinished.write_text(str(os.waitstatus_to_exitcode(status)))
        unfinished.rename(directory / f"{pid}.ended")


def die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _original_os() -> Any:
    """The os module as it was before eventlet patched it."""
    if "eventlet" not in sys.modules:
        return os
    from eventlet.patcher import original

    return original("os")


if __name__ == "__main__":
    serve(sys.argv[1], Path(sys.argv[2]))
