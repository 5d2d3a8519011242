"""By which channel a message goes: what was agreed to, what is safe, where there is an address,
what has not failed yet, and how often somebody has been written to already."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import sqlalchemy as sa

from channels.outgoing import EMAIL, SMS
from channels.twilio import dialled
from chassis.database import Session
from chassis.details import Details, Vault
from chassis.tables import details
from notifications import attempts, consent, frequency
from notifications.attempts import Attempt
from notifications.consent import NO_CONSENT, OPTED_OUT, Entry
from notifications.messages import UNDELIVERED, Message
from notifications.purposes import CHANNELS, OF_TEMPLATE
from notifications.recipients import Recipient

DETAIL = {EMAIL: "email", SMS: "phone"}
"""By which of somebody's details a channel reaches them."""

TOO_MANY, UNSAFE, BAD_ADDRESS, NO_ADDRESS = "too_many", "unsafe", "bad_address", "no_address"

TELLING = (TOO_MANY, UNDELIVERED, UNSAFE, BAD_ADDRESS, NO_ADDRESS, OPTED_OUT, NO_CONSENT)
"""Of several reasons why no channel will do, the one that came nearest to sending is told."""


@dataclass(frozen=True)
class Way:
    """A channel that will do, where it leads, and the entry of the consent ledger it rests on."""

    channel: str
    address: str = field(repr=False)
    consent: Entry
    tried: int


def consented(db: Session, message: Message, offered: Collection[str]) -> str | None:
    """None where some channel was agreed to, else why not."""
    standings = consent.standings(db, message.recipient_id)
    purpose = OF_TEMPLATE[message.template]
    return _telling(standings[purpose, channel].reason for channel in offered)


def details_of(db: Session, vault: Vault, recipient: Recipient) -> Details | None:
    """The newest details. What its owner has replaced is not used: it may be unsafe."""
    kept = db.scalar(sa.select(details.c.version).where(details.c.person_id == recipient.person_id))
    if kept is None or kept < max(recipient.details_version, 1):
        return None
    return vault.open(db, recipient.person_id)


def ways(
    db: Session, message: Message, recipient: Recipient, known: Details, offered: Collection[str]
) -> list[Way] | str:
    """The channels that will do, the least tried first; or why there is none."""
    standings = consent.standings(db, message.recipient_id)
    purpose = OF_TEMPLATE[message.template]
    tried = attempts.of_message(db, message.message_id)
    found, reasons = [], list[str]()
    for channel in (one for one in CHANNELS if one in offered):
        standing = standings[purpose, channel]
        before = [one for one in tried if one.channel == channel]
        reason = standing.reason or _against(db, channel, recipient, known, before, purpose)
        if reason is None and standing.entry is not None:
            entry, address = standing.entry, _address(channel, known)
            found.append(Way(channel, address, entry, len(before)))
        elif reason is not None:
            reasons.append(reason)
    return sorted(found, key=lambda way: way.tried) or _telling(reasons) or NO_CONSENT


def _against(
    db: Session, channel: str, recipient: Recipient, known: Details, before: list[Attempt],
    purpose: str,
) -> str | None:  # fmt: skip
    """What stands against a channel that was agreed to, or None."""
    if channel == SMS and not recipient.safe_to_text:
        return UNSAFE
    if not known.get(DETAIL[channel]):
        return NO_ADDRESS
    if not _address(channel, known):
        return BAD_ADDRESS
    if any(one.is_final for one in before):
        return UNDELIVERED
    return TOO_MANY if channel == SMS and _too_many(db, recipient, purpose) else None


def _address(channel: str, known: Details) -> str:
    address = known[DETAIL[channel]]
    return (dialled(address) or "") if channel == SMS else address


def _too_many(db: Session, recipient: Recipient, purpose: str) -> bool:
    assert recipient.zone is not None
    since = frequency.week_begins(db.now, recipient.zone)
    sent = attempts.texts_since(db, recipient.person_id, purpose, since)
    return not frequency.allows(purpose, sent, db.now, recipient.zone)


def _telling(reasons: Iterable[str | None]) -> str | None:
    given = list(reasons)
    return None if None in given else next((one for one in TELLING if one in given), None)
