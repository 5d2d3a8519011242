"""`./evenkeel reconcile SERVICE`: let a service go on after its database was restored.

Run it while the service is stopped and its hearers run, once they have handled what the broker
still held for them. What the database forgot cannot be brought back; what is certain afterwards is
that no version of any subject means two things.
"""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Annotated

import sqlalchemy as sa
import typer

from catalogue.streams import ANNOUNCES, HEARS
from chassis import lives, producers
from chassis.database import Database
from chassis.lead import Lead, standing_for
from chassis.lives import Handled
from chassis.tables import stream_heads
from evenkeel_ops.configuration import database_of
from evenkeel_ops.machine import Lacking

STOPPED_SECONDS = 1.0

app = typer.Typer()


@dataclass
class Reconciled:
    """The new epoch, and the subjects of which the database has forgotten versions."""

    epoch: int
    forgotten: dict[str, int] = field(default_factory=dict)


@app.command(epilog="Example: evenkeel reconcile sessions")
def reconcile(
    service: Annotated[str, typer.Argument(help="Whose database was restored. Stop it first.")],
) -> None:
    """Begin a new epoch of a restored service, above all that its hearers have handled."""
    with ExitStack() as going:
        producer = going.enter_context(database_of(service))
        hearers = [going.enter_context(database_of(name)) for name in hearers_of(service)]
        print(f"{service} is in {producer.work_engine.url.render_as_string()}", flush=True)
        done = begin_new_life(producer, hearers)
    accepting = ", ".join(hearers_of(service))
    print(f"{service} is in epoch {done.epoch}, accepted by {accepting}")
    if done.forgotten:
        print(f"{len(done.forgotten)} subjects go on above what the database has forgotten")


def hearers_of(service: str) -> list[str]:
    """The services that hear a stream of this one."""
    announced = set(ANNOUNCES.get(service, ()))
    return sorted(name for name, heard in HEARS.items() if announced & set(heard) - {service})


def begin_new_life(producer: Database, hearers: Sequence[Database]) -> Reconciled:
    """Begin an epoch that every hearer accepts. Raises Lacking while the producer still leads.

    Safe to repeat: another run begins yet another epoch.
    """
    handled: dict[str, Handled] = {}
    for hearer in hearers:
        with hearer.work() as db:
            for subject, known in lives.versions_handled(db, producer.service).items():
                handled[subject] = max(known, handled.get(subject, known))
    with standing_for(producer) as lead:
        if not _is_taken(lead):
            raise Lacking(f"{producer.service} still runs; stop it first")
        with producer.work() as db:
            rows = db.execute(sa.select(stream_heads.c.subject, stream_heads.c.version))
            heads = {row.subject: row.version for row in rows}
            forgotten = {
                subject: known.version
                for subject, known in handled.items()
                if known.version > heads.get(subject, 0)
            }
            done = Reconciled(lives.reconcile(db, handled), forgotten)
    for hearer in hearers:
        with hearer.work() as db:
            producers.accept_epoch(db, producer.service, done.epoch, done.forgotten)
    return done


def _is_taken(lead: Lead) -> bool:
    """Whether nobody else leads; one that has just ended may be noticed a moment later."""
    deadline = time.monotonic() + STOPPED_SECONDS
    while not lead.taken():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
