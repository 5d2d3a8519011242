"""Somebody says that they cannot come to a day.

Said once, however often: the person's messages about the day are dropped, and it is announced, so
that scheduling frees the day and sessions shows it. Nobody's danger is judged by it: somebody at
risk who stays away is looked for all the same.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from catalogue.notifications import AbsenceAnnounced
from chassis.announce import announce, uuid7
from chassis.database import Session, insert_into
from chassis.refusals import NotFound
from notifications.messages import Message, withdraw
from notifications.recipients import Recipient
from notifications.seats import Absence, Occurrence, has_said_no, is_expected


@dataclass(frozen=True)
class Asked:
    """What a reminder's link is about: one person and one day."""

    recipient: Recipient
    zone: str
    day: Occurrence
    state: str
    """`open` as long as it can be said, then `said`, `over` or `off`."""


def asked_by(db: Session, message_id: UUID) -> Asked:
    """What the link in a message asks. Raises NotFound."""
    message = db.get(Message, message_id)
    recipient = db.get(Recipient, message.recipient_id) if message else None
    day = db.get(Occurrence, message.about_id) if message else None
    if recipient is None or recipient.zone is None or day is None:
        raise NotFound("link")
    return Asked(recipient, recipient.zone, day, _state(db, day, recipient.person_id))


def say_cannot_come(
    db: Session, day: Occurrence, person_id: UUID, *, by: str, at: datetime
) -> None:
    """Take somebody's word. `by` is the way in which it was said."""
    row = insert_into(db, Absence).values(
        occurrence_id=day.occurrence_id,
        person_id=person_id,
        clinic_id=day.clinic_id,
        said_at=at,
        said_by=by,
    )
    if db.execute(row.on_conflict_do_nothing().returning(Absence.person_id)).first() is None:
        return
    withdraw(db, [day.occurrence_id], "cannot_come", recipient_id=person_id)
    announce(
        db,
        AbsenceAnnounced(
            clinic_id=day.clinic_id,
            reply_id=uuid7(),
            participant_id=person_id,
            occurrence_id=day.occurrence_id,
        ),
    )


def _state(db: Session, day: Occurrence, person_id: UUID) -> str:
    if has_said_no(db, day.occurrence_id, person_id):
        return "said"
    if day.cancelled_at or not is_expected(db, day, person_id):
        return "off"
    return "over" if db.now >= day.starts_at else "open"
