"""Sending what is due: claim, write the letter, hand it over, note what came of it.

No transaction is open while a message is handed over. Whoever dies in between leaves a lease
that runs out, and the message goes out again under the same Message-ID.
"""

import time
from collections.abc import Mapping
from datetime import timedelta
from functools import partial

import eventlet
from prometheus_client import Counter
from sqlalchemy.exc import SQLAlchemyError

from channels.breaker import PAUSE_SECONDS
from channels.channel import BREAKER_OPEN, DEADLINE_SECONDS, Channel
from channels.outcome import REFUSED, Outcome, refused
from chassis.database import Database, Session
from chassis.details import Vault
from chassis.logs import log, where
from notifications.attempts import Attempt
from notifications.letters import Letter, write
from notifications.links import Links
from notifications.messages import LEASE, Claim, Message, claim_due, held

AT_ONCE = 10
"""Letters on their way at the same time, and taken in one claim: none waits behind another, so
each has its whole lease for its attempt."""

LAST_START_SECONDS = LEASE.total_seconds() - DEADLINE_SECONDS
"""After its claim a message is given to nobody any more: the attempt would outlast the lease."""

FAULT = refused("fault")

SENT = Counter(
    "evenkeel_notifications_total",
    "Attempts to send, by what came of them.",
    ["channel", "outcome"],
)


def send_due(
    database: Database, vault: Vault, channels: Mapping[str, Channel], links: Links | None = None
) -> bool:
    """Send what is due. Returns whether there may be more."""
    with database.work() as db:
        claims = claim_due(db, AT_ONCE)
    if not claims:
        return False
    pool = eventlet.GreenPool(AT_ONCE)
    go_on = list(pool.imap(partial(_send, database, vault, channels, links), claims))
    return any(go_on) or len(claims) == AT_ONCE


def _send(
    database: Database,
    vault: Vault,
    channels: Mapping[str, Channel],
    links: Links | None,
    claim: Claim,
) -> bool:
    """One attempt at a message. Returns whether another channel may try at once."""
    last_start = time.monotonic() + LAST_START_SECONDS
    letter = None
    try:
        with database.work() as db:
            letter = write(db, vault, claim, channels, links)
        if letter is None:
            return False
        outcome = channels[letter.channel].send(
            letter.outgoing,
            key=str(claim.message_id),
            may_go=lambda: time.monotonic() < last_start,
        )
    except SQLAlchemyError:
        raise
    except Exception as failure:  # noqa: BLE001 - set aside with its reason, others go on
        log.error(
            "letter_not_written",
            service=database.service,
            message_id=str(claim.message_id),
            error=where(failure),
        )
        outcome = FAULT
    SENT.labels(letter.channel if letter else "none", outcome.code).inc()
    return _note(database, claim, letter, outcome)


def _note(database: Database, claim: Claim, letter: Letter | None, outcome: Outcome) -> bool:
    with database.work() as db:
        message = held(db, claim)
        if letter is not None:
            db.get_one(Attempt, letter.attempt_id).note(outcome)
        if message is None:
            log.warning(
                "lease_lost",
                service=database.service,
                message_id=str(claim.message_id),
                reason=outcome.code,
            )
            return False
        _keep(db, message, letter, outcome)
        return message.state == "queued" and message.not_before <= db.now


def _keep(db: Session, message: Message, letter: Letter | None, outcome: Outcome) -> None:
    if letter and outcome.is_accepted:
        message.deliver(db, letter.channel)
    elif letter and letter.has_another and outcome.result == REFUSED:
        message.fall_back(db, outcome.code)
    elif outcome.permanent:
        message.give_up(db, outcome.code)
    elif outcome.code == BREAKER_OPEN:
        message.postpone(db.now + timedelta(seconds=PAUSE_SECONDS), outcome.code)
    else:
        message.retry(db, outcome.code, may_have_arrived=outcome.may_repeat)
