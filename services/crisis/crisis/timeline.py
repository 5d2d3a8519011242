"""What happened to a case, entry by entry: append-only, numbered without gaps, hash-chained.

Entries are written just before the transaction commits, all in one go.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy import event as hooks
from sqlalchemy.orm import Mapped, mapped_column

from catalogue.codec import instant
from chassis.bulk import insert_all
from chassis.database import OfClinic, Session
from crisis.tables import Base, Identified

if TYPE_CHECKING:
    from crisis.case import Case

BEGINNING = "0" * 64


class Entry(Identified, OfClinic, Base):
    """One entry. `facts` hold codes, numbers, ids and instants, never words of a person."""

    __tablename__ = "case_timeline"
    __table_args__ = (UniqueConstraint("case_id", "position"),)

    case_id: Mapped[UUID] = mapped_column(ForeignKey("cases.id"))
    position: Mapped[int]
    at: Mapped[datetime]
    what: Mapped[str] = mapped_column(String(32))
    by: Mapped[str] = mapped_column(String(96))
    facts: Mapped[dict[str, Any]]
    digest: Mapped[str] = mapped_column(String(64))


def record(db: Session, case: "Case", what: str, *, by: str, at: datetime, **facts: Any) -> None:
    """Add an entry in the transaction of what it tells.

    A case's version is the number of its entries, its `chain` the digest of the last.
    """
    case.version += 1
    entry = {
        "case_id": case.id,
        "clinic_id": case.clinic_id,
        "position": case.version,
        "at": at,
        "what": what,
        "by": by,
        "facts": {name: _plain(value) for name, value in facts.items()},
    }
    case.chain = _digest(case.chain, entry)
    db.info.setdefault("timeline", []).append({**entry, "digest": case.chain})


@hooks.listens_for(Session, "before_commit")
def _write(session: Session) -> None:
    if not session.in_nested_transaction() and (entries := session.info.pop("timeline", ())):
        session.flush()
        insert_all(session, Entry, entries)


def first_broken(entries: Iterable[Entry]) -> int | None:
    """The position of the first entry that was altered, is missing or out of place."""
    chain = BEGINNING
    for position, entry in enumerate(entries, start=1):
        if entry.position != position or entry.digest != _digest(chain, vars(entry)):
            return position
        chain = entry.digest
    return None


def _digest(before: str, entry: Mapping[str, Any]) -> str:
    told = [
        before, str(entry["case_id"]), entry["position"], instant(entry["at"]), entry["what"],
        entry["by"], entry["facts"],
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return instant(value)
        case UUID():
            return str(value)
    return value
