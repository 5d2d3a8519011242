"""`./evenkeel log`: what a service announced, and one journey through all of them."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
import typer
from rich.console import Console
from rich.table import Table

from catalogue.event import LANES
from chassis.tables import cursors, event_log, set_aside
from evenkeel_ops.configuration import DEMO, database_of
from evenkeel_ops.provision import SERVICES

app = typer.Typer()

AS_WIDE_AS_IT_IS = 1000
"""Columns of the terminal that tables are made for: it wraps them, and no id is cut short."""

EXAMPLES = """Examples: evenkeel log intake, evenkeel log crisis --lane urgent --limit 5,
evenkeel log --follow-id 01a20aac-020b-73a4-ba3d-3ae6d73396c6"""


@dataclass(frozen=True, kw_only=True)
class Hop:
    """One event of a journey, and what became of it in each service that hears its stream.

    It waited since what caused it, or since the hop before it where its cause is no event.
    """

    at: datetime
    service: str
    type: str
    subject: str
    version: int
    event_id: UUID
    causation_id: UUID | None
    waited_seconds: float
    heard_by: dict[str, str]


@app.command(epilog=EXAMPLES)
def log(
    service: Annotated[str | None, typer.Argument(help="Whose log.")] = None,
    follow_id: Annotated[
        str | None,
        typer.Option(
            help="Through all services: a correlation id, which the log and the header"
            " X-Correlation-Id of an answer tell, or a subject's id."
        ),
    ] = None,
    lane: Annotated[str | None, typer.Option(help="urgent or routine.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many of the newest.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    directory: Annotated[Path, typer.Option(help="Where the demo keeps its data.")] = DEMO,
) -> None:
    """Show a service's log, or follow one id through all services, hop by hop."""
    if (service is None) == (follow_id is None):
        raise typer.BadParameter("name a service, or an id with --follow-id")
    if lane not in (None, *LANES):
        raise typer.BadParameter(f"--lane is one of {', '.join(LANES)}")
    if follow_id is not None:
        _tell_journey(_journey(_uuid_of(follow_id), directory), as_json)
        return
    with database_of(str(service), directory) as database, database.look() as connection:
        newest = sa.select(event_log).order_by(event_log.c.seq.desc()).limit(limit)
        if lane:
            newest = newest.where(event_log.c.lane == lane)
        rows = list(reversed(connection.execute(newest).all()))
    _tell_log(rows, as_json)


def _uuid_of(text: str) -> UUID:
    try:
        return UUID(text.rpartition("/")[2])
    except ValueError:
        raise typer.BadParameter(f"{text} is no id") from None


def _journey(wanted: UUID, directory: Path) -> list[Hop]:
    """Every event with this correlation id; or about this subject, and all that followed."""
    about = _found(event_log.c.subject.endswith(str(wanted)), directory)
    correlations = {wanted, *(row.correlation_id for _, row in about)}
    found = {row.event_id: (service, row) for service, row in about}
    for service, row in _found(event_log.c.correlation_id.in_(correlations), directory):
        found[row.event_id] = service, row
    hops = in_order_of_cause(found)
    rows = [row for _, row in hops]
    arrivals = {service: _arrivals(service, rows, directory) for service in SERVICES}
    told: list[Hop] = []
    for service, row in hops:
        _, cause = found.get(row.causation_id, (None, None))
        since = cause.occurred_at if cause else told[-1].at if told else row.occurred_at
        told.append(_hop(service, row, since, arrivals))
    return told


def _found(which: sa.ColumnElement[bool], directory: Path) -> list[tuple[str, Any]]:
    """What all services announced, each with the service."""
    found = []
    for service in SERVICES:
        with database_of(service, directory) as database, database.look() as connection:
            rows = connection.execute(sa.select(event_log).where(which)).all()
        found += [(service, row) for row in rows]
    return found


def in_order_of_cause(found: dict[UUID, tuple[str, Any]]) -> list[tuple[str, Any]]:
    """By time, and what was caused after its cause: on a clock that stands still, or on clocks
    that differ, time alone does not say."""
    ordered: dict[UUID, tuple[str, Any]] = {}

    def put(event_id: UUID) -> None:
        if event_id in ordered:
            return
        _, row = found[event_id]
        if row.causation_id in found:
            put(row.causation_id)
        ordered[event_id] = found[event_id]

    for _, row in sorted(found.values(), key=lambda hop: (hop[1].occurred_at, hop[1].seq)):
        put(row.event_id)
    return list(ordered.values())


def _hop(service: str, row: Any, since: datetime, arrivals: dict[str, dict[Any, str]]) -> Hop:
    return Hop(
        at=row.occurred_at,
        service=service,
        type=row.type,
        subject=row.subject,
        version=row.version,
        event_id=row.event_id,
        causation_id=row.causation_id,
        waited_seconds=(row.occurred_at - since).total_seconds(),
        heard_by={
            hearer: states[service, row.subject, row.version]
            for hearer, states in arrivals.items()
            if (service, row.subject, row.version) in states
        },
    )


def _arrivals(service: str, rows: list[Any], directory: Path) -> dict[Any, str]:
    """What became of events in one service: handled, waiting, parked, or not there yet."""
    subjects = sorted({row.subject for row in rows})
    states: dict[Any, str] = {}
    with database_of(service, directory) as database, database.look() as connection:
        at = sa.select(cursors.c.source, cursors.c.subject, cursors.c.version)
        for one in connection.execute(at.where(cursors.c.subject.in_(subjects))):
            for version in (row.version for row in rows if row.subject == one.subject):
                reached = version <= one.version
                states[one.source, one.subject, version] = "handled" if reached else "on its way"
        held = sa.select(
            set_aside.c.source, set_aside.c.subject, set_aside.c.version, set_aside.c.state
        ).where(set_aside.c.subject.in_(subjects))
        states |= {(row[0], row[1], row[2]): row[3] for row in connection.execute(held)}
    return states


def _tell_journey(hops: list[Hop], as_json: bool) -> None:
    if as_json:
        print(json.dumps([vars(hop) for hop in hops], default=str))
        return
    table = Table("at", "wait", "service", "event", "subject", "heard by", box=None, pad_edge=False)
    for hop in hops:
        table.add_row(
            hop.at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3],
            f"{hop.waited_seconds:.3f} s",
            hop.service,
            hop.type.split(".", 2)[2],
            f"{hop.subject} #{hop.version}",
            ", ".join(f"{service} {state}" for service, state in hop.heard_by.items()),
        )
    _print(table if hops else "No event has this id.")


def _tell_log(rows: list[Any], as_json: bool) -> None:
    columns = ("lane", "position", "occurred_at", "type", "subject", "version", "correlation_id")
    if as_json:
        print(json.dumps([{c: getattr(row, c) for c in columns} for row in rows], default=str))
        return
    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(str(getattr(row, column)) for column in columns))
    _print(table)


def _print(told: Table | str) -> None:
    Console(width=AS_WIDE_AS_IT_IS).print(told)
