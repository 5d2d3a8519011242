"""A case's timeline to take away: signed, so that anybody with the public key can check it without
us. The format is described in docs/record.md."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from catalogue.codec import instant
from chassis.database import Session
from chassis.refusals import Conflict, NotFound
from crisis.record.chain import BEGINNING, Link, digest_of
from crisis.record.signing import PublicKeys, SigningKey
from crisis.timeline import Entry

FORMAT = "evenkeel.crisis.timeline.v1"
SIGNATURE = "signature"

NOT_SIGNED = "it is not signed with a key that counts"
NOT_READ = "it is no timeline in a format that is known here"
NOT_CHAINED = "entry {} does not follow from what stands before it"


def timeline(
    db: Session, case_id: UUID, key: SigningKey | None, *, by: str, at: datetime
) -> dict[str, Any]:
    """The timeline of a case as a signed document. Raises NotFound, or Conflict without a key."""
    if key is None:
        raise Conflict("timelines_are_not_signed")
    before = aliased(Entry)
    follows = (before.clinic_id == Entry.clinic_id) & (before.place == Entry.place - 1)
    told = sa.select(Entry, before.digest).outerjoin(before, follows)
    rows = db.execute(told.where(Entry.case_id == case_id).order_by(Entry.position)).all()
    if not rows:
        raise NotFound("case", case_id=str(case_id))
    document = {
        "format": FORMAT,
        "clinic_id": str(rows[0].Entry.clinic_id),
        "case_id": str(case_id),
        "exported_at": instant(at),
        "exported_by": by,
        "key_id": key.id,
        "entries": [_entry(row.Entry, row.digest or BEGINNING) for row in rows],
    }
    return {**document, SIGNATURE: key.sign(document)}


def wrong_with(document: Any, keys: PublicKeys) -> str | None:
    """What is wrong with an exported timeline, or None."""
    try:
        return _wrong_with(dict(document), keys)
    except (KeyError, TypeError, ValueError):
        return NOT_READ


def _wrong_with(document: dict[str, Any], keys: PublicKeys) -> str | None:
    signature = document.pop(SIGNATURE)
    if not keys.signed(document, document["key_id"], signature):
        return NOT_SIGNED
    if document["format"] != FORMAT:
        return NOT_READ
    place, digest = 0, BEGINNING
    for position, entry in enumerate(document["entries"], start=1):
        link = Link(document["clinic_id"], case_id=document["case_id"], **_told(entry))
        follows = entry["place"] > place and (
            entry["place"] > place + 1 or entry["before"] == digest
        )
        is_next = entry["position"] == position
        if not (follows and is_next and entry["digest"] == digest_of(entry["before"], link)):
            return NOT_CHAINED.format(position)
        place, digest = entry["place"], entry["digest"]
    return None


def _told(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: entry[name] for name in ("place", "position", "at", "what", "by", "facts")}


def _entry(entry: Entry, before: str) -> dict[str, Any]:
    return {
        "place": entry.place,
        "position": entry.position,
        "at": instant(entry.at),
        "what": entry.what,
        "by": entry.by,
        "facts": entry.facts,
        "before": before,
        "digest": entry.digest,
    }
