"""Which programs this machine has, and how the missing ones are got."""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
POLICY = Path("/usr/sbin/policy-rc.d")
CLUSTERS = Path("/etc/postgresql-common/createcluster.conf")
INSTALLING = Path("/var/lock/evenkeel-install")
ROOM_IN_MEMORY = 4 << 30
MARK = "# put here by evenkeel while it installs packages; removed afterwards\n"


class Lacking(Exception):
    """The machine lacks something; the message says what to do about it, in one line."""


def postgresql() -> Path | None:
    """The newest PostgreSQL's directory of server programs."""
    found = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    newest = max(found, key=lambda program: float(program.parts[-3]), default=None)
    on_path = shutil.which("postgres")
    return newest.parent if newest else Path(on_path).resolve().parent if on_path else None


def rabbitmq() -> Path | None:
    """RabbitMQ's directory of server scripts: on the PATH Debian has wrappers that change user."""
    debian = Path("/usr/lib/rabbitmq/bin")
    if (debian / "rabbitmq-server").exists():
        return debian
    on_path = shutil.which("rabbitmq-server")
    return Path(on_path).resolve().parent if on_path else None


def chromium() -> Path | None:
    """Debian's browser; one that calls itself so elsewhere may be a wrapper of something else."""
    debian = Path("/usr/bin/chromium")
    return debian if debian.exists() else None


def spin() -> Path | None:
    """The model checker."""
    return _on_path("spin")


def gcc() -> Path | None:
    """The compiler of what the model checker writes."""
    return _on_path("gcc")


def headers() -> Path | None:
    """What that compiler needs of the C library."""
    usual = Path("/usr/include/stdio.h")
    return usual if usual.exists() else None


def _on_path(program: str) -> Path | None:
    found = shutil.which(program)
    return Path(found) if found else None


FINDERS = {
    "postgresql": postgresql, "rabbitmq-server": rabbitmq, "chromium": chromium,
    "spin": spin, "gcc": gcc, "libc6-dev": headers,
}  # fmt: skip
NODES = ("postgresql", "rabbitmq-server")
"""What runs beside the services; the rest is for tests."""


def find(package: str) -> Path:
    """Where the package's programs are."""
    where = FINDERS[package]()
    if where is None:
        raise Lacking(remedy([package]))
    return where


def free_ports(count: int) -> list[int]:
    """Distinct loopback ports that nobody listens on."""
    with ExitStack() as sockets:
        bound = [sockets.enter_context(socket.socket()) for _ in range(count)]
        for each in bound:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in bound]


def in_memory() -> Path | None:
    """A directory whose files lie in memory, when there is one with room enough."""
    shared = Path("/dev/shm")
    if not os.access(shared, os.W_OK | os.X_OK) or shutil.disk_usage(shared).free < ROOM_IN_MEMORY:
        return None
    return shared


def missing(packages: tuple[str, ...] = tuple(FINDERS)) -> list[str]:
    return [package for package in packages if FINDERS[package]() is None]


def need(packages: tuple[str, ...] = tuple(FINDERS), install: bool = True) -> None:
    """Every named package is there afterwards, or Lacking says what to do."""
    if not missing(packages):
        return
    if not install or shutil.which("apt-get") is None or os.geteuid() != 0:
        raise Lacking(remedy(missing(packages)))
    with INSTALLING.open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if lacking := missing(packages):
            _install(lacking)
    if still_missing := missing(packages):
        raise Lacking(remedy(still_missing))


def remedy(packages: list[str]) -> str:
    return f"needs {' '.join(packages)}: apt install {' '.join(packages)}"


def _install(packages: list[str]) -> None:
    print(
        f"installing {' '.join(packages)} from Debian's packages; "
        "their own daemons are not started",
        file=sys.stderr,
    )
    with ExitStack() as afterwards:
        afterwards.enter_context(sigterm_unwinds())
        afterwards.enter_context(stand_in(POLICY, f"#!/bin/sh\n{MARK}exit 101\n"))
        if not CLUSTERS.exists():
            text = f"{MARK}create_main_cluster = false\n"
            afterwards.enter_context(stand_in(CLUSTERS, text))
        done = _apt("install", "--no-install-recommends", *packages)
        if done.returncode != 0:  # the lists are absent or stale
            _apt("update")
            done = _apt("install", "--no-install-recommends", *packages)
    if done.returncode != 0:
        reason = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise Lacking(f"apt-get could not install {' '.join(packages)}: {' '.join(reason)}")


def _apt(*arguments: str) -> subprocess.CompletedProcess[str]:
    quiet = {"DEBIAN_FRONTEND": "noninteractive", "UCF_FORCE_CONFFOLD": "1"}
    command = ["apt-get", "-y", "-q", "-o", "DPkg::Lock::Timeout=120", *arguments]
    return subprocess.run(
        command, env=os.environ | quiet, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )


@contextmanager
def stand_in(path: Path, text: str) -> Iterator[None]:
    """While inside, `path` is an executable file of `text`; then it is what it was before."""
    aside = path.with_name(f"{path.name}.before-evenkeel")
    _put_back(path, aside)
    path.parent.mkdir(parents=True, exist_ok=True)
    if os.path.lexists(path):
        path.rename(aside)
    try:
        path.write_text(text)
        path.chmod(0o755)
        yield
    finally:
        _put_back(path, aside)


def _put_back(path: Path, aside: Path) -> None:
    """Also mends what a killed run left behind."""
    if path.exists() and MARK in path.read_text(errors="replace"):
        path.unlink()
    if os.path.lexists(aside):
        aside.rename(path)


@contextmanager
def sigterm_unwinds() -> Iterator[None]:
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
