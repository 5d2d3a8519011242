"""`./evenkeel migrate`: bring databases to the revision this code knows, or back."""

import os
from pathlib import Path
from typing import Annotated

import typer
from alembic.util import CommandError
from sqlalchemy import make_url

from chassis import migrations
from evenkeel_ops.configuration import DEMO, environ, refuse_unknown
from evenkeel_ops.machine import Lacking
from evenkeel_ops.provision import SERVICES

app = typer.Typer()


@app.command(epilog="Examples: evenkeel migrate, evenkeel migrate intake --down-to intake_0001")
def migrate(
    services: Annotated[list[str] | None, typer.Argument(help="Which; all if none.")] = None,
    down_to: Annotated[
        str | None, typer.Option(help="Go back to this revision, or to 'base'.")
    ] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Those of the demo, if the environment names none.")
    ] = False,
    directory: Annotated[Path, typer.Option(help="Where the demo keeps its data.")] = DEMO,
) -> None:
    """Migrate databases as their owners (EVENKEEL_<SERVICE>_OWNER_DATABASE_URL)."""
    for service in services or ():
        refuse_unknown(service)
    found = environ(directory) if demo or directory != DEMO else os.environ
    for service in services or SERVICES:
        name = f"EVENKEEL_{service.upper()}_OWNER_DATABASE_URL"
        if name not in found:
            raise Lacking(f"{name} is not set; --demo migrates the demo's databases")
        try:
            if down_to:
                migrations.downgrade(service, found[name], down_to)
            else:
                migrations.upgrade(service, found[name])
        except CommandError as refused:
            raise typer.BadParameter(f"{service}: {refused}") from None
        where = make_url(found[name]).render_as_string()
        print(f"{service:14} at {down_to or migrations.head_of(service)} in {where}")
