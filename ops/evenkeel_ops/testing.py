"""`./evenkeel test`: all the tests there are, on private nodes, with nothing left out."""

import os
import sys
from typing import Annotated

import typer

from evenkeel_ops import machine

app = typer.Typer()

EXAMPLES = "Examples: evenkeel test, evenkeel test ops -x, evenkeel test --no-install -k postgres"


@app.command("test", epilog=EXAMPLES, context_settings={"ignore_unknown_options": True})
def run_tests(
    pytest_arguments: Annotated[
        list[str] | None, typer.Argument(help="Handed to pytest; paths are from the checkout.")
    ] = None,
    no_install: Annotated[
        bool,
        typer.Option("--no-install", help="Fail when PostgreSQL, RabbitMQ or Chromium is missing."),
    ] = False,
) -> None:
    """Run the tests on throw-away PostgreSQL and RabbitMQ nodes; a skipped test is a failure."""
    machine.need(install=not no_install)
    os.chdir(machine.ROOT)
    command = [sys.executable, "-P", "-m", "evenkeel_ops.no_skips", *(pytest_arguments or [])]
    os.execv(sys.executable, command)
