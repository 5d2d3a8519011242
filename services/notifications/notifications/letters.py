"""A letter: what a message becomes at the moment of sending, if it may be sent at all.

Everything that could stand against it is asked here, just before it leaves, not when the message
was planned: consent, wishes, quiet hours, whether it is too late, the newest address.
"""

from datetime import datetime

import sqlalchemy as sa

from channels.outgoing import Outgoing
from chassis.database import Session
from chassis.details import Vault
from chassis.tables import details
from notifications import rules
from notifications.brands import Brand, brand_of
from notifications.messages import LEASE, Claim, Message, held
from notifications.recipients import Recipient, live_consent
from notifications.templates import TEMPLATES, Template


def write(db: Session, vault: Vault, claim: Claim) -> Outgoing | None:
    """The letter of a claimed message; None when it was dropped, put off, or taken by another."""
    message = held(db, claim)
    if message is None:
        return None
    recipient = db.get_one(Recipient, message.recipient_id)
    template = TEMPLATES[message.template]
    consent = live_consent(db, recipient.person_id)
    if reason := _stands_against(message, recipient, consent is not None, db.now):
        message.skip(db, reason)
        return None
    if recipient.zone is None:
        _ask_again(db, message, "waits_for_zone")
        return None
    if not _hour_is_right(db, message, recipient, template):
        return None
    address = _address(db, vault, message, recipient)
    if address is None:
        return None
    assert consent is not None
    message.consent_version = consent.version
    message.lease_until = db.now + LEASE
    return _letter(message, recipient, address, brand_of(db, message.clinic_id), db.now)


def _letter(
    message: Message, recipient: Recipient, address: str, brand: Brand | None, now: datetime
) -> Outgoing:
    """The words, in the recipient's language and zone, as the clinic wants to appear."""
    assert recipient.zone is not None
    template = TEMPLATES[message.template]
    title = brand.calendar_title if brand else None
    subject, text = template.words(message.about_at, recipient.zone, recipient.language, title)
    name = (brand.sender_name if brand else None) or ""
    return Outgoing(to=address, subject=subject, text=text, sender_name=name, dated=now)


def _stands_against(
    message: Message, recipient: Recipient, consented: bool, now: datetime
) -> str | None:
    """Why a message must never be sent, or None."""
    if message.withdrawn:
        return message.withdrawn
    if rules.is_too_late(now, message.about_at):
        return "too_late"
    if not consented:
        return "no_consent"
    if not recipient.email:
        return "opted_out"
    return None


def _hour_is_right(db: Session, message: Message, recipient: Recipient, template: Template) -> bool:
    assert recipient.zone is not None
    within = template.passes_quiet_hours_within
    if rules.may_pass_quiet_hours(db.now, message.about_at, within):
        return True
    morning = rules.quiet_until(db.now, recipient.zone, recipient.quiet_from, recipient.quiet_to)
    if morning == db.now:
        return True
    if rules.is_too_late(morning, message.about_at):
        message.skip(db, "quiet_hours")
    else:
        message.postpone(morning, "quiet_hours")
    return False


def _address(db: Session, vault: Vault, message: Message, recipient: Recipient) -> str | None:
    """The newest address. One that its owner has replaced is not written to: it may be unsafe."""
    kept = db.scalar(sa.select(details.c.version).where(details.c.person_id == recipient.person_id))
    content = None
    if kept is not None and kept >= max(recipient.details_version, 1):
        content = vault.open(db, recipient.person_id)
    if content is None:
        _ask_again(db, message, "waits_for_address")
        return None
    if not content.get("email"):
        message.skip(db, "no_address")
        return None
    return content["email"]


def _ask_again(db: Session, message: Message, reason: str) -> None:
    """What is missing is on its way: details come within seconds of the event that names them."""
    lead = TEMPLATES[message.template].lead
    first_due = rules.not_before(message.planned_at, message.about_at, lead)
    message.postpone(db.now + rules.ask_again_after(db.now - first_due), reason)
