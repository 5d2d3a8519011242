"""`./evenkeel parked`: what was set aside, why, and what to do about it."""

import json
import time
from collections import Counter
from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
import typer
from rich.console import Console
from rich.table import Table

import catalogue.events  # noqa: F401 - fills the registry
from chassis import cursor
from chassis.database import Database
from chassis.message import from_headers
from chassis.tables import set_aside
from evenkeel_ops.configuration import database_of
from evenkeel_ops.provision import SERVICES

CANARY_SECONDS = 15.0
SHOWN = ("state", "type", "subject", "version", "reason", "attempts", "since", "retry_at")

app = typer.Typer(
    help="Events that were set aside, and what to do.",
    epilog="Examples: evenkeel parked list, evenkeel parked redrive intake --cause CAUSE",
    no_args_is_help=True,
)

Service = Annotated[str, typer.Argument(help="Whose parked events.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """Group what is set aside by service, type and cause."""
    groups = [one for service in SERVICES for one in _groups(service)]
    if as_json:
        print(json.dumps(groups))
        return
    table = Table("service", "state", "type", "cause", "events", box=None, pad_edge=False)
    for one in groups:
        table.add_row(*(str(value) for value in one.values()))
    Console().print(table if groups else "Nothing is set aside.")


@app.command()
def show(service: Service, event_id: UUID, as_json: AsJson = False) -> None:
    """Show one event: attributes, reason, attempts. Its body holds ids and codes only."""
    with database_of(service) as database:
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
) -> None:
    """Have the running service try parked events again: one as a canary, then the rest."""
    if (event_id is None) == (cause is None):
        raise typer.BadParameter("name an event, or a --cause")
    with database_of(service) as database:
        chosen = _parked(database, event_id, cause)
        if not chosen:
            raise typer.BadParameter("no such event is parked")
        _make_due(database, chosen[:1])
        if not _went_well(database, chosen[0]):
            print("the canary failed again or was not tried; the rest is left alone")
            raise typer.Exit(1)
        _make_due(database, chosen[1:])
    print(f"the canary went well; {len(chosen) - 1} more are due now")


@app.command()
def discard(
    service: Service,
    event_id: UUID,
    by: Annotated[str, typer.Option(help="Who decides this.")],
) -> None:
    """Give an event up for good: its subject goes on without it, and the row says who said so."""
    with database_of(service) as database, database.work() as db:
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


def _groups(service: str) -> list[dict[str, Any]]:
    with database_of(service) as database, database.look() as connection:
        columns = (set_aside.c.state, set_aside.c.type, set_aside.c.reason)
        counted = Counter(tuple(row) for row in connection.execute(sa.select(*columns)))
    return [
        {"service": service, "state": state, "type": kind, "cause": reason, "events": count}
        for (state, kind, reason), count in sorted(counted.items())
    ]


def _row(database: Database, event_id: UUID) -> Any:
    with database.look() as connection:
        asked = sa.select(set_aside).where(set_aside.c.id == event_id)
        row = connection.execute(asked).one_or_none()
    if row is None:
        raise typer.BadParameter(f"{event_id} is not set aside in {database.service}")
    return row


def _parked(database: Database, event_id: UUID | None, cause: str | None) -> list[UUID]:
    parked = sa.select(set_aside.c.id).where(set_aside.c.state == "parked")
    one = set_aside.c.id == event_id if event_id else set_aside.c.reason == cause
    with database.look() as connection:
        oldest_first = parked.where(one).order_by(set_aside.c.since, set_aside.c.version)
        return list(connection.execute(oldest_first).scalars())


def _make_due(database: Database, ids: list[UUID]) -> None:
    with database.work() as db:
        due = sa.update(set_aside).where(set_aside.c.id.in_(ids)).values(retry_at=db.now)
        db.connection().execute(due)


def _went_well(database: Database, event_id: UUID) -> bool:
    """Wait until the running service has tried an event. Whether it is parked no more."""
    asked = sa.select(set_aside.c.attempts).where(set_aside.c.id == event_id)
    with database.look() as connection:
        before = connection.execute(asked).scalar()
    deadline = time.monotonic() + CANARY_SECONDS
    while time.monotonic() < deadline:
        with database.look() as connection:
            attempts = connection.execute(asked).scalar()
        if attempts != before:
            return attempts is None
        time.sleep(0.1)
    return False
