"""The command line's table of contents: one line a command, imported only when it is asked for."""

import sys
import tomllib
from importlib import import_module
from typing import Annotated

import typer
from typer.core import TyperGroup

from evenkeel_ops.machine import ROOT, Lacking

# Each is a module here with an `app`: one command, or a group of them.
COMMANDS = {
    "demo": "demo",
    "token": "token",
    "test": "testing",
    "serve": "serve",
    "migrate": "migrating",
    "parked": "parked",
    "log": "journey",
    "docs": "documents",
    "bench": "bench.command",
    "verify": "verify",
    "audit": "audit",
    "reconcile": "reconcile",
    "doctor": "doctor",
}

OF_THE_WHOLE = ("install_completion", "show_completion")

EXIT_STATUS = """Exit status: 0 all is well, 1 what was checked failed,
2 wrong usage, 3 this machine lacks something, 130 stopped by Ctrl-C, 143 by SIGTERM."""


class Commands(TyperGroup):
    def list_commands(self, ctx):
        return list(COMMANDS)

    def get_command(self, ctx, cmd_name):
        if cmd_name not in COMMANDS:
            return None
        command = typer.main.get_command(import_module(f"evenkeel_ops.{COMMANDS[cmd_name]}").app)
        command.name = cmd_name
        command.params = [one for one in command.params if one.name not in OF_THE_WHOLE]
        return command


app = typer.Typer(
    cls=Commands, no_args_is_help=True, epilog=EXIT_STATUS, pretty_exceptions_enable=False
)


def show_version(wanted: bool) -> None:
    if wanted:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        print(project["name"], project["version"])
        raise typer.Exit


@app.callback()
def evenkeel(
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Say which.")
    ] = False,
) -> None:
    """Online Intensive Outpatient Programmes, as five services over events."""


def main() -> None:
    try:
        app(prog_name="evenkeel")
    except Lacking as lacking:
        print(f"evenkeel: {lacking}", file=sys.stderr)
        sys.exit(3)
