"""What this service knows of each producer it hears: which life of its log, and up to where.

A producer whose database was restored is refused: its events are parked until it is reconciled.
"""

from collections.abc import Collection, Mapping

import sqlalchemy as sa

from chassis.aside import NEW_EPOCH
from chassis.database import Session, insert_into
from chassis.tables import cursors, producers, set_aside


def position(session: Session, source: str, lane: str, streams: Collection[str]) -> int:
    """Up to where everything heard has arrived; 0 again when more streams are heard than then."""
    row = session.execute(
        sa.select(producers.c.position, producers.c.streams).where(
            producers.c.source == source, producers.c.lane == lane
        )
    ).one_or_none()
    return row.position if row is not None and row.streams == _listed(streams) else 0


def reached(
    session: Session, source: str, lane: str, streams: Collection[str], epoch: int, position: int
) -> None:
    """Everything up to this position is handled, waiting or parked here."""
    insert = insert_into(session, producers).values(
        source=source, lane=lane, epoch=epoch, position=position, streams=_listed(streams)
    )
    changed = {"position": position, "streams": _listed(streams)}
    session.connection().execute(
        insert.on_conflict_do_update(
            index_elements=["source", "lane"],
            set_=changed,
            where=sa.or_(producers.c.position < position, producers.c.streams != _listed(streams)),
        )
    )


def refuse(session: Session, source: str, epoch: int) -> bool:
    """Take back that a life of a producer's log is accepted. Returns whether it was."""
    refused = sa.update(producers).where(producers.c.source == source, producers.c.epoch >= epoch)
    return session.connection().execute(refused.values(epoch=epoch - 1)).rowcount > 0


def accept_epoch(
    session: Session, source: str, epoch: int, gone: Mapping[str, int] | None = None
) -> None:
    """A human reconciled a restored producer: its new life counts from now on.

    Its log is read again from the beginning, and what was parked for its life is tried again.
    `gone` maps subject to the last version that the producer has forgotten: a cursor that stands
    before it waits for events that nobody can send any more, and goes past them.
    """
    connection = session.connection()
    accepted = sa.update(producers).where(producers.c.source == source)
    connection.execute(accepted.values(epoch=epoch, position=0))
    for subject, version in sorted((gone or {}).items()):
        behind = (cursors.c.source == source, cursors.c.subject == subject)
        connection.execute(
            sa.update(cursors)
            .where(*behind, cursors.c.version < version)
            .values(version=version, last_ids=b"")
        )
    parked = sa.update(set_aside).where(
        set_aside.c.source == source, set_aside.c.reason == NEW_EPOCH.code
    )
    connection.execute(parked.values(retry_at=session.now))


def _listed(streams: Collection[str]) -> str:
    return ",".join(sorted(streams))
