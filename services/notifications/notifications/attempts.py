"""Attempts: every time a message was handed to somebody who carries it, and what became of it.

They are the ledger of how often somebody was written to. An attempt is there before anything
leaves, so that two messages that go at once count each other.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from channels import receipt
from channels.outcome import REFUSED, Outcome
from channels.receipt import Receipt
from chassis.announce import uuid7
from chassis.database import OfClinic, Session
from notifications.consent import Entry
from notifications.purposes import BY_PHONE
from notifications.tables import Base

if TYPE_CHECKING:
    from notifications.messages import Message

LOST = (receipt.FAILED, receipt.UNDELIVERABLE)
ARRIVED = (receipt.SENT, receipt.DELIVERED)


class Attempt(OfClinic, Base):
    """One message by one channel, under one entry of the consent ledger.

    `outcome` is what the carrier answered, `receipt` what it says later. `is_final` says that this
    channel is of no use to this message any more.
    """

    __tablename__ = "attempts"
    __table_args__ = (sa.Index(None, "person_id", "begun_at"),)

    attempt_id: Mapped[UUID] = mapped_column(primary_key=True)
    message_id: Mapped[UUID] = mapped_column(sa.ForeignKey("messages.message_id"), index=True)
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("recipients.person_id"))
    purpose: Mapped[str] = mapped_column(sa.String(16))
    channel: Mapped[str] = mapped_column(sa.String(8))
    consent_n: Mapped[int] = mapped_column(
        sa.BigInteger().with_variant(sa.Integer, "sqlite"), sa.ForeignKey("consent_ledger.n")
    )
    begun_at: Mapped[datetime]
    result: Mapped[str | None] = mapped_column(sa.String(8))
    outcome: Mapped[str | None] = mapped_column(sa.String(40))
    carrier: Mapped[str | None] = mapped_column(sa.String(128))
    reference: Mapped[str | None] = mapped_column(sa.String(64))
    receipt: Mapped[str | None] = mapped_column(sa.String(16))
    receipt_code: Mapped[str | None] = mapped_column(sa.String(40))
    receipt_at: Mapped[datetime | None]
    is_final: Mapped[bool]

    def note(self, outcome: Outcome) -> None:
        """What the carrier answered."""
        self.result, self.outcome = outcome.result, outcome.code
        self.carrier = outcome.carrier or None
        self.reference = self.reference or outcome.reference
        self.is_final = outcome.permanent

    def hear(self, said: Receipt, at: datetime) -> bool:
        """What the carrier says later. Returns whether it is news."""
        before = self.receipt or receipt.UNKNOWN
        now = receipt.furthest(before, said.status)
        if now == before:
            return False
        self.receipt, self.receipt_code, self.receipt_at = now, said.code, at
        self.reference = said.reference
        self.is_final = now in LOST
        return True


def begin(db: Session, message: "Message", channel: str, consent: Entry) -> Attempt:
    """The message is about to leave by a channel, under an entry of the consent ledger."""
    attempt = Attempt(
        attempt_id=uuid7(), clinic_id=message.clinic_id, message_id=message.message_id,
        person_id=message.recipient_id, purpose=consent.purpose, channel=channel,
        consent_n=consent.n, begun_at=db.now, is_final=False,
    )  # fmt: skip
    db.add(attempt)
    return attempt


def of_message(db: Session, message_id: UUID) -> list[Attempt]:
    """All attempts at a message, in order."""
    return of_messages(db, [message_id])


def of_messages(db: Session, message_ids: Collection[UUID]) -> list[Attempt]:
    """All attempts at these messages, in order."""
    asked = sa.select(Attempt).where(Attempt.message_id.in_(message_ids))
    return list(db.scalars(asked.order_by(Attempt.begun_at, Attempt.attempt_id)))


def texts_since(db: Session, person_id: UUID, purpose: str, since: datetime) -> list[datetime]:
    """When somebody was sent texts of a purpose, or may have been."""
    asked = sa.select(Attempt.begun_at).where(
        Attempt.person_id == person_id,
        Attempt.purpose == purpose,
        Attempt.channel.in_(BY_PHONE),
        Attempt.begun_at >= since,
        sa.or_(Attempt.result.is_(None), Attempt.result != REFUSED),
    )
    return list(db.scalars(asked))


def meant_by(attempts: Iterable[Attempt], said: Receipt) -> Attempt | None:
    """The attempt that a receipt is about: the one with its reference, else the last by phone of
    which no reference is known, because the answer to it was lost."""
    by_phone = [one for one in attempts if one.channel in BY_PHONE]
    known = [one for one in by_phone if one.reference == said.reference]
    nameless = [one for one in by_phone if one.reference is None and one.result != REFUSED]
    return (known or nameless or [None])[-1]
