"""What people wish, and that it holds at once: what was waiting and may go no more is withdrawn."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from chassis.database import Session
from notifications import consent, messages
from notifications.consent import GIVEN, OPTED_OUT, RESTORED, WITHDRAWN, Standing
from notifications.purposes import CHANNELS, OF_TEMPLATE, PURPOSES, Key
from notifications.recipients import WISHES, Recipient, find_recipient

PAGE, REPLY, STAFF = "page", "reply", "staff"
"""Where something was said: by the person here, by the person in a text, to a member of staff."""


def prefer(
    db: Session, person_id: UUID, wishes: Mapping[str, Any], *, own: bool, by: str
) -> dict[str, Any]:
    """Take wishes of somebody's own, or as they told the staff, who can end messages on a channel
    for them and never begin them again. Raises NotFound."""
    recipient = find_recipient(db, person_id)
    recipient.prefer(wishes, by=by, at=db.now)
    for channel in CHANNELS:
        keys = [(purpose, channel) for purpose in PURPOSES]
        if wishes.get(channel) is False:
            say(
                db, recipient, dict.fromkeys(keys, WITHDRAWN), said_in=PAGE if own else STAFF, by=by
            )
        elif wishes.get(channel) and own:
            say(db, recipient, dict.fromkeys(keys, RESTORED), said_in=PAGE, by=by)
    return of(db, recipient)


def of(db: Session, recipient: Recipient) -> dict[str, Any]:
    """Somebody's wishes as they stand; a channel is wanted unless it was withdrawn throughout."""
    standings = consent.standings(db, recipient.person_id)
    wanted = {
        channel: any(standings[purpose, channel].reason != OPTED_OUT for purpose in PURPOSES)
        for channel in CHANNELS
    }
    return {
        "person_id": recipient.person_id,
        **wanted,
        **{name: getattr(recipient, name) for name in WISHES},
    }


def choose(db: Session, recipient: Recipient, agreed: Iterable[Key], *, by: str) -> None:
    """Somebody ticked these on their page, and nothing else."""
    ticked = set(agreed)
    before = consent.standings(db, recipient.person_id)
    words = dict.fromkeys(ticked, GIVEN)
    words |= {key: WITHDRAWN for key, was in before.items() if was.allowed and key not in ticked}
    say(db, recipient, words, said_in=PAGE, by=by)


def stop(db: Session, recipient: Recipient, channels: Iterable[str], *, by: str) -> bool:
    """No more messages of any purpose by these channels. Returns whether that is new."""
    keys = [(purpose, channel) for purpose in PURPOSES for channel in channels]
    return say(db, recipient, dict.fromkeys(keys, WITHDRAWN), said_in=REPLY, by=by)


def start(db: Session, recipient: Recipient, channels: Iterable[str], *, by: str) -> bool:
    """What a reply stopped goes on as it was; nothing else begins. Returns whether that is new."""
    standings = consent.standings(db, recipient.person_id)
    stopped = [key for key, was in standings.items() if key[1] in channels and _by_reply(was)]
    return say(db, recipient, dict.fromkeys(stopped, RESTORED), said_in=REPLY, by=by)


def say(
    db: Session, recipient: Recipient, words: Mapping[Key, str], *, said_in: str, by: str
) -> bool:
    """Note what was said, and have it hold for all that waits. Returns whether it is new."""
    is_new = consent.say(
        db, recipient.clinic_id, recipient.person_id, words, said_in=said_in, by=by, at=db.now
    )
    if is_new:
        _hold_for_what_waits(db, recipient.person_id)
    return is_new


def _hold_for_what_waits(db: Session, person_id: UUID) -> None:
    standings = consent.standings(db, person_id)
    open_for = {p for p in PURPOSES if any(standings[p, channel].allowed for channel in CHANNELS)}
    closed = {
        purpose for purpose in PURPOSES
        if any(standings[purpose, channel].reason == OPTED_OUT for channel in CHANNELS)
    } - open_for  # fmt: skip
    messages.withdraw_from(db, person_id, _templates(closed), OPTED_OUT)
    messages.take_up(db, person_id, _templates(open_for), OPTED_OUT)


def _templates(purposes: Iterable[str]) -> list[str]:
    return [template for template, purpose in OF_TEMPLATE.items() if purpose in purposes]


def _by_reply(standing: Standing) -> bool:
    entry = standing.entry
    return entry is not None and (entry.said, entry.said_in) == (WITHDRAWN, REPLY)
