"""Set aside: events that wait for their predecessor, and events that are parked with a reason.

A parked event keeps its place: later events of its subject wait behind it, all others go on. It
is tried again after growing pauses, unless its reason says that only a human can help.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa

from chassis.cursor import Cursor
from chassis.database import Session, insert_into
from chassis.logs import where
from chassis.message import Message, from_headers, headers_of
from chassis.metrics import PARKED
from chassis.tables import cursors, set_aside

RETRY_AFTER = tuple(
    timedelta(seconds=seconds) for seconds in (1, 10, 60, 300, 1800, 2 * 3600, 6 * 3600)
)
LOAD_LIMIT = 500


@dataclass(frozen=True)
class Reason:
    """Why an event is set aside, and whether trying again can help."""

    code: str
    temporary: bool = False


WAITING = Reason("waits_for_predecessor")
INVALID_BODY = Reason("invalid_body")
UNKNOWN_TYPE = Reason("unknown_type_or_major")
MALFORMED = Reason("malformed_attributes")
OTHER_CLINIC = Reason("clinic_is_not_the_subjects")
CONTRADICTING_ID = Reason("id_contradicts_one_handled")
NEW_EPOCH = Reason("epoch_not_reconciled")
KILLED_PROCESS = Reason("killed_its_process")


def handler_failed(failure: Exception) -> Reason:
    """The reason of an event whose handler raised: where, never what it said."""
    return Reason(f"handler_failed: {where(failure)}"[:200], temporary=True)


def row(
    message: Message, lane: str, reason: Reason, now: datetime, attempts: int
) -> dict[str, Any]:
    """The row that sets a message aside."""
    state = "waiting" if reason is WAITING else "parked"
    return {
        "id": message.id,
        "state": state,
        "source": message.source,
        "subject": message.subject,
        "version": message.version,
        "event_id": message.id,
        "type": message.type,
        "clinic_id": message.clinic_id,
        "lane": lane,
        "reason": reason.code,
        "attempts": attempts,
        "since": now,
        "retry_at": _retry_at(now, attempts) if reason.temporary else None,
        "headers": headers_of(message),
        "body": message.body,
    }


def put(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Set messages aside, or note another failed attempt at one that already is."""
    if not rows:
        return
    insert = insert_into(session, set_aside)
    again = {name: insert.excluded[name] for name in ("state", "reason", "attempts", "retry_at")}
    statement = insert.on_conflict_do_update(index_elements=["id"], set_=again)
    session.connection().execute(statement, list(rows))
    for one in rows:
        if one["state"] == "parked":
            PARKED.labels(session.info["service"], one["reason"].split(":")[0]).inc()


def put_malformed(
    session: Session, lane: str, headers: dict[str, Any], body: bytes, attribute: str
) -> None:
    """Set aside what has no usable attributes; it stands in nobody's way."""
    kept = {str(name): str(value) for name, value in headers.items()}
    values = {
        "id": uuid4(), "state": "parked", "source": "unknown", "subject": "unknown", "version": 0,
        "type": "unknown", "lane": lane, "reason": f"{MALFORMED.code}: {attribute}"[:200],
        "attempts": 0, "since": session.now, "headers": kept, "body": body,
    }  # fmt: skip
    session.connection().execute(sa.insert(set_aside).values(values))
    PARKED.labels(session.info["service"], MALFORMED.code).inc()


def behind(session: Session, held: Iterable[Cursor]) -> list[tuple[str, Message]]:
    """What is set aside of these subjects, as (state, message), by version."""
    keys = [(c.source, c.subject) for c in held]
    rows = session.execute(
        sa.select(set_aside.c.state, set_aside.c.headers, set_aside.c.body)
        .where(
            sa.tuple_(set_aside.c.source, set_aside.c.subject).in_(keys),
            set_aside.c.state != "discarded",
            set_aside.c.event_id.is_not(None),
        )
        .order_by(set_aside.c.version)
        .limit(LOAD_LIMIT)
    )
    return [(row.state, from_headers(row.headers, row.body)) for row in rows]


def take_away(session: Session, ids: Sequence[UUID], held: Iterable[Cursor]) -> None:
    """Delete what was handled after all, and free the subjects behind which nothing is left."""
    connection = session.connection()
    if ids:
        connection.execute(sa.delete(set_aside).where(set_aside.c.id.in_(ids)))
    keys = [(c.source, c.subject) for c in held]
    if not keys:
        return
    left = (
        sa.select(set_aside.c.source, set_aside.c.subject)
        .where(
            sa.tuple_(set_aside.c.source, set_aside.c.subject).in_(keys),
            set_aside.c.state != "discarded",
        )
        .distinct()
    )
    still = {(row.source, row.subject) for row in connection.execute(left)}
    for one in held:
        one.set_aside = (one.source, one.subject) in still


def due(session: Session, lane: str, now: datetime, limit: int) -> list[tuple[Message, int]]:
    """Parked events whose next attempt is due, as (message, attempts so far)."""
    rows = session.execute(
        sa.select(set_aside.c.headers, set_aside.c.body, set_aside.c.attempts)
        .where(set_aside.c.lane == lane, set_aside.c.state == "parked")
        .where(set_aside.c.retry_at <= now, set_aside.c.event_id.is_not(None))
        .order_by(set_aside.c.retry_at)
        .limit(limit)
    )
    return [(from_headers(row.headers, row.body), row.attempts) for row in rows]


def ready(session: Session, lane: str, limit: int) -> list[Message]:
    """Waiting events whose predecessor has been handled, should a drain have left any."""
    rows = session.execute(
        sa.select(set_aside.c.headers, set_aside.c.body)
        .join(
            cursors,
            sa.and_(
                cursors.c.source == set_aside.c.source,
                cursors.c.subject == set_aside.c.subject,
                cursors.c.version + 1 >= set_aside.c.version,
            ),
        )
        .where(set_aside.c.lane == lane, set_aside.c.state == "waiting")
        .limit(limit)
    )
    return [from_headers(row.headers, row.body) for row in rows]


def _retry_at(now: datetime, attempts: int) -> datetime:
    pause = RETRY_AFTER[min(attempts, len(RETRY_AFTER) - 1)]
    return now + pause * random.uniform(0.9, 1.1)
