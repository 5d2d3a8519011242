"""Why somebody was told, or was not: the rule, the consent, every attempt, and what caused it."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa

from chassis.database import Session
from chassis.refusals import NotFound
from notifications import attempts
from notifications.attempts import Attempt
from notifications.consent import Entry
from notifications.messages import Message
from notifications.purposes import OF_TEMPLATE

RULES = {
    "seat_offered": "Sent at once when you are given a place.",
    "tomorrow": "Sent in the evening before each of your days.",
    "day_before": "Sent a day before each of your days.",
    "day_begins": "Sent an hour before each of your days begins.",
    "day_is_near": "Sent ten minutes before each of your days begins.",
    "missed_you": "Sent five minutes after a day began without you.",
    "homework_due": "Sent two hours before something you took home is due.",
}
"""What each template is sent for, in words for whoever got it."""

REASONS = {
    "cancelled": "What it was about was called off.",
    "rescheduled": "What it was about was moved.",
    "seat_released": "The place it was about was given up.",
    "submitted": "It had been handed in already.",
    "arrived": "You were there already.",
    "told_with_another": "Another message of the same day said it too.",
    "already_told": "You had just been told.",
    "evening": "It waits for the evening before.",
    "cannot_come": "You had said that you could not come.",
    "too_late": "It was too late: what it was about had begun or was due.",
    "no_consent": "Nobody had agreed to this kind of message by this way.",
    "opted_out": "You had asked for no more of these messages.",
    "quiet_hours": "It fell into the quiet hours.",
    "unsafe_hours": "It fell outside the hours that are safe for you.",
    "unsafe": "It is not safe to text you.",
    "too_many": "You had got as many texts of this kind as we ever send in a day or a week.",
    "waits_for_zone": "We did not know your time zone yet.",
    "waits_for_address": "Your newest address had not reached us yet.",
    "no_address": "We had no address or number for you.",
    "bad_address": "What we have is no address or number.",
    "bad_number": "What we have is no number for texts.",
    "undelivered": "It was accepted and did not arrive.",
    "breaker_open": "Whoever carries our messages was not reachable.",
    "unreachable": "Whoever carries our messages was not reachable.",
}
"""Why a message waits or was not sent, in the same words."""


def explain(db: Session, message_id: UUID) -> dict[str, Any]:
    """Everything that decided about a message. Raises NotFound."""
    message = db.scalar(sa.select(Message).where(Message.message_id == message_id))
    if message is None:
        raise NotFound("message", message_id=str(message_id))
    return explained(db, [message])[0]


def explained(db: Session, messages: list[Message]) -> list[dict[str, Any]]:
    """The same of several messages, in their order, in two queries."""
    ids = [message.message_id for message in messages]
    tried: dict[UUID, list[Attempt]] = {}
    for attempt in attempts.of_messages(db, ids):
        tried.setdefault(attempt.message_id, []).append(attempt)
    entries = _entries(db, {one.consent_n for made in tried.values() for one in made})
    return [_explained(message, tried.get(message.message_id, []), entries) for message in messages]


def status(message: Message, tried: list[Attempt]) -> str:
    """Where it stands, as people say it: `delivered` only once a receipt says so."""
    arrived = tried and tried[-1].receipt == "delivered"
    if message.state == "sent":
        return "delivered" if arrived else "sent"
    return "waiting" if message.state in ("queued", "sending") else message.state


def _explained(message: Message, tried: list[Attempt], entries: dict[int, Entry]) -> dict[str, Any]:
    return {
        "message_id": message.message_id,
        "clinic_id": message.clinic_id,
        "recipient_id": message.recipient_id,
        "template": message.template,
        "purpose": OF_TEMPLATE[message.template],
        "rule": RULES.get(message.template, _plain(message.template)),
        "about_at": message.about_at,
        "lead_minutes": message.lead_minutes,
        "planned_at": message.planned_at,
        "not_before": message.not_before,
        "sent_at": message.sent_at,
        "status": status(message, tried),
        "reason": message.reason,
        "reason_in_words": message.reason and REASONS.get(message.reason, _plain(message.reason)),
        "may_repeat": message.may_repeat,
        "consent": entries[tried[-1].consent_n] if tried else None,
        "attempts": tried,
        "caused_by": message.planned_by,
        "correlation_id": message.correlation_id,
    }


def _entries(db: Session, wanted: set[int]) -> dict[int, Entry]:
    asked = sa.select(Entry).where(Entry.n.in_(wanted))
    return {entry.n: entry for entry in db.scalars(asked)}


def _plain(code: str) -> str:
    return f"{code.replace('_', ' ').capitalize()}."
