"""Timers: rows that say what is to happen at an instant, claimed by any replica.

Firing runs the handler in the transaction that deletes the row. A timer is cancelled by raising
the generation on its owner's row, which firing compares under the owner's lock; deleting it
instead would deadlock with its own firing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID, uuid4

import sqlalchemy as sa

from chassis.aside import RETRY_AFTER
from chassis.crash_points import reached
from chassis.database import Database, Session, retryable
from chassis.logs import log, where
from chassis.metrics import TIMERS
from chassis.tables import timers

POLL_SECONDS = 0.5


class Owner(Protocol):
    """A mapped row that timers may belong to."""

    timer_generation: int


@dataclass(frozen=True)
class Fired:
    """What a timer handler is given besides its owner: the transaction and the timer's own row."""

    db: Session
    due_at: datetime
    payload: dict[str, Any]

    @property
    def now(self) -> datetime:
        return self.db.now


@dataclass(frozen=True)
class Kind:
    """A kind of timer: the mapped class that owns it and what happens when it is due."""

    owner: type[Any]
    handler: Callable[[Fired, Any], None]


def set_timer(
    db: Session,
    kind: str,
    *,
    owner_id: UUID,
    clinic_id: UUID,
    due_at: datetime,
    generation: int = 0,
    payload: dict[str, Any] | None = None,
) -> None:
    """Set a timer within this transaction. `generation` is the owner's `timer_generation` now."""
    timer_id = uuid4()
    db.connection().execute(
        sa.insert(timers).values(
            id=timer_id,
            kind=kind,
            owner_id=owner_id,
            clinic_id=clinic_id,
            due_at=due_at,
            generation=generation,
            payload=payload or {},
            attempts=0,
            correlation_id=db.info.get("correlation_id") or timer_id,
        )
    )


def next_due(db: Session) -> datetime | None:
    """When the next timer is due, those that are due now left out."""
    return db.scalar(sa.select(sa.func.min(timers.c.due_at)).where(timers.c.due_at > db.now))


class Timers:
    """Fires what is due, one timer a transaction."""

    def __init__(self, database: Database, kinds: dict[str, Kind]) -> None:
        self.database = database
        self.kinds = kinds

    def fire_one(self) -> bool:
        """Fire the timer that has been due longest. Returns whether there was one."""
        row = None
        try:
            with self.database.work() as db:
                row = self._claim(db)
                if row is not None:
                    self._fire(db, row)
                    reached("timers.before_commit")
            reached("timers.after_commit", row)
        except Exception as failure:
            if row is None or retryable(failure):
                raise
            self._put_off(row, failure)
        return row is not None

    def _claim(self, db: Session) -> Any:
        due = (
            sa.select(timers)
            .where(timers.c.due_at <= db.now, timers.c.kind.in_(list(self.kinds)))
            .order_by(timers.c.due_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        return db.execute(due).one_or_none()

    def _fire(self, db: Session, row: Any) -> None:
        db.info["correlation_id"] = row.correlation_id
        kind = self.kinds[row.kind]
        db.connection().execute(sa.delete(timers).where(timers.c.id == row.id))
        owner = db.get(kind.owner, row.owner_id, with_for_update=True)
        outcome = "cancelled"
        if owner is not None and owner.timer_generation == row.generation:
            kind.handler(Fired(db, row.due_at, row.payload), owner)
            outcome = "fired"
        TIMERS.labels(self.database.service, row.kind, outcome).inc()

    def _put_off(self, row: Any, failure: Exception) -> None:
        log.warning(
            "timer_failed",
            service=self.database.service,
            kind=row.kind,
            owner_id=str(row.owner_id),
            attempts=row.attempts + 1,
            error=where(failure),
        )
        TIMERS.labels(self.database.service, row.kind, "failed").inc()
        pause = RETRY_AFTER[min(row.attempts, len(RETRY_AFTER) - 1)]
        with self.database.work() as db:
            db.connection().execute(
                sa.update(timers)
                .where(timers.c.id == row.id)
                .values(attempts=row.attempts + 1, due_at=db.now + pause)
            )
