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
from notifications import consent, rules
from notifications.brands import Brand, brand_of
from notifications.consent import Standing
from notifications.messages import CHANNEL, LEASE, Claim, Message, held
from notifications.purposes import OF_TEMPLATE
from notifications.recipients import Recipient
from notifications.templates import TEMPLATES, Template


def write(db: Session, vault: Vault, claim: Claim) -> Outgoing | None:
    """The letter of a claimed message; None when it was dropped, put off, or taken by another."""
    message = held(db, claim)
    if message is None:
        return None
    recipient = db.get_one(Recipient, message.recipient_id)
    template = TEMPLATES[message.template]
    standings = consent.standings(db, recipient.person_id)
    standing = standings[OF_TEMPLATE[message.template], CHANNEL]
    if reason := _stands_against(message, standing, db.now):
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
    assert standing.entry is not None
    message.consent_version = standing.entry.version
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


def _stands_against(message: Message, standing: Standing, now: datetime) -> str | None:
    """Why a message must never be sent, or None."""
    if message.withdrawn:
        return message.withdrawn
    return "too_late" if rules.is_too_late(now, message.about_at) else standing.reason


def _hour_is_right(db: Session, message: Message, recipient: Recipient, template: Template) -> bool:
    assert recipient.zone is not None
    if recipient.safe_from is not None and recipient.safe_to is not None:
        safe = rules.quiet_until(db.now, recipient.zone, recipient.safe_to, recipient.safe_from)
        if safe > db.now:
            return _put_off(db, message, safe, "unsafe_hours")
    within = template.passes_quiet_hours_within
    if rules.may_pass_quiet_hours(db.now, message.about_at, within):
        return True
    morning = rules.quiet_until(db.now, recipient.zone, recipient.quiet_from, recipient.quiet_to)
    return morning == db.now or _put_off(db, message, morning, "quiet_hours")


def _put_off(db: Session, message: Message, until: datetime, reason: str) -> bool:
    if rules.is_too_late(until, message.about_at):
        message.skip(db, reason)
    else:
        message.postpone(until, reason)
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
