"""`./evenkeel doctor`: what this machine has, what it lacks, and the command that mends it."""

import json
import os
import re
import resource
import shutil
import socket
import sqlite3
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer
from rich.console import Console
from rich.table import Table

from evenkeel_ops.machine import FINDERS, ROOT

STATE = ROOT / ".evenkeel"
LOCK = ROOT / "requirements.lock"
GIGABYTE = 10**9

app = typer.Typer()


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of the table; what is not needed may be amiss without failing the command."""

    what: str
    ok: bool
    found: str
    mend: str
    needed: bool = True


@app.command(epilog="Examples: evenkeel doctor, evenkeel doctor --json")
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Say what this machine has, what it lacks, and how to mend it."""
    found = list(findings())
    if as_json:
        print(json.dumps([asdict(finding) for finding in found], indent=2))
    else:
        Console().print(table(found))
    raise typer.Exit(any(finding.needed and not finding.ok for finding in found))


def table(found: list[Finding]) -> Table:
    lines = Table("what", "", "found", "mend it with", box=None, pad_edge=False)
    for finding in found:
        state = "[green]ok" if finding.ok else "[red]problem"
        lines.add_row(finding.what, state, finding.found, "" if finding.ok else finding.mend)
    return lines


def findings() -> Iterator[Finding]:
    yield python()
    yield packages()
    yield programs("postgresql", "PostgreSQL")
    yield programs("rabbitmq-server", "RabbitMQ")
    yield programs("chromium", "Chromium")
    yield programs("spin", "SPIN")
    yield port(8080)
    yield state_directory()
    yield disk()
    yield open_files()
    yield sqlite()
    yield time_zones()
    yield clock()


def python() -> Finding:
    return Finding(
        what="Python",
        ok=sys.version_info >= (3, 11),
        found=f"{sys.version.split()[0]} in {sys.base_prefix}",
        mend="EVENKEEL_PYTHON=python3.12 ./evenkeel doctor",
    )


def packages() -> Finding:
    """Other versions than the lock's are not what was tested."""
    locked = re.findall(r"^([\w.-]+)==(\S+) \\$", LOCK.read_text(), re.MULTILINE)
    astray = [name for name, version in locked if installed(name) != version]
    return Finding(
        what="packages",
        ok=bool(locked) and not astray,
        found=f"not as locked: {' '.join(astray)}" if astray else f"{len(locked)} as locked",
        mend="rm .venv/evenkeel.stamp && ./evenkeel doctor",
    )


def installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def programs(package: str, name: str) -> Finding:
    where = FINDERS[package]()
    return Finding(
        what=name,
        ok=where is not None,
        found=str(where or "not installed; the demo does without, the tests do not"),
        mend=f"apt install {package} (./evenkeel test does it for root)",
    )


def port(number: int) -> Finding:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", number))
            is_free = True
        except OSError:
            is_free = False
    return Finding(
        what=f"port {number}",
        ok=is_free,
        found="free" if is_free else "somebody listens there",
        mend=f"fuser {number}/tcp names who; or ./evenkeel demo --port {number + 1}",
        needed=False,
    )


def state_directory() -> Finding:
    nearest = STATE if STATE.exists() else ROOT
    size = sum(path.lstat().st_size for path in STATE.rglob("*"))
    return Finding(
        what=".evenkeel",
        ok=os.access(nearest, os.W_OK),
        found=f"{size / 10**6:.1f} MB",
        mend=f"chown -R $USER {nearest}",
    )


def disk() -> Finding:
    free = shutil.disk_usage(ROOT).free
    return Finding(
        what="free disk",
        ok=free > GIGABYTE,
        found=f"{free / GIGABYTE:.1f} GB",
        mend="rm -rf .evenkeel starts the demo's data afresh",
    )


def open_files() -> Finding:
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return Finding(
        what="open files", ok=limit >= 1024, found=f"at most {limit}", mend="ulimit -n 4096"
    )


def sqlite() -> Finding:
    """json_each as a table and RETURNING are what the demo's databases need."""
    return Finding(
        what="SQLite",
        ok=sqlite3.sqlite_version_info >= (3, 38),
        found=sqlite3.sqlite_version,
        mend="EVENKEEL_PYTHON=python3.12 ./evenkeel doctor (a Python with SQLite 3.38)",
    )


def time_zones() -> Finding:
    try:
        ZoneInfo("America/New_York")
        is_present = True
    except ZoneInfoNotFoundError:
        is_present = False
    return Finding(
        what="time zones",
        ok=is_present,
        found="present" if is_present else "no database",
        mend="apt install tzdata",
    )


def clock() -> Finding:
    """A clock behind the files of the checkout was never set."""
    return Finding(
        what="clock",
        ok=time.time() > LOCK.stat().st_mtime - 60,
        found=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        mend="timedatectl set-ntp true",
    )
