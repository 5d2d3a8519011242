"""Sending what is due: claim, write the letter, hand it over, note what came of it.

No transaction is open while a mail server is spoken to. Whoever dies in between leaves a lease
that runs out, and the message goes out again under the same Message-ID.
"""

from functools import partial

import eventlet
from prometheus_client import Counter
from sqlalchemy.exc import SQLAlchemyError

from chassis.database import Database
from chassis.details import Vault
from chassis.logs import log, where
from notifications.letters import write
from notifications.messages import CHANNEL, Claim, claim_due, held
from notifications.smtp import FAULT, MailServer, Outcome

AT_ONCE = 10
"""Letters on their way at the same time, and taken in one claim: none waits behind another, so
each has its whole lease for its attempt."""

SENT = Counter(
    "evenkeel_notifications_total",
    "Attempts to send, by what came of them.",
    ["channel", "outcome"],
)


def send_due(database: Database, vault: Vault, server: MailServer) -> bool:
    """Send what is due. Returns whether there may be more."""
    with database.work() as db:
        claims = claim_due(db, AT_ONCE)
    if not claims:
        return False
    pool = eventlet.GreenPool(AT_ONCE)
    for _ in pool.imap(partial(_send, database, vault, server), claims):
        pass
    return len(claims) == AT_ONCE


def _send(database: Database, vault: Vault, server: MailServer, claim: Claim) -> None:
    try:
        with database.work() as db:
            letter = write(db, vault, claim)
        if letter is None:
            return
        outcome = server.send(letter)
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
    _note(database, claim, outcome)


def _note(database: Database, claim: Claim, outcome: Outcome) -> None:
    with database.work() as db:
        message = held(db, claim)
        if message is None:
            log.warning(
                "lease_lost",
                service=database.service,
                message_id=str(claim.message_id),
                reason=outcome.code,
            )
        elif outcome.accepted:
            message.deliver(db)
        elif outcome.final:
            message.give_up(db, outcome.code)
        else:
            message.retry(db, outcome.code, may_have_arrived=outcome.may_have_arrived)
    SENT.labels(CHANNEL, outcome.code).inc()
