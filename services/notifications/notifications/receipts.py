"""What becomes of a text after it was accepted: it arrived, or it goes by another channel."""

from uuid import UUID

import sqlalchemy as sa

from channels.outcome import UNKNOWN
from channels.receipt import Receipt
from chassis.database import Session
from notifications import attempts
from notifications.attempts import ARRIVED, LOST
from notifications.messages import Message


def take(db: Session, message_id: UUID, said: Receipt) -> bool:
    """What the carrier says of a message. Returns whether it is about one of its attempts.

    Only the last attempt decides where the message stands: another channel may have it by now.
    """
    asked = sa.select(Message).where(Message.message_id == message_id).with_for_update()
    message = db.scalars(asked).one_or_none()
    if message is None:
        return False
    tried = attempts.of_message(db, message_id)
    attempt = attempts.meant_by(tried, said)
    if attempt is None:
        return False
    if attempt.hear(said, db.now) and attempt is tried[-1]:
        db.info.update(correlation_id=message.correlation_id, causation_id=message.planned_by)
        if attempt.receipt in LOST and message.state == "sent":
            message.come_back(db, attempt.channel)
        elif attempt.receipt in ARRIVED and attempt.result == UNKNOWN and message.state == "queued":
            message.arrive(db, attempt.channel)
    return True
