"""What a transaction keeps until just before it commits: events, entries of a chain.

Each is written as late as can be, since the lock that orders it is held until the commit. A
savepoint that is rolled back takes its own with it, and only those.
"""

from typing import Any

from sqlalchemy import event, orm

from chassis.database import Session

_KEY = "pending"


def keep(session: Session, kind: str, what: Any) -> None:
    """Keep something of a kind until `taken` asks for that kind."""
    kept = session.info.setdefault(_KEY, {}).setdefault(kind, [])
    kept.append((session.get_nested_transaction(), what))


def taken(session: Session, kind: str) -> list[Any]:
    """All that was kept of a kind, in order. Nothing while a savepoint is open: its commit is
    not the transaction's."""
    if session.in_nested_transaction():
        return []
    return [what for _, what in session.info.get(_KEY, {}).pop(kind, [])]


@event.listens_for(Session, "after_soft_rollback")
def _drop(session: Session, previous: orm.SessionTransaction) -> None:
    for kept in session.info.get(_KEY, {}).values():
        kept[:] = [one for one in kept if previous.nested and not _within(one[0], previous)]


def _within(mine: orm.SessionTransaction | None, other: orm.SessionTransaction) -> bool:
    while mine is not None:
        if mine is other:
            return True
        mine = mine.parent
    return False
