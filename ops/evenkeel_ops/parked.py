"""`./evenkeel parked`: what was set aside, why, and what to do about it."""

import json
import sys
import time
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
import typer
from rich.console import Console
from rich.table import Column, Table

import catalogue.events  # noqa: F401 - fills the registry
from chassis import cursor
from chassis.database import Database
from chassis.message import from_headers
from chassis.tables import set_aside
from evenkeel_ops.configuration import DEMO, database_of
from evenkeel_ops.provision import SERVICES

CANARY_SECONDS = 15.0
UUID_WIDTH = 36
SHOWN = ("state", "type", "subject", "version", "reason", "attempts", "since", "retry_at")

app = typer.Typer(
    help="Events that were set aside, and what to do.",
    epilog="Examples: evenkeel parked list, evenkeel parked redrive intake --cause CAUSE",
    no_args_is_help=True,
)

Service = Annotated[str, typer.Argument(help="Whose parked events.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]
Directory = Annotated[Path, typer.Option(help="Where the demo keeps its data.")]


@app.command("list")
def list_(as_json: AsJson = False, directory: Directory = DEMO) -> None:
    """Group what is set aside by service, type and cause, and name the oldest of each group."""
    groups = [one for service in SERVICES for one in _groups(service, directory)]
    if as_json:
        print(json.dumps(groups))
        return
    whole = Column("oldest", no_wrap=True, min_width=UUID_WIDTH)
    table = Table("service", "state", "type", "cause", "events", whole, box=None, pad_edge=False)
    for one in groups:
        table.add_row(*(str(value) for value in one.values()))
    Console().print(table if groups else "Nothing is set aside.")


@app.command()
def show(
    service: Service, event_id: UUID, as_json: AsJson = False, directory: Directory = DEMO
) -> None:
    """Show one event: attributes, reason, attempts. Its body holds ids and codes only."""
    with database_of(service, directory) as database:
        row = _row(database, event_id)
    told = {name: getattr(row, name) for name in SHOWN}
    told |= {"headers": row.headers, "body": row.body.decode(errors="replace")}
    if as_json:
        print(json.dumps(told, default=str))
        return
    for name, value in told.items():
        Console().print(f"[bold]{name:10}[/] {value}", markup=True, soft_wrap=True)


@app.command()
def redrive(
    service: Service,
    event_id: Annotated[UUID | None, typer.Argument(help="One event; else a whole cause.")] = None,
    cause: Annotated[str | None, typer.Option(help="All with this cause, as listed.")] = None,
    directory: Directory = DEMO,
) -> None:
    """Have the running service try parked events again: one as a canary, then the rest."""
    if (event_id is None) == (cause is None):
        raise typer.BadParameter("name an event, or a --cause")
    with database_of(service, directory) as database:
        canary, *rest = _parked(database, event_id, cause)
        if why := _try_again(database, canary):
            print(f"the canary {why}; the rest is left alone")
            raise typer.Exit(1)
        _make_due(database, rest)
    print(f"the canary went well; {len(rest)} more are due now")


@app.command()
def discard(
    service: Service,
    event_id: UUID,
    by: Annotated[str, typer.Option(help="Who decides this.")],
    directory: Directory = DEMO,
) -> None:
    """Give an event up for good: its subject goes on without it, and the row says who said so."""
    with database_of(service, directory) as database, database.work() as db:
        row = db.execute(sa.select(set_aside).where(set_aside.c.id == event_id)).one_or_none()
        if row is None or row.state != "parked":
            raise typer.BadParameter(f"{event_id} is not parked in {service}")
        if row.event_id is not None:
            _move_past(db, row)
        db.connection().execute(
            sa.update(set_aside)
            .where(set_aside.c.id == event_id)
            .values(state="discarded", retry_at=None, decided_by=by[:64])
        )
    print(f"{event_id} is discarded")


def _move_past(db: Any, row: Any) -> None:
    message = from_headers(row.headers, row.body)
    at = cursor.lock(db, [message])[cursor.key_of(message)]
    if message.version == at.version + 1:
        at.move_to(message)
    cursor.move(db, [at])


def _groups(service: str, directory: Path) -> list[dict[str, Any]]:
    columns = (set_aside.c.state, set_aside.c.type, set_aside.c.reason)
    oldest_first = sa.select(set_aside.c.id, *columns).order_by(*columns, set_aside.c.since)
    with database_of(service, directory) as database, database.look() as connection:
        rows = connection.execute(oldest_first).all()
    return [
        {"service": service, "state": state, "type": kind, "cause": reason,
         "events": len(ids), "oldest": str(ids[0])}
        for (state, kind, reason), group in groupby(rows, key=lambda row: row[1:])
        if (ids := [row.id for row in group])
    ]  # fmt: skip


def _row(database: Database, event_id: UUID) -> Any:
    with database.look() as connection:
        asked = sa.select(set_aside).where(set_aside.c.id == event_id)
        row = connection.execute(asked).one_or_none()
    if row is None:
        raise typer.BadParameter(f"{event_id} is not set aside in {database.service}")
    return row


def _parked(database: Database, event_id: UUID | None, cause: str | None) -> list[UUID]:
    """What was chosen, oldest first. Ends the command when it cannot be tried again."""
    parked = sa.select(set_aside.c.id, set_aside.c.event_id).where(set_aside.c.state == "parked")
    one = set_aside.c.id == event_id if event_id else set_aside.c.reason == cause
    with database.look() as connection:
        oldest_first = parked.where(one).order_by(set_aside.c.since, set_aside.c.version)
        rows = connection.execute(oldest_first).all()
    if not rows:
        raise typer.BadParameter("no such event is parked")
    if unusable := [row.id for row in rows if row.event_id is None]:
        says = f"{unusable[0]} does not say what it is about, so it can only be discarded"
        print(f"evenkeel: {says}", file=sys.stderr)
        raise typer.Exit(1)
    return [row.id for row in rows]


def _make_due(database: Database, ids: list[UUID]) -> None:
    """Due since it was set aside: that is past by the service's clock, also a simulated one."""
    with database.work() as db:
        due = sa.update(set_aside).where(set_aside.c.id.in_(ids))
        db.connection().execute(due.values(retry_at=set_aside.c.since))


def _try_again(database: Database, event_id: UUID) -> str:
    """Have the running service try an event, and wait. Returns why it is still parked, if it is."""
    before = _attempts(database, event_id)
    _make_due(database, [event_id])
    deadline = time.monotonic() + CANARY_SECONDS
    while time.monotonic() < deadline:
        attempts = _attempts(database, event_id)
        if attempts != before:
            return "" if attempts is None else "failed again"
        time.sleep(0.1)
    return f"was not tried within {CANARY_SECONDS:.0f} s; does {database.service} run?"


def _attempts(database: Database, event_id: UUID) -> int | None:
    asked = sa.select(set_aside.c.attempts).where(set_aside.c.id == event_id)
    with database.look() as connection:
        return connection.execute(asked).scalar()
