"""The lives of a database. A restored one has forgotten what others already acted on, so it may
not go on by itself: a human reconciles it, and a new epoch begins.

PostgreSQL tells by its cluster and timeline. SQLite and a plain copy of a data directory cannot
tell; there the consumers notice that a log ends before the position they had read it to.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

import sqlalchemy as sa

from chassis.database import Database, Session
from chassis.migrations import fingerprint
from chassis.tables import cursors, lives, set_aside, stream_heads


class NotReconciled(Exception):
    """The database was restored; `./evenkeel reconcile SERVICE` must be run before it serves."""


def refuse_restored(database: Database) -> None:
    """Raise NotReconciled when this is not the database that the last epoch was begun on."""
    with database.work() as session:
        newest = session.execute(
            sa.select(lives.c.fingerprint).order_by(lives.c.epoch.desc()).limit(1)
        ).scalar_one()
        if newest != fingerprint(session.connection()):
            raise NotReconciled(database.service)


def reconcile(session: Session, handled_elsewhere: Mapping[str, int]) -> int:
    """Begin a new epoch. Subjects go on above every version that a consumer has handled.

    `handled_elsewhere` maps subject to the highest version any consumer's cursor holds. Returns
    the new epoch.
    """
    connection = session.connection()
    for subject, version in sorted(handled_elsewhere.items()):
        connection.execute(
            sa.update(stream_heads)
            .where(stream_heads.c.subject == subject, stream_heads.c.version < version)
            .values(version=version)
        )
    epoch = connection.execute(sa.select(sa.func.max(lives.c.epoch))).scalar_one() + 1
    life = {
        "epoch": epoch,
        "fingerprint": fingerprint(connection),
        "begun_at": datetime.now(UTC),
    }
    connection.execute(sa.insert(lives).values(life))
    return epoch


def versions_handled(session: Session, source: str) -> dict[str, int]:
    """What this service has handled of each subject of a producer, or has set aside."""
    heard = sa.union_all(
        sa.select(one.c.subject, one.c.version).where(one.c.source == source)
        for one in (cursors, set_aside)
    ).subquery()
    latest = sa.select(heard.c.subject, sa.func.max(heard.c.version).label("version"))
    rows = session.execute(latest.group_by(heard.c.subject))
    return {row.subject: row.version for row in rows}
