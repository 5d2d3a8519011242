"""Reads chains out of the database to have them checked, a piece at a time: nobody waits for it,
and what is added meanwhile is read too."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from catalogue.codec import instant
from chassis.database import Database
from crisis.record.chain import BEGINNING, Link
from crisis.record.checkpoint import Checkpoint
from crisis.record.proof import Chain
from crisis.record.signing import PublicKeys
from crisis.timeline import Entry, Head

ENTRIES_AT_ONCE = 5_000

_ENTRY = sa.select(
    Entry.place,
    sa.type_coerce(Entry.case_id, sa.String).label("case_id"),
    Entry.position,
    Entry.at,
    Entry.what,
    Entry.by,
    Entry.facts,
    Entry.digest,
)
"""Ids as the driver gives them: to make each a UUID takes longer than its digest."""


def lengths(database: Database) -> dict[UUID, int]:
    """Every clinic that has a chain, or a trace of one, and how many entries are found of it."""
    counted = sa.select(Entry.clinic_id, sa.func.count().label("length")).group_by(Entry.clinic_id)
    traces = sa.union(sa.select(Head.clinic_id), sa.select(Checkpoint.clinic_id))
    with database.look() as connection:
        found = dict.fromkeys(connection.execute(traces).scalars(), 0)
        found |= {row.clinic_id: row.length for row in connection.execute(counted)}
    return dict(sorted(found.items()))


def check(
    database: Database,
    clinic_id: UUID,
    keys: PublicKeys,
    tell: Callable[[int], None] = lambda _count: None,
) -> Chain:
    """Read a clinic's chain to its end, or to the first fault. `tell` hears how many were read."""
    chain = Chain(_checkpoints(database, clinic_id), keys)
    while True:
        before = chain.place
        for entries in _pieces(database, clinic_id, before):
            tell(len(entries))
            if not chain.follow(entries):
                return chain
        place, digest = _end(database, clinic_id)
        if chain.place in (place, before):
            chain.end(place, digest)
            return chain


def _pieces(database: Database, clinic_id: UUID, after: int) -> Iterator[list[tuple[Link, str]]]:
    """The entries after a place, in the order of their places."""
    clinic = str(clinic_id)
    asked = _ENTRY.where(Entry.clinic_id == clinic_id).order_by(Entry.place).limit(ENTRIES_AT_ONCE)
    while True:
        with database.look() as connection:
            rows = connection.execute(asked.where(Entry.place > after)).all()
        yield [
            (Link(clinic, place, _written(case_id), n, instant(at), what, by, facts), digest)
            for place, case_id, n, at, what, by, facts, digest in rows
        ]
        if len(rows) < ENTRIES_AT_ONCE:
            return
        after = rows[-1].place


@lru_cache(maxsize=ENTRIES_AT_ONCE)
def _written(given: UUID | str) -> str:
    """An id as it is digested, whatever the driver made of it."""
    return str(UUID(str(given)))


def _end(database: Database, clinic_id: UUID) -> tuple[int, str]:
    with database.look() as connection:
        asked = sa.select(Head.place, Head.digest).where(Head.clinic_id == clinic_id)
        found = connection.execute(asked).one_or_none()
    return (found.place, found.digest) if found else (0, BEGINNING)


def _checkpoints(database: Database, clinic_id: UUID) -> dict[int, Checkpoint]:
    asked = sa.select(Checkpoint).where(Checkpoint.clinic_id == clinic_id)
    with database.look() as connection, orm.Session(connection) as session:
        return {one.place: one for one in session.scalars(asked)}
