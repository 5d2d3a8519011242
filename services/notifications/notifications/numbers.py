"""Whose number somebody writes from. Numbers are sealed; here is a keyed digest of each.

Every number that somebody has had leads to them, the replaced ones too: who writes from an old
telephone may be in danger all the same. Who is erased is forgotten here as well.
"""

import hashlib
import hmac
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from channels.twilio import dialled
from chassis.database import Database, OfClinic, Session, insert_into
from chassis.details import Vault
from chassis.tables import details, person_keys
from notifications.recipients import Recipient
from notifications.tables import Base

AT_ONCE = 50


class Number(OfClinic, Base):
    """A telephone number of somebody, as a digest that only this service can make."""

    __tablename__ = "numbers"

    digest: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("recipients.person_id"), primary_key=True)


def digest_of(number: str, key: bytes) -> str | None:
    """None where it is no number."""
    told = dialled(number)
    own = hashlib.sha256(b"numbers of recipients" + key).digest()
    return told and hmac.new(own, told.encode(), hashlib.sha256).hexdigest()


def whose(db: Session, number: str, key: bytes) -> list[Recipient]:
    """Everybody who has or had this number, locked in the order of their ids."""
    asked = sa.select(Number.person_id).where(Number.digest == digest_of(number, key))
    return list(
        db.scalars(
            sa.select(Recipient)
            .where(Recipient.person_id.in_(asked))
            .order_by(Recipient.person_id)
            .with_for_update(key_share=True)
        )
    )


def learn(database: Database, vault: Vault, key: bytes) -> bool:
    """Take in the numbers of details that have come. Returns whether there may be more."""
    with database.work() as db:
        forgotten = Number.person_id.not_in(sa.select(person_keys.c.person_id))
        db.execute(sa.delete(Number).where(forgotten))
        new = (
            sa.select(Recipient, details.c.version)
            .join(details, details.c.person_id == Recipient.person_id)
            .where(details.c.version > Recipient.number_version)
            .order_by(Recipient.person_id)
            .limit(AT_ONCE)
            .with_for_update(skip_locked=True, of=Recipient)
        )
        found = db.execute(new).all()
        for recipient, version in found:
            recipient.number_version = version
            _keep(db, vault, recipient, key)
        return len(found) == AT_ONCE


def _keep(db: Session, vault: Vault, recipient: Recipient, key: bytes) -> None:
    known = vault.open(db, recipient.person_id) or {}
    digest = digest_of(known.get("phone") or "", key)
    if digest is not None:
        row = insert_into(db, Number).values(
            digest=digest, person_id=recipient.person_id, clinic_id=recipient.clinic_id
        )
        db.execute(row.on_conflict_do_nothing())
