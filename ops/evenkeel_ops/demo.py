"""`./evenkeel demo`: a whole synthetic weekday on this machine, with a ledger that checks it."""

import json
import os
import sqlite3
import sys
import time
from datetime import time as local_time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from chassis.settings import WrongSettings
from evenkeel_ops.configuration import DEMO
from evenkeel_ops.machine import Lacking
from evenkeel_ops.simulator.scenario import Scenario
from evenkeel_ops.simulator.show import CannotShow, EndsTooEarly, Show
from evenkeel_ops.simulator.wanted import Wanted

app = typer.Typer()

STARTED_AT = float(os.environ.get("EVENKEEL_STARTED_AT") or time.time())
"""The wrapper says when it started, since the first run installs before it comes here."""

EPILOG = """Examples: evenkeel demo, evenkeel demo --speed 600, evenkeel demo --headless --until
12:00 --json, evenkeel demo --headless --outage 20, evenkeel demo --resume. What you do on the case
board the ledger counts as asked by you; what you change with a token, as asked by nobody. Without
--resume the day before is deleted. Stopped by Ctrl-C it ends with status 130, by SIGTERM with 143,
and the object says so. Not for production: people are invented, the broker is in memory, and
nothing leaves this machine."""


class Sabotage(StrEnum):
    """A fault planted where the services cannot notice it."""

    DROP = "drop"
    DOUBLE = "double"
    REORDER = "reorder"


@app.command(epilog=EPILOG)
def demo(
    seed: Annotated[int, typer.Option(help="The same seed is the same day.")] = 7,
    speed: Annotated[float, typer.Option(min=1, help="How many times real time.")] = 120,
    clinics: Annotated[int, typer.Option(min=1, max=20)] = 3,
    participants: Annotated[int, typer.Option(min=1, max=2000)] = 48,
    headless: Annotated[
        bool, typer.Option("--headless", help="As fast as everything becomes quiet.")
    ] = False,
    until: Annotated[str, typer.Option(help="End at HH:MM of the first clinic.")] = "",
    outage: Annotated[
        float, typer.Option(min=0, help="Real seconds without a broker in the middle of the day.")
    ] = 0,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 is any free one.")] = 8080,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the day that was stopped or killed.")
    ] = False,
    sabotage: Annotated[
        Sabotage | None, typer.Option(help="Plant a fault: the ledger must find it.")
    ] = None,
    scenario: Annotated[
        Scenario | None, typer.Option(help="What goes wrong when somebody is not safe.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="The last line is one JSON object.")
    ] = False,
    directory: Annotated[Path, typer.Option(help="Where its data are kept.")] = DEMO,
) -> None:
    """Run a synthetic day of three clinics and compare every effect with what was asked for."""
    wanted = Wanted(
        seed=seed, clinics=clinics, participants=participants, port=port, resume=resume,
        speed=None if headless else speed, until=_clock(until), outage_seconds=outage,
        sabotage=sabotage, scenario=scenario, directory=directory.resolve(), started_at=STARTED_AT,
    )  # fmt: skip
    _end(_shown(wanted), as_json)


def _shown(wanted: Wanted) -> dict[str, Any]:
    """What came of the day. Why there is no day is told in one line."""
    try:
        return Show(wanted).run()
    except EndsTooEarly as outage_at:
        raise typer.BadParameter(f"--outage begins at {outage_at}; --until must be later") from None
    except CannotShow as reason:
        print(f"evenkeel: {reason}", file=sys.stderr)
        raise typer.Exit(1) from None
    except Exception as failure:
        if not _is_of_the_directory(failure):
            raise
        reason = getattr(failure, "orig", failure)
        raise Lacking(f"{wanted.directory} cannot hold a demo: {reason}") from None


def _end(told: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(told))
    if told["stopped"]:
        raise typer.Exit(told["exit_status"])
    wrong = ("lost", "duplicated", "out_of_order", "not_quiet")
    raise typer.Exit(any(told[name] for name in wrong) or told["pages"]["doubled"] > 0)


def _is_of_the_directory(failure: Exception) -> bool:
    """A full or read-only disk, or files that somebody else has written; no fault of the code."""
    told = getattr(failure, "orig", failure)
    is_unusable = type(told) in (sqlite3.OperationalError, sqlite3.DatabaseError)
    return is_unusable or isinstance(told, OSError | WrongSettings)


def _clock(until: str) -> local_time | None:
    try:
        return local_time.fromisoformat(until) if until else None
    except ValueError:
        raise typer.BadParameter("--until is a time as HH:MM") from None
