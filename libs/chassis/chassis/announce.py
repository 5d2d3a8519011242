"""Announce an event inside the caller's transaction; the state and its events commit together.

Just before commit, after the flush, one statement takes the next versions of all subjects in
subject order, and the log rows follow. Their `seq` is drawn only after those row locks, so
ORDER BY seq is the right order for every subject.
"""

import json
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import event as hooks

from catalogue.codec import encode
from catalogue.event import Event
from chassis import pending
from chassis.crash_points import reached
from chassis.database import Session
from chassis.message import Message, to_frames
from chassis.tables import event_log

CONTEXT = ("correlation_id", "causation_id", "traceparent", "synthetic")
"""What an event inherits from the request, the event or the timer during which it is announced."""

EVENTS = "events"


@dataclass(frozen=True)
class _Announced:
    event: Event
    id: UUID
    context: dict[str, Any]


_TAKE_VERSIONS_POSTGRES = sa.text("""
    INSERT INTO stream_heads AS head (subject, clinic_id, version)
    SELECT * FROM unnest(
        CAST(:subjects AS text[]), CAST(:clinics AS uuid[]), CAST(:counts AS int[])
    )
    ON CONFLICT (subject) DO UPDATE SET version = head.version + excluded.version
    RETURNING subject, version, clinic_id
""")

_TAKE_VERSIONS_SQLITE = sa.text("""
    INSERT INTO stream_heads AS head (subject, clinic_id, version)
    SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(:rows) WHERE true
    ON CONFLICT (subject) DO UPDATE SET version = head.version + excluded.version
    RETURNING subject, version, clinic_id
""")


class OtherClinic(ValueError):
    """A subject belongs to one clinic for ever; an event named another."""


def uuid7() -> UUID:
    """A UUIDv7 of this machine's clock (RFC 9562)."""
    random = int.from_bytes(os.urandom(10), "big")
    value = (time.time_ns() // 1_000_000) << 80 | random
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(3 << 62) | 2 << 62
    return UUID(int=value)


def announce(session: Session, event: Event) -> UUID:
    """Put an event into this transaction. Returns its id; it is on its way once committed."""
    event_id = uuid7()
    context = {name: session.info[name] for name in CONTEXT if session.info.get(name)}
    context.setdefault("correlation_id", event_id)
    pending.keep(session, EVENTS, _Announced(event, event_id, context))
    return event_id


@hooks.listens_for(Session, "before_commit")
def _write(session: Session) -> None:
    announced: list[_Announced] = pending.taken(session, EVENTS)
    if not announced:
        return
    session.flush()
    version = _take_versions(session, [one.event for one in announced])
    reached("announce.after_heads")
    rows = []
    for one in announced:
        version[one.event.subject] += 1
        rows.append(_row(session, one, version[one.event.subject]))
    session.connection().execute(sa.insert(event_log), rows)
    session.info["announced_any"] = True
    reached("announce.before_commit")


def _take_versions(session: Session, events: Iterable[Event]) -> dict[str, int]:
    """Version before the first of these events, for each subject, locked in subject order."""
    counts: dict[str, int] = {}
    clinics: dict[str, UUID] = {}
    for event in events:
        counts[event.subject] = counts.get(event.subject, 0) + 1
        clinics[event.subject] = event.clinic_id
    rows = [(subject, clinics[subject].hex, counts[subject]) for subject in sorted(counts)]
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        columns = zip(
            ("subjects", "clinics", "counts"), map(list, zip(*rows, strict=True)), strict=True
        )
        taken = connection.execute(_TAKE_VERSIONS_POSTGRES, dict(columns))
    else:
        taken = connection.execute(_TAKE_VERSIONS_SQLITE, {"rows": json.dumps(rows)})
    before = {}
    for subject, version, clinic in taken:
        if UUID(str(clinic)) != clinics[subject]:
            raise OtherClinic(subject)
        before[subject] = version - counts[subject]
    return before


def _row(session: Session, one: _Announced, version: int) -> dict[str, Any]:
    event = one.event
    message = Message(
        id=one.id,
        source=session.info["service"],
        type=event.type,
        subject=event.subject,
        version=version,
        time=session.now,
        clinic_id=event.clinic_id,
        privacy=event.privacy,
        body=encode(event),
        **one.context,
    )
    return {
        "recorded_at": session.now,
        "lane": event.stream.lane,
        "stream": event.stream.name,
        "subject": message.subject,
        "version": version,
        "event_id": message.id,
        "type": message.type,
        "clinic_id": message.clinic_id,
        "occurred_at": message.time,
        "correlation_id": message.correlation_id,
        "causation_id": message.causation_id,
        "frames": to_frames(message, mandatory=event.stream.name in session.info["heard"]),
    }
