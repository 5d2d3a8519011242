"""What happened to a case, entry by entry: append-only, numbered without gaps, hash-chained.

Just before commit one statement takes the next places in the chain of every clinic concerned, and
all entries follow at once: whoever writes for the same clinic waits for that commit, not longer.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy import event as hooks
from sqlalchemy.orm import Mapped, mapped_column

from catalogue.codec import instant
from chassis import pending
from chassis.bulk import insert_all
from chassis.database import OfClinic, Session, insert_into
from crisis.record.chain import BEGINNING, Link, digest_of
from crisis.tables import Base

if TYPE_CHECKING:
    from crisis.case import Case

ENTRIES = "entries"


class Entry(OfClinic, Base):
    """One entry: `position` counts those of its case, `place` those of its clinic. `facts` hold
    codes, whole numbers, ids and instants, never words of a person."""

    __tablename__ = "case_timeline"
    __table_args__ = (UniqueConstraint("case_id", "position"),)

    clinic_id: Mapped[UUID] = mapped_column(primary_key=True)
    place: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("cases.id"))
    position: Mapped[int]
    at: Mapped[datetime]
    what: Mapped[str] = mapped_column(String(32))
    by: Mapped[str] = mapped_column(String(96))
    facts: Mapped[dict[str, Any]]
    digest: Mapped[str] = mapped_column(String(64))


class Head(OfClinic, Base):
    """The end of a clinic's chain. Its row lock gives the entries their places."""

    __tablename__ = "case_timeline_heads"

    clinic_id: Mapped[UUID] = mapped_column(primary_key=True)
    place: Mapped[int] = mapped_column(sa.BigInteger)
    digest: Mapped[str] = mapped_column(String(64))


def record(db: Session, case: "Case", what: str, *, by: str, at: datetime, **facts: Any) -> None:
    """Add an entry in the transaction of what it tells, at its commit.

    A case's version is the number of its entries.
    """
    case.version += 1
    entry = {
        "clinic_id": case.clinic_id,
        "case_id": case.id,
        "position": case.version,
        "at": at,
        "what": what,
        "by": by,
        "facts": {name: _plain(value) for name, value in facts.items()},
    }
    pending.keep(db, ENTRIES, entry)


def link_of(entry: Mapping[str, Any]) -> Link:
    """An entry, by its columns, as it is digested."""
    return Link(
        str(entry["clinic_id"]),
        entry["place"],
        str(entry["case_id"]),
        entry["position"],
        instant(entry["at"]),
        entry["what"],
        entry["by"],
        entry["facts"],
    )


@hooks.listens_for(Session, "before_commit")
def _append(session: Session) -> None:
    entries = pending.taken(session, ENTRIES)
    if not entries:
        return
    session.flush()
    heads = _heads(session, Counter(entry["clinic_id"] for entry in entries))
    for entry in entries:
        head = heads[entry["clinic_id"]]
        entry["place"] = head["place"] = head["place"] + 1
        entry["digest"] = head["digest"] = digest_of(head["digest"], link_of(entry))
    insert_all(session, Entry, entries)
    _move(session.connection(), heads.values())


def _heads(session: Session, counts: Mapping[UUID, int]) -> dict[UUID, dict[str, Any]]:
    """The end of each clinic's chain before these entries, locked in the order of the clinics."""
    first = [
        {"clinic_id": clinic, "place": counts[clinic], "digest": BEGINNING}
        for clinic in sorted(counts)
    ]
    insert = insert_into(session, Head).values(first)
    further = {"place": Head.place + insert.excluded.place}
    taken = insert.on_conflict_do_update(index_elements=["clinic_id"], set_=further)
    returned = taken.returning(Head.clinic_id, Head.place, Head.digest)
    heads = [dict(row) for row in session.connection().execute(returned).mappings()]
    return {
        head["clinic_id"]: {**head, "place": head["place"] - counts[head["clinic_id"]]}
        for head in heads
    }


def _move(connection: sa.Connection, heads: Iterable[Mapping[str, Any]]) -> None:
    ends = [{"of": head["clinic_id"], "last": head["digest"]} for head in heads]
    to = sa.update(Head).where(Head.clinic_id == sa.bindparam("of"))
    connection.execute(to.values(digest=sa.bindparam("last")), ends)


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return instant(value)
        case UUID():
            return str(value)
    return value
