"""Where the commands that look at running services find their databases."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from typer import BadParameter

from catalogue.streams import ANNOUNCES, HEARS
from chassis.clock import SystemClock
from chassis.database import Database
from chassis.topology import Topology
from evenkeel_ops.machine import ROOT, Lacking
from evenkeel_ops.provision import SERVICES

DEMO = ROOT / ".evenkeel" / "demo"
SETTINGS = "settings.json"


def environ(directory: Path = DEMO) -> Mapping[str, str]:
    """This process's environment if it names databases, else what the last demo wrote down."""
    if any(name.endswith("DATABASE_URL") for name in os.environ):
        return os.environ
    file = directory / SETTINGS
    if not file.exists():
        raise Lacking("no EVENKEEL_*_DATABASE_URL is set, and no ./evenkeel demo has run here")
    return json.loads(file.read_text())


def refuse_unknown(service: str) -> None:
    """Raises BadParameter, which is wrong usage, for what is no service."""
    if service not in SERVICES:
        raise BadParameter(f"there is no service {service}; there are {', '.join(SERVICES)}")


@contextmanager
def database_of(service: str, directory: Path = DEMO) -> Iterator[Database]:
    """A service's database, as its working role."""
    refuse_unknown(service)
    found = environ(directory)
    general = found.get("EVENKEEL_WORK_DATABASE_URL", "")
    url = found.get(f"EVENKEEL_{service.upper()}_WORK_DATABASE_URL", general)
    if not url:
        raise Lacking(f"EVENKEEL_{service.upper()}_WORK_DATABASE_URL is not set")
    heard = Topology(ANNOUNCES, HEARS).heard_by_anyone(service)
    database = Database(service, http_url=url, work_url=url, clock=SystemClock(), heard=heard)
    yield database
    database.close()
