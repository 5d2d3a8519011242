"""The log: what this service announced, in order, with a gapless position in each lane.

One leader gives positions to new rows in the order of `seq`; whoever is entitled reads a lane
from any position on, and a lane so read has no holes.
"""

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from chassis.database import Session
from chassis.message import Message, from_frames, stamp
from chassis.tables import event_log, lanes, lives

READ_LIMIT = 500
WINDOW = 10 * READ_LIMIT
"""Positions that one read looks at. Every read of a lane names its end: with old statistics
PostgreSQL would otherwise sort all that follows, to give the first few."""

_CLAIM_POSTGRES = sa.text("""
    WITH fresh AS MATERIALIZED (
        SELECT subject, version, recorded_at, row_number() OVER (ORDER BY seq) AS n
        FROM event_log WHERE lane = :lane AND position IS NULL ORDER BY seq LIMIT :limit
    ), moved AS (
        UPDATE lanes SET position = position + (SELECT count(*) FROM fresh)
        WHERE lane = :lane AND EXISTS (SELECT 1 FROM fresh)
        RETURNING position - (SELECT count(*) FROM fresh) AS before
    ), placed AS (
        UPDATE event_log AS row SET position = moved.before + fresh.n, epoch = :epoch
        FROM fresh, moved
        WHERE row.subject = fresh.subject AND row.version = fresh.version
          AND row.recorded_at = fresh.recorded_at
        RETURNING 1
    )
    SELECT count(*) FROM placed
""")


@dataclass(frozen=True)
class Page:
    """Part of a lane: its messages, and the position up to which the lane is now known.

    A lane that ends before the position asked for belongs to a restored database.
    """

    epoch: int
    upto: int
    messages: list[Message]


def claim(connection: sa.Connection, lane: str, epoch: int, limit: int) -> int:
    """Give the next positions of a lane to rows that have none. Returns how many."""
    if connection.dialect.name == "postgresql":
        parameters = {"lane": lane, "epoch": epoch, "limit": limit}
        return connection.execute(_CLAIM_POSTGRES, parameters).scalar_one()
    fresh = connection.execute(
        sa.select(event_log.c.seq)
        .where(event_log.c.lane == lane, event_log.c.position.is_(None))
        .order_by(event_log.c.seq)
        .limit(limit)
    ).scalars().all()  # fmt: skip
    if not fresh:
        return 0
    last = connection.execute(
        sa.update(lanes)
        .where(lanes.c.lane == lane)
        .values(position=lanes.c.position + len(fresh))
        .returning(lanes.c.position)
    ).scalar_one()
    place = (
        sa.update(event_log)
        .where(event_log.c.seq == sa.bindparam("at"))
        .values(position=sa.bindparam("given"), epoch=epoch)
    )
    first = last - len(fresh) + 1
    connection.execute(place, [{"at": s, "given": first + i} for i, s in enumerate(fresh)])
    return len(fresh)


def frames_after(
    connection: sa.Connection, lane: str, after: int, limit: int
) -> list[tuple[int, bytes]]:
    """Position and ready bytes of what follows a position of a lane."""
    rows = connection.execute(_between(lane, after, after + limit)).all()
    return [
        (row.position, stamp(row.frames, epoch=row.epoch, position=row.position)) for row in rows
    ]


def read(
    session: Session, lane: str, after: int, streams: Collection[str], limit: int = READ_LIMIT
) -> Page:
    """What follows a position of a lane, of these streams only."""
    head = session.execute(sa.select(lanes.c.position).where(lanes.c.lane == lane)).scalar() or 0
    end = min(head, after + WINDOW)
    wanted = _between(lane, after, end).where(event_log.c.stream.in_(sorted(streams)))
    rows = session.execute(wanted.limit(limit)).all()
    messages = [
        from_frames(stamp(row.frames, epoch=row.epoch, position=row.position)) for row in rows
    ]
    upto = rows[-1].position if len(rows) == limit else end
    return Page(epoch(session), upto, messages)


def epoch(session: Session) -> int:
    """Which life of the database this is: 1, and one more after each restore."""
    return session.execute(sa.select(sa.func.max(lives.c.epoch))).scalar() or 0


def _between(lane: str, after: int, upto: int) -> sa.Select:
    return (
        sa.select(event_log.c.position, event_log.c.epoch, event_log.c.frames)
        .where(event_log.c.lane == lane, event_log.c.position > after)
        .where(event_log.c.position <= upto)
        .order_by(event_log.c.position)
    )
