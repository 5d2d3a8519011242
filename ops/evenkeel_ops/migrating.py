"""`./evenkeel migrate`: bring databases to the revision this code knows, or back."""

from typing import Annotated

import typer
from rich.console import Console

from chassis import migrations
from evenkeel_ops.configuration import environ
from evenkeel_ops.machine import Lacking
from evenkeel_ops.provision import SERVICES

app = typer.Typer()


@app.command(epilog="Examples: evenkeel migrate, evenkeel migrate intake --down-to intake_0001")
def migrate(
    services: Annotated[list[str] | None, typer.Argument(help="Which; all if none.")] = None,
    down_to: Annotated[
        str | None, typer.Option(help="Go back to this revision, or to 'base'.")
    ] = None,
) -> None:
    """Migrate databases as their owners (EVENKEEL_<SERVICE>_OWNER_DATABASE_URL)."""
    found = environ()
    for service in services or SERVICES:
        name = f"EVENKEEL_{service.upper()}_OWNER_DATABASE_URL"
        if name not in found:
            raise Lacking(f"{name} is not set")
        if down_to:
            migrations.downgrade(service, found[name], down_to)
        else:
            migrations.upgrade(service, found[name])
        Console().print(f"{service:14} at {down_to or migrations.head_of(service)}")
