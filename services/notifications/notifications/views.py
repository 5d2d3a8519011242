"""What people look up: which messages somebody was sent, or why not."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from chassis.database import Session
from notifications import consent, why
from notifications.messages import Message


def messages(db: Session, *, recipient_id: UUID | None, limit: int) -> dict[str, Any]:
    """The newest messages of one person, or of everybody in the caller's clinics, newest last."""
    wanted = sa.select(Message).order_by(
        Message.planned_at.desc(), Message.not_before.desc(), Message.message_id.desc()
    )
    if recipient_id is not None:
        wanted = wanted.where(Message.recipient_id == recipient_id)
    newest = db.scalars(wanted.limit(limit)).all()
    return {"items": [_item(message) for message in reversed(newest)]}


def _item(message: Message) -> dict[str, Any]:
    return {
        "message_id": message.message_id,
        "recipient_id": message.recipient_id,
        "template": message.template,
        "about_id": message.about_id,
        "about_at": message.about_at,
        "state": message.state,
        "reason": message.reason,
        "not_before": message.not_before,
        "attempts": message.attempts,
        "may_repeat": message.may_repeat,
        "consent_version": message.consent_version,
        "planned_by": message.planned_by,
        "sent_at": message.sent_at,
    }


def consents(db: Session, *, person_id: UUID) -> dict[str, Any]:
    """What somebody agreed to be told: how things stand, and everything that was said."""
    entries = consent.ledger(db, person_id)
    return {
        "standings": [
            {
                "purpose": purpose,
                "channel": channel,
                "allowed": one.allowed,
                "n": one.entry and one.entry.n,
                "reason": one.reason,
            }
            for (purpose, channel), one in consent.read(entries).items()
        ],
        "items": entries,
    }


def told(db: Session, person_id: UUID) -> list[dict[str, Any]]:
    """What somebody was told and was not, and what they will be told within a day, newest first."""
    at = sa.func.coalesce(Message.sent_at, Message.not_before)
    soon = db.now + timedelta(days=1)
    asked = sa.select(Message).where(
        Message.recipient_id == person_id,
        sa.or_(Message.state.in_(("sent", "skipped", "failed")), Message.not_before <= soon),
    )
    newest = asked.order_by(at.desc(), Message.message_id.desc()).limit(100)
    return why.explained(db, list(db.scalars(newest)))
