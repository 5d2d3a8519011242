"""`./evenkeel audit`: whether the timelines of crisis are as they were written."""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console
from rich.progress import Progress

from chassis.database import Database
from crisis.record import export, reading
from crisis.record.proof import MEANS, Chain
from crisis.record.signing import PublicKeys, pem_of, public_key, signing_key
from evenkeel_ops.configuration import DEMO, database_of, environ
from evenkeel_ops.machine import Lacking

VARIABLE = "EVENKEEL_CRISIS_TIMELINE_KEY"
LONG = 100_000
"""From so many entries on progress is shown, on a terminal."""

app = typer.Typer(
    help="Whether the record of crisis is as it was written.",
    epilog="""Examples: evenkeel audit verify, evenkeel audit key > timeline.pub, evenkeel audit
verify case.json --key timeline.pub. Exit status: 0 nothing is altered, 1 something is, 2 wrong
usage, 3 no key or no database to check with.""",
    no_args_is_help=True,
)

Keys = Annotated[
    list[Path] | None,
    typer.Option("--key", help="A public key that counts, PEM; several after a change of keys."),
]
Directory = Annotated[Path, typer.Option(help="Where the demo keeps its data.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


@app.command()
def verify(
    file: Annotated[
        Path | None, typer.Argument(help="An exported timeline; else all in the database.")
    ] = None,
    key: Keys = None,
    clinic: Annotated[UUID | None, typer.Option(help="Only this clinic's chain.")] = None,
    as_json: AsJson = False,
    directory: Directory = DEMO,
) -> None:
    """Read every chain from its beginning, or an export, and name what is not as it was."""
    keys = _keys(key, directory)
    if file is not None:
        return _verify_export(file, keys, as_json)
    with database_of("crisis", directory) as database:
        chains = dict(_checked(database, keys, clinic))
    told = [_told(clinic_id, chain) for clinic_id, chain in chains.items()]
    if as_json:
        print(json.dumps({"chains": told, "altered": _altered(chains.values())}))
    else:
        for one in told:
            print(_line(one))
    raise typer.Exit(bool(_altered(chains.values())))


@app.command()
def key(directory: Directory = DEMO) -> None:
    """Print the public key of the timelines, for whoever is to check them."""
    print(pem_of(_own_key(directory)), end="")


def _verify_export(file: Path, keys: PublicKeys, as_json: bool) -> None:
    try:
        document = json.loads(file.read_bytes())
    except (OSError, ValueError):
        raise typer.BadParameter(f"{file} is no file of JSON") from None
    wrong = export.wrong_with(document, keys)
    if as_json:
        print(json.dumps({"file": str(file), "wrong": wrong}))
    elif wrong:
        print(f"{file}: {wrong}")
    else:
        entries = len(document["entries"])
        print(f"{file}: case {document['case_id']}, {entries} entries, signed and unaltered")
    raise typer.Exit(bool(wrong))


def _keys(paths: list[Path] | None, directory: Path) -> PublicKeys:
    try:
        return PublicKeys(map(public_key, paths) if paths else [_own_key(directory)])
    except (ValueError, OSError) as wrong:
        raise typer.BadParameter(str(wrong)) from None


def _own_key(directory: Path) -> Any:
    """The public half of the configured key."""
    path = environ(directory).get(VARIABLE)
    if not path:
        raise Lacking(f"{VARIABLE} is not set; name a public key with --key")
    try:
        return signing_key(path).public
    except (ValueError, OSError) as wrong:
        raise Lacking(f"{VARIABLE}: {wrong}") from None


def _checked(
    database: Database, keys: PublicKeys, only: UUID | None
) -> Iterator[tuple[UUID, Chain]]:
    lengths = reading.lengths(database)
    if only is not None:
        lengths = {only: lengths.get(only, 0)}
    with _progress(sum(lengths.values())) as tell:
        for clinic_id in lengths:
            yield clinic_id, reading.check(database, clinic_id, keys, tell)


@contextmanager
def _progress(entries: int) -> Iterator[Any]:
    shown = entries >= LONG and sys.stderr.isatty()
    with Progress(console=Console(stderr=True), transient=True, disable=not shown) as progress:
        task = progress.add_task("entries", total=entries)
        yield lambda count: progress.advance(task, count)


def _told(clinic_id: UUID, chain: Chain) -> dict[str, Any]:
    """What was checked of a chain, and what is wrong with it."""
    fault = chain.fault
    return {
        "clinic_id": str(clinic_id),
        "entries": chain.place,
        "checkpoints": len(chain.checkpoints),
        "confirmed": chain.confirmed,
        "digest": chain.digest,
        "fault": fault and {
            "what": fault.what, "place": fault.place, "since": fault.since,
            "case_id": fault.case_id,
        },
    }  # fmt: skip


def _line(told: dict[str, Any]) -> str:
    fault, clinic = told["fault"], told["clinic_id"]
    if fault is None:
        later = told["entries"] - told["confirmed"]
        return (
            f"clinic {clinic}: {told['entries']} entries unaltered, {told['confirmed']} of them"
            f" confirmed by {told['checkpoints']} signed checkpoints, {later} since the last"
        )
    where = f"entry {fault['place']}"
    if fault["since"] != fault["place"]:
        where = f"entries {fault['since']} to {fault['place']}"
    of_case = f", case {fault['case_id']}" if fault["case_id"] else ""
    return f"clinic {clinic}: {where}{of_case}: {MEANS[fault['what']]}"


def _altered(chains: Iterable[Chain]) -> int:
    """How many chains are not as they were written."""
    return sum(chain.fault is not None for chain in chains)
