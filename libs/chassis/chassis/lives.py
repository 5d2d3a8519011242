"""The lives of a database. A restored one has forgotten what others already acted on, so it may
not go on by itself: a human reconciles it, and a new epoch begins.

PostgreSQL tells by its cluster and timeline. SQLite and a plain copy of a data directory cannot
tell; there the consumers notice that a log ends before the position they had read it to.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from chassis.database import Database, Session, insert_into
from chassis.migrations import fingerprint
from chassis.tables import cursors, lives, set_aside, stream_heads


class Handled(NamedTuple):
    """Up to which version a consumer knows a subject, and whose it is."""

    version: int
    clinic_id: UUID


class NotReconciled(Exception):
    """The database was restored; `./evenkeel reconcile SERVICE` must be run before it serves."""


def refuse_restored(database: Database) -> None:
    """Raise NotReconciled when this is not the database that the last epoch was begun on."""
    with database.work() as session:
        newest = sa.select(lives.c.fingerprint).order_by(lives.c.epoch.desc()).limit(1)
        if session.execute(newest).scalar_one() != fingerprint(session.connection()):
            name = database.service
            raise NotReconciled(f"{name} was restored: ./evenkeel reconcile {name}, then serve it")


def reconcile(session: Session, handled_elsewhere: Mapping[str, Handled]) -> int:
    """Begin a new epoch. Subjects go on above every version that a consumer has handled.

    `handled_elsewhere` maps subject to the highest version any consumer knows of it; also those
    that the restored database has never heard of. Returns the new epoch.
    """
    connection = session.connection()
    heads = [
        {"subject": subject, "clinic_id": known.clinic_id, "version": known.version}
        for subject, known in sorted(handled_elsewhere.items())
    ]
    if heads:
        insert = insert_into(session, stream_heads)
        higher = insert.on_conflict_do_update(
            index_elements=["subject"],
            set_={"version": insert.excluded.version},
            where=stream_heads.c.version < insert.excluded.version,
        )
        connection.execute(higher, heads)
    epoch = connection.execute(sa.select(sa.func.max(lives.c.epoch))).scalar_one() + 1
    life = {"epoch": epoch, "fingerprint": fingerprint(connection), "begun_at": datetime.now(UTC)}
    connection.execute(sa.insert(lives).values(life))
    return epoch


def versions_handled(session: Session, source: str) -> dict[str, Handled]:
    """What this service has handled of each subject of a producer, or has set aside."""
    aside = (
        sa.select(set_aside.c.subject, sa.func.max(set_aside.c.version).label("version"))
        .where(set_aside.c.source == source)
        .group_by(set_aside.c.subject)
        .subquery()
    )
    heard = (
        sa.select(cursors.c.subject, cursors.c.clinic_id, cursors.c.version, aside.c.version)
        .outerjoin(aside, aside.c.subject == cursors.c.subject)
        .where(cursors.c.source == source)
    )
    return {
        subject: Handled(max(version, version_aside or 0), clinic_id)
        for subject, clinic_id, version, version_aside in session.execute(heard)
    }
