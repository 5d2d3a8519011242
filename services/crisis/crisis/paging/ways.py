"""Which channels reach somebody: those that this house has, and that their details name.

Details are sealed, and a ladder climbs without opening any; so whoever sends, and therefore holds
key and carriers, notes for each clinician which channels there are.
"""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from sqlalchemy.orm import Mapped, mapped_column

from channels.outgoing import EMAIL, SMS, VOICE
from chassis.database import OfClinic, Session, insert_into
from chassis.details import Vault
from chassis.logs import log, where
from chassis.tables import details
from crisis.rules import IN_TURN
from crisis.tables import Base

OWNER = "scheduling"
DETAIL = {EMAIL: "email", SMS: "phone", VOICE: "phone"}
"""By which of somebody's details a channel reaches them."""

NOTED_AT_ONCE = 50


class Way(OfClinic, Base):
    """By which channels a clinician is reached, after this version of their details."""

    __tablename__ = "ways"

    clinician_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    channels: Mapped[list[str]]


def of_clinic(db: Session, clinic_id: UUID) -> Mapping[UUID, list[str]]:
    """The channels of everybody of a clinic, as far as noted; read once in a transaction."""
    read = db.info.setdefault("ways", {})
    if clinic_id not in read:
        found = sa.select(Way.clinician_id, Way.channels).where(Way.clinic_id == clinic_id)
        read[clinic_id] = {row.clinician_id: row.channels for row in db.execute(found)}
    return read[clinic_id]


def forget(db: Session) -> None:
    """Have all of them noted again: the house may have other channels than before."""
    db.execute(sa.update(Way).values(version=0))


def note(db: Session, vault: Vault, house: Collection[str]) -> int:
    """Note the channels of those whose details have changed. Returns how many that were."""
    changed = db.execute(
        sa.select(details.c.person_id, details.c.clinic_id, details.c.version)
        .outerjoin(Way, Way.clinician_id == details.c.person_id)
        .where(details.c.owner == OWNER, details.c.version > sa.func.coalesce(Way.version, 0))
        .limit(NOTED_AT_ONCE)
    ).all()
    for person_id, clinic_id, version in changed:
        known = opened(db, vault, person_id)
        channels = [one for one in IN_TURN if one in house and known.get(DETAIL[one])]
        row = {"clinician_id": person_id, "clinic_id": clinic_id}
        now = {"version": version, "channels": channels}
        insert = insert_into(db, Way).values({**row, **now})
        db.connection().execute(
            insert.on_conflict_do_update(index_elements=["clinician_id"], set_=now)
        )
    return len(changed)


def opened(db: Session, vault: Vault, person_id: UUID) -> dict[str, Any]:
    """Somebody's details; nothing where there are none, or they do not open."""
    try:
        return vault.open(db, person_id) or {}
    except InvalidTag as failure:
        log.error("details_do_not_open", error=where(failure))
        return {}
