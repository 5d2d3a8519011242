"""`./evenkeel serve`: run services as a cluster runs them, configured by the environment."""

import importlib
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, NoReturn

import typer
from sqlalchemy.exc import OperationalError

import catalogue.events  # noqa: F401 - fills the registry
from catalogue.event import LANES, ROUTINE
from catalogue.streams import ANNOUNCES, HEARS
from chassis import logs
from chassis.backbone import Parts
from chassis.lives import NotReconciled
from chassis.migrations import NotMigrated
from chassis.settings import Settings, WrongSettings
from chassis.topology import Topology
from evenkeel_ops.provision import SERVICES
from web.hosting import Process, settings_of
from web.server import Front, PortInUse

app = typer.Typer()

ROUTINE_NICENESS = 15
"""A process of routine events alone leaves the machine to those who have something urgent."""

ALONE = {"sweeper": "crisis.sweeper", "watchdog": "crisis.watchdog.process"}
"""Processes of crisis that need neither nameko nor a broker."""

EXAMPLES = """Examples: evenkeel serve intake, evenkeel serve --all, evenkeel serve crisis --lane
urgent, evenkeel serve crisis --sweeper, evenkeel serve crisis --watchdog. Settings are read from
EVENKEEL_* variables; wrong ones are all listed and end the start with status 2."""


@app.command(epilog=EXAMPLES)
def serve(
    services: Annotated[list[str] | None, typer.Argument(help="Which services.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All services in one process.")] = False,
    lane: Annotated[
        str | None, typer.Option(help="Only this lane of events: urgent or routine.")
    ] = None,
    sweeper: Annotated[
        bool, typer.Option("--sweeper", help="Only crisis's sweeper: no broker, no HTTP.")
    ] = False,
    watchdog: Annotated[
        bool, typer.Option("--watchdog", help="Only crisis's watchdog: it looks, and calls out.")
    ] = False,
) -> None:
    """Serve until SIGTERM; what is under way is finished first."""
    wanted = list(SERVICES) if every else list(services or ())
    if alone := [name for name, asked in (("sweeper", sweeper), ("watchdog", watchdog)) if asked]:
        _serve_alone(alone, wanted)
    if not wanted or set(wanted) - set(SERVICES) or (lane and lane not in LANES):
        raise typer.BadParameter(f"name services of {', '.join(SERVICES)}, or --all")
    logs.configure()
    try:
        raise SystemExit(_serve(all_settings(wanted), Parts(lanes=(lane,) if lane else LANES)))
    except WrongSettings as wrong:
        for mistake in wrong.mistakes:
            print(f"evenkeel: {mistake}", file=sys.stderr)
        raise SystemExit(2) from None
    except (PortInUse, NotMigrated, NotReconciled) as refused:
        raise SystemExit(f"evenkeel: {refused}") from None
    except OperationalError as lost:
        raise SystemExit(f"evenkeel: no database: {type(lost.orig).__name__}") from None


def all_settings(services: Iterable[str]) -> dict[str, Settings]:
    """Every service's settings. Raises WrongSettings with the mistakes in all of them."""
    found, mistakes = {}, []
    for service in services:
        try:
            found[service] = settings_of(service, os.environ)
        except WrongSettings as wrong:
            mistakes += [one for one in wrong.mistakes if one not in mistakes]
    if mistakes:
        raise WrongSettings(mistakes)
    return found


def _serve_alone(names: Sequence[str], services: Sequence[str]) -> NoReturn:
    if list(services) != ["crisis"] or len(names) > 1:
        raise typer.BadParameter("--sweeper and --watchdog are of crisis alone, a process each")
    raise SystemExit(importlib.import_module(ALONE[names[0]]).main())


def _serve(settings: dict[str, Settings], parts: Parts) -> int:
    if parts.lanes == (ROUTINE,):
        os.nice(ROUTINE_NICENESS)
    first = next(iter(settings.values()))
    front = Front(
        first.host,
        first.port,
        internal_host=first.internal_host,
        internal_port=first.internal_port,
        ready=lambda service: process.lacking(service),
        drain=lambda: process.ask_to_stop(),
    )
    process = Process(front, Topology(ANNOUNCES, HEARS), parts=parts, neighbours=len(settings) > 1)
    for service, own in settings.items():
        process.add(service, own)
    process.start()
    return process.run()
