"""A message: planned once, sent once, or dropped with the reason in its row.

The same person is told the same thing about the same matter in one row only. Whoever sends it
holds a lease with a fencing number; a sender that lost its lease can no longer write here.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from catalogue.notifications import (
    MessageSent,
    MessageSkipped,
    MessageTexted,
    MessageUndelivered,
)
from channels.outgoing import SMS
from chassis.announce import announce, uuid7
from chassis.database import OfClinic, Session, insert_into
from chassis.states import States
from notifications import rules
from notifications.recipients import know
from notifications.tables import Base
from notifications.templates import Template

MESSAGE = States("message", {
    ("queued", "claim"): "sending",
    ("queued", "skip"): "skipped",
    ("sending", "claim"): "sending",
    ("sending", "put_back"): "queued",
    ("sending", "skip"): "skipped",
    ("sending", "deliver"): "sent",
    ("sending", "give_up"): "failed",
    ("queued", "arrive"): "sent",
    ("sent", "come_back"): "queued",
    ("skipped", "revive"): "queued",
})  # fmt: skip

LEASE = timedelta(seconds=30)
"""Three times the deadline of an attempt, so that a slow one is not taken over."""

UNDELIVERED = "undelivered"

ONCE = ("clinic_id", "recipient_id", "template", "about_id", "lead_minutes")
"""Nobody is told the same thing about the same matter, the same time ahead, in two messages."""


class Message(OfClinic, Base):
    """One message to one person. `about_at` is the instant it speaks of."""

    __tablename__ = "messages"
    __table_args__ = (
        sa.UniqueConstraint(*ONCE, name="uq_messages_once"),
        MESSAGE.check(),
        sa.CheckConstraint("(state = 'sending') = (lease_until IS NOT NULL)", name="lease"),
        sa.CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_at"),
        sa.Index(None, "state", "not_before"),
    )

    message_id: Mapped[UUID] = mapped_column(primary_key=True)
    recipient_id: Mapped[UUID] = mapped_column(sa.ForeignKey("recipients.person_id"), index=True)
    template: Mapped[str] = mapped_column(sa.String(32))
    about_id: Mapped[UUID] = mapped_column(index=True)
    about_at: Mapped[datetime]
    lead_minutes: Mapped[int]
    not_before: Mapped[datetime]
    state: Mapped[str] = mapped_column(sa.String(16))
    reason: Mapped[str | None] = mapped_column(sa.String(40))
    withdrawn: Mapped[str | None] = mapped_column(sa.String(40))
    attempts: Mapped[int]
    fence: Mapped[int]
    lease_until: Mapped[datetime | None]
    may_repeat: Mapped[bool]
    consent_version: Mapped[str | None] = mapped_column(sa.String(64))
    planned_at: Mapped[datetime]
    planned_by: Mapped[UUID]
    correlation_id: Mapped[UUID]
    sent_at: Mapped[datetime | None]

    def claim(self, now: datetime) -> "Claim":
        """Take it for sending, from the queue or from a sender whose lease has run out."""
        if self.state == "sending":
            self.may_repeat = True
        MESSAGE.advance(self, "claim")
        self.fence += 1
        self.attempts += 1
        self.lease_until = now + LEASE
        return Claim(self.message_id, self.fence)

    def postpone(self, until: datetime, reason: str) -> None:
        """Not now: the same row is due again at `until`. No attempt has been made."""
        self.attempts -= 1
        self._put_back(until, reason)

    def retry(self, db: Session, reason: str, *, may_have_arrived: bool) -> None:
        """An attempt failed: wait for the next one, or give up after the last."""
        self.may_repeat |= may_have_arrived
        pause = rules.retry_pause(self.attempts)
        if self.withdrawn:
            self.skip(db, self.withdrawn)
        elif pause is None:
            self.give_up(db, reason)
        else:
            self._put_back(db.now + pause, reason)

    def give_up(self, db: Session, reason: str) -> None:
        """It cannot be delivered, however often it is tried."""
        MESSAGE.advance(self, "give_up")
        self._end(db, reason)

    def skip(self, db: Session, reason: str) -> None:
        """Drop it: its purpose has passed, or it must not be sent."""
        MESSAGE.advance(self, "skip")
        self._end(db, reason)

    def fall_back(self, db: Session, reason: str) -> None:
        """This channel refused it; another one that was tried less may carry it, at once."""
        if self.withdrawn:
            self.skip(db, self.withdrawn)
        else:
            self._put_back(db.now, reason)

    def deliver(self, db: Session, channel: str) -> None:
        """A mail server or a telephone company accepted it."""
        MESSAGE.advance(self, "deliver")
        self.lease_until = None
        self._sent(db, channel)

    def arrive(self, db: Session, channel: str) -> None:
        """The answer to an attempt was lost, and now a receipt says that it had been accepted."""
        MESSAGE.advance(self, "arrive")
        self._sent(db, channel)

    def come_back(self, db: Session, channel: str) -> None:
        """It had been accepted and did not arrive: see whether another channel may carry it."""
        MESSAGE.advance(self, "come_back")
        self.sent_at = None
        self.not_before, self.reason = db.now, UNDELIVERED
        announce(db, MessageUndelivered(**self._told(), channel=channel))

    def withdraw(self, db: Session, reason: str) -> None:
        """What it is about no longer holds. One that is being sent is dropped if that fails."""
        self.withdrawn = reason
        if self.state == "queued":
            self.skip(db, reason)

    def revive(self, about_at: datetime, not_before: datetime) -> None:
        """What it is about holds again, at this instant."""
        if self.state == "skipped" and self.reason == self.withdrawn:
            MESSAGE.advance(self, "revive")
            self.reason = None
        if self.state == "queued":
            self.not_before = not_before
        self.withdrawn = None
        self.about_at = about_at

    def _put_back(self, until: datetime, reason: str) -> None:
        MESSAGE.advance(self, "put_back")
        self.lease_until = None
        self.not_before = until
        self.reason = reason

    def _sent(self, db: Session, channel: str) -> None:
        self.reason = None
        self.sent_at = db.now
        if channel == SMS:
            announce(db, MessageTexted(**self._told()))
        else:
            announce(db, MessageSent(**self._told(), channel="email"))

    def _end(self, db: Session, reason: str) -> None:
        self.lease_until = None
        self.reason = reason
        announce(db, MessageSkipped(**self._told(), reason=reason))

    def _told(self) -> dict[str, Any]:
        return {
            "clinic_id": self.clinic_id,
            "message_id": self.message_id,
            "recipient_id": self.recipient_id,
            "template": self.template,
        }


@dataclass(frozen=True)
class Claim:
    """The right to send one message, until somebody else is given a higher fencing number."""

    message_id: UUID
    fence: int


@dataclass(frozen=True)
class Matter:
    """Somebody is to be told about something that happens at an instant."""

    recipient_id: UUID
    about_id: UUID
    about_at: datetime


def plan(
    db: Session, template: Template, matters: Sequence[Matter], *, clinic_id: UUID, by: UUID
) -> None:
    """Queue one message a matter, where there is none. `by` is the event that asks for it."""
    if not matters:
        return
    know(db, clinic_id, *(matter.recipient_id for matter in matters))
    same = {
        "clinic_id": clinic_id, "template": template.code, "lead_minutes": template.lead_minutes,
        "state": MESSAGE.initial, "attempts": 0, "fence": 0, "may_repeat": False,
        "planned_at": db.now, "planned_by": by,
        "correlation_id": db.info.get("correlation_id") or by,
    }  # fmt: skip
    rows = [
        {
            **same,
            "message_id": uuid7(),
            "recipient_id": matter.recipient_id,
            "about_id": matter.about_id,
            "about_at": matter.about_at,
            "not_before": rules.not_before(db.now, matter.about_at, template.lead),
        }
        for matter in matters
    ]
    db.execute(insert_into(db, Message).on_conflict_do_nothing(), rows)
    _correct(db, template, matters)


def _correct(db: Session, template: Template, matters: Sequence[Matter]) -> None:
    """Bring messages that were there already in line with what is planned now."""
    wanted = {(matter.recipient_id, matter.about_id): matter for matter in matters}
    stale = _unsent(Message.about_id.in_({m.about_id for m in matters}))
    for message in db.scalars(stale.where(Message.template == template.code)):
        matter = wanted.get((message.recipient_id, message.about_id))
        if matter and (message.withdrawn or message.about_at != matter.about_at):
            due = rules.not_before(db.now, matter.about_at, template.lead)
            message.revive(matter.about_at, due)


def is_told_by(db: Session, message: Message, other: Template, *, within: timedelta) -> bool:
    """Whether another message planned lately names the same instant to the same person."""
    same = sa.select(Message.message_id).where(
        Message.recipient_id == message.recipient_id,
        Message.template == other.code,
        Message.about_at == message.about_at,
        Message.planned_at > db.now - within,
        Message.state.in_(("queued", "sending", "sent")),
    )
    return db.scalar(sa.select(same.exists())) is True


def withdraw(
    db: Session, about_ids: Iterable[UUID], reason: str, *, recipient_id: UUID | None = None
) -> None:
    """Drop whatever has not been sent about these matters, to everybody or to one person."""
    unsent = _unsent(Message.about_id.in_(list(about_ids)), Message.withdrawn.is_(None))
    if recipient_id is not None:
        unsent = unsent.where(Message.recipient_id == recipient_id)
    for message in db.scalars(unsent):
        if message.state != "skipped":
            message.withdraw(db, reason)


def withdraw_from(db: Session, recipient_id: UUID, templates: Collection[str], reason: str) -> None:
    """Drop whatever has not been sent to somebody by these templates."""
    mine = (Message.recipient_id == recipient_id, Message.template.in_(templates))
    for message in db.scalars(_unsent(*mine, Message.withdrawn.is_(None))):
        if message.state != "skipped":
            message.withdraw(db, reason)


def take_up(db: Session, recipient_id: UUID, templates: Collection[str], reason: str) -> None:
    """Queue again what was withdrawn from somebody for this reason and still has a purpose."""
    mine = (Message.recipient_id == recipient_id, Message.template.in_(templates))
    for message in db.scalars(_unsent(*mine, Message.withdrawn == reason)):
        if not rules.is_too_late(db.now, message.about_at):
            lead = timedelta(minutes=message.lead_minutes)
            message.revive(message.about_at, rules.not_before(db.now, message.about_at, lead))


def claim_due(db: Session, limit: int) -> list[Claim]:
    """Take the messages that have been due longest, and those whose sender is gone."""
    due = (
        sa.select(Message)
        .where(
            sa.or_(
                sa.and_(Message.state == "queued", Message.not_before <= db.now),
                sa.and_(Message.state == "sending", Message.lease_until <= db.now),
            )
        )
        .order_by(Message.not_before, Message.message_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [message.claim(db.now) for message in db.scalars(due)]


def next_due(db: Session) -> datetime | None:
    """The first instant after now at which a message is to be looked at, or None."""
    queued = sa.select(sa.func.min(Message.not_before)).where(
        Message.state == "queued", Message.not_before > db.now
    )
    leased = sa.select(sa.func.min(Message.lease_until)).where(
        Message.state == "sending", Message.lease_until > db.now
    )
    return min((due for due in (db.scalar(queued), db.scalar(leased)) if due), default=None)


def held(db: Session, claim: Claim) -> Message | None:
    """The message of a claim, locked, or None when somebody else has it by now.

    What is announced of it then belongs to the journey of the event that asked for it.
    """
    message = db.scalar(
        sa.select(Message)
        .where(Message.message_id == claim.message_id)
        .where(Message.fence == claim.fence, Message.state == "sending")
        .with_for_update()
    )
    if message is not None:
        db.info.update(correlation_id=message.correlation_id, causation_id=message.planned_by)
    return message


def _unsent(*about: sa.ColumnElement[bool]) -> sa.Select[Message]:
    states = ("queued", "sending", "skipped")
    return (
        sa.select(Message)
        .where(*about, Message.state.in_(states))
        .order_by(Message.message_id)
        .with_for_update()
    )
