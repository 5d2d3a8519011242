"""The delivery log of a clinic's day: every message, where it stands and why, and a picture of it.

The day is that of the zone in which most of its recipients are.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from chassis.database import Session
from notifications import why
from notifications.messages import Message
from notifications.recipients import Recipient
from notifications.replies import FOR_STAFF, Reply

STATUSES = ("delivered", "sent", "waiting", "skipped", "failed")
MOST_ROWS = 200
HOURS = range(24)

WIDE, HIGH, BAR, STEP = 720, 160, 22, 30
"""Of the picture, in units of its own."""


@dataclass(frozen=True)
class Bar:
    """One piece of the picture: so many messages of a status in an hour of the day."""

    status: str
    hour: int
    count: int
    x: int
    y: float
    height: float


def of_day(
    db: Session, *, clinic_id: UUID | None, on: date | None, status: str | None
) -> dict[str, Any]:
    """The day's messages, newest first; those of one status, if one is asked for."""
    zone = zone_of(db, clinic_id)
    day = on or db.now.astimezone(zone).date()
    begins = datetime.combine(day, time(), tzinfo=zone)
    ends = datetime.combine(day + timedelta(days=1), time(), tzinfo=zone)
    found = _between(db, clinic_id, begins, ends)
    counts = Counter(one["status"] for one in found)
    shown = [one for one in reversed(found) if status in (None, one["status"])]
    return {
        "zone": zone,
        "on": day,
        "counts": {name: counts[name] for name in STATUSES},
        "bars": bars((one["status"], at_of(one).astimezone(zone).hour) for one in found),
        "messages": shown[:MOST_ROWS],
        "left_out": max(len(shown) - MOST_ROWS, 0),
        "unread": _unread(db, clinic_id, begins, ends),
    }


def at_of(one: dict[str, Any]) -> datetime:
    """The instant under which a message is listed: when it was sent, or is or was to be."""
    return one["sent_at"] or one["not_before"]


def bars(found: Iterable[tuple[str, int]]) -> list[Bar]:
    """The picture: a column for each hour, a piece of it for each status, the fullest column as
    high as the picture."""
    counts = Counter(found)
    fullest = max((sum(counts[s, hour] for s in STATUSES) for hour in HOURS), default=0)
    made = []
    for hour in HOURS:
        y = float(HIGH)
        for status in STATUSES:
            if count := counts[status, hour]:
                height = HIGH * count / fullest
                y -= height
                made.append(Bar(status, hour, count, hour * STEP, y, height))
    return made


def _between(
    db: Session, clinic_id: UUID | None, begins: datetime, ends: datetime
) -> list[dict[str, Any]]:
    at = sa.func.coalesce(Message.sent_at, Message.not_before)
    asked = sa.select(Message).where(at >= begins, at < ends).order_by(at, Message.message_id)
    if clinic_id is not None:
        asked = asked.where(Message.clinic_id == clinic_id)
    return why.explained(db, list(db.scalars(asked)))


def _unread(
    db: Session, clinic_id: UUID | None, begins: datetime, ends: datetime
) -> Sequence[Reply]:
    """Replies that no list knows: a person asks what was meant, the same day."""
    asked = sa.select(Reply).where(Reply.heard_at >= begins, Reply.heard_at < ends)
    if clinic_id is not None:
        asked = asked.where(Reply.clinic_id == clinic_id)
    return [one for one in db.scalars(asked.order_by(Reply.heard_at)) if FOR_STAFF in one.kinds]


def zone_of(db: Session, clinic_id: UUID | None) -> ZoneInfo:
    asked = sa.select(Recipient.zone).where(Recipient.zone.is_not(None))
    if clinic_id is not None:
        asked = asked.where(Recipient.clinic_id == clinic_id)
    most = asked.group_by(Recipient.zone).order_by(sa.func.count().desc(), Recipient.zone)
    return ZoneInfo(db.scalar(most.limit(1)) or "UTC")
