"""A letter: what a message becomes at the moment of sending, if it may be sent at all.

Everything that could stand against it is asked here, just before it leaves, not when the message
was planned: consent, wishes, quiet hours, whether it is too late, the newest address.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from channels.outgoing import EMAIL, Outgoing
from chassis.database import Session
from chassis.details import Vault
from notifications import attempts, reach, rules, seats
from notifications.brands import brand_of
from notifications.links import Links
from notifications.messages import LEASE, UNDELIVERED, Claim, Message, held, is_told_by
from notifications.recipients import Recipient, find_recipient
from notifications.templates import DAY_BEFORE, SEAT_OFFERED, TEMPLATES, Template, with_way_out

DAY_AND_A_BIT = timedelta(hours=30)
"""From a midnight well into the next day, and never beyond it: a day has 23 to 25 hours."""


@dataclass(frozen=True)
class Letter:
    """What goes out by which channel. `has_another` tells that a channel that was tried less may
    carry it too, if this one refuses."""

    attempt_id: UUID
    channel: str
    outgoing: Outgoing
    has_another: bool


def write(
    db: Session,
    vault: Vault,
    claim: Claim,
    offered: Collection[str] = (EMAIL,),
    links: Links | None = None,
) -> Letter | None:
    """The letter of a claimed message; None when it was dropped, put off, or taken by another."""
    whose = sa.select(Message.recipient_id).where(Message.message_id == claim.message_id)
    recipient = find_recipient(db, db.scalars(whose).one())
    message = held(db, claim)
    if message is None:
        return None
    template = TEMPLATES[message.template]
    if reason := _stands_against(db, message, offered):
        message.skip(db, reason)
        return None
    if recipient.zone is None:
        _ask_again(db, message, "waits_for_zone")
        return None
    if not _hour_is_right(db, message, recipient, template):
        return None
    days = _days_named(db, message, recipient, template)
    if days[0] < message.about_at:
        message.skip(db, "told_with_another")
        return None
    ways = _ways(db, vault, message, recipient, offered)
    return _letter(db, message, recipient, ways, days, links) if ways else None


def _stands_against(db: Session, message: Message, offered: Collection[str]) -> str | None:
    """Why a message must never be sent, or None."""
    template = TEMPLATES[message.template]
    if message.withdrawn:
        return message.withdrawn
    if seats.has_said_no(db, message.about_id, message.recipient_id):
        return "cannot_come"
    if rules.is_too_late(db.now, message.about_at - template.lapses):
        return "too_late"
    if template is DAY_BEFORE and is_told_by(db, message, SEAT_OFFERED, within=template.lead):
        return "already_told"
    return reach.consented(db, message, offered)


def _hour_is_right(db: Session, message: Message, recipient: Recipient, template: Template) -> bool:
    """Whether it may go now; if not, it waits for a better hour, unless that is too late."""
    assert recipient.zone is not None
    useful_until = template.useful_until(message.about_at, recipient.zone)
    if recipient.safe_from is not None and recipient.safe_to is not None:
        safe = rules.quiet_until(db.now, recipient.zone, recipient.safe_to, recipient.safe_from)
        if safe > db.now:
            return _put_off(db, message, safe, useful_until, "unsafe_hours")
    clock = (recipient.zone, recipient.quiet_from, recipient.quiet_to)
    within = template.passes_quiet_hours_within
    if rules.may_pass_quiet_hours(db.now, message.about_at, within):
        return True
    if rules.is_too_late(db.now, useful_until):
        message.skip(db, "too_late")
        return False
    evening = rules.evening_before(message.about_at, *clock)
    if template.on_the_eve and db.now < evening:
        message.postpone(evening, "evening")
        return False
    morning = rules.quiet_until(db.now, *clock)
    return morning == db.now or _put_off(db, message, morning, useful_until, "quiet_hours")


def _put_off(
    db: Session, message: Message, until: datetime, useful_until: datetime, reason: str
) -> bool:
    if rules.is_too_late(until, useful_until):
        message.skip(db, reason)
    else:
        message.postpone(until, reason)
    return False


def _days_named(
    db: Session, message: Message, recipient: Recipient, template: Template
) -> Sequence[datetime]:
    """The instants a message names, in order: its own, or on the eve everything of that day."""
    if not template.on_the_eve:
        return [message.about_at]
    assert recipient.zone is not None
    begins = rules.midnight_before(message.about_at, recipient.zone)
    ends = rules.midnight_before(begins + DAY_AND_A_BIT, recipient.zone)
    days = seats.days_between(db, recipient.person_id, begins, ends)
    return [day.starts_at for day in days] or [message.about_at]


def _ways(
    db: Session, vault: Vault, message: Message, recipient: Recipient, offered: Collection[str]
) -> list[reach.Way]:
    """The channels that will do; none when the message waits or has been dropped."""
    known = reach.details_of(db, vault, recipient)
    if known is None:
        _ask_again(db, message, "waits_for_address")
        return []
    found = reach.ways(db, message, recipient, known, offered)
    if not isinstance(found, str):
        return found
    if found == UNDELIVERED:
        message.give_up(db, found)
    else:
        message.skip(db, found)
    return []


def _letter(
    db: Session,
    message: Message,
    recipient: Recipient,
    ways: Sequence[reach.Way],
    days: Sequence[datetime],
    links: Links | None,
) -> Letter:
    """The attempt that now begins, in the recipient's language and zone, as the clinic appears."""
    assert recipient.zone is not None
    way, template = ways[0], TEMPLATES[message.template]
    attempt = attempts.begin(db, message, way.channel, way.consent)
    message.consent_version = way.consent.version
    message.lease_until = db.now + LEASE
    brand = brand_of(db, message.clinic_id)
    title = brand.calendar_title if brand else None
    subject, text = template.words(days[0], recipient.zone, recipient.language, title, days[1:])
    link = links.to_absence(message.message_id) if links and template.lets_decline else None
    text = with_way_out(text, link, recipient.language) if link else text
    name = (brand.sender_name if brand else None) or ""
    outgoing = Outgoing(to=way.address, subject=subject, text=text, sender_name=name, dated=db.now)
    has_another = any(other.tried <= way.tried for other in ways[1:])
    return Letter(attempt.attempt_id, way.channel, outgoing, has_another)


def _ask_again(db: Session, message: Message, reason: str) -> None:
    """What is missing is on its way: details come within seconds of the event that names them."""
    lead = TEMPLATES[message.template].lead
    first_due = rules.not_before(message.planned_at, message.about_at, lead)
    message.postpone(db.now + rules.ask_again_after(db.now - first_due), reason)
