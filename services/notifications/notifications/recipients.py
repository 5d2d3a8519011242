"""Whom we may tell something: their wishes, what is safe for them, their zone.

Participants only. Events of different episodes of one person come in any order, so every change
here is an upsert that is right whichever comes first.
"""

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from catalogue.intake import ParticipantAdmitted, ParticipantDetailsChanged
from chassis.database import OfClinic, Session, insert_into
from chassis.details import want
from chassis.refusals import NotFound
from notifications import rules
from notifications.languages import ENGLISH
from notifications.tables import Base

OWNER_OF_DETAILS = "intake"

WISHES = (
    "quiet_from", "quiet_to", "safe_to_text", "safe_to_leave_voicemail", "safe_from", "safe_to",
)  # fmt: skip
"""What somebody may wish besides consent. Quiet hours give way to what is about to begin; outside
the safe hours, while somebody else may see the telephone, nothing is sent at all."""


class Recipient(OfClinic, Base):
    """A person who may be told something, and what they wish about it. `safe_from` and `safe_to`
    are set together or not at all."""

    __tablename__ = "recipients"

    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    zone: Mapped[str | None] = mapped_column(sa.String(64))
    language: Mapped[str] = mapped_column(sa.String(64), default=ENGLISH)
    details_version: Mapped[int] = mapped_column(default=0)
    email: Mapped[bool] = mapped_column(default=True)
    """The former release writes and reads it; it goes with that. See `consent.py`."""

    number_version: Mapped[int] = mapped_column(default=0)
    """The version of the details whose number `numbers.py` has taken in."""

    quiet_from: Mapped[time] = mapped_column(default=rules.QUIET_FROM)
    quiet_to: Mapped[time] = mapped_column(default=rules.QUIET_TO)
    safe_to_text: Mapped[bool] = mapped_column(default=True)
    safe_to_leave_voicemail: Mapped[bool] = mapped_column(default=False)
    safe_from: Mapped[time | None]
    safe_to: Mapped[time | None]
    preferred_by: Mapped[str | None] = mapped_column(sa.String(96))
    preferred_at: Mapped[datetime | None]

    def prefer(self, wishes: Mapping[str, Any], *, by: str, at: datetime) -> None:
        """Take the person's wishes; they count for every message not yet sent."""
        for name in WISHES:
            if name in wishes:
                setattr(self, name, wishes[name])
        self.preferred_by, self.preferred_at = by, at


def find_recipient(db: Session, person_id: UUID) -> Recipient:
    """Locked before any of their messages is, whoever needs both; what is planned meanwhile does
    not wait. Raises NotFound for nobody we know in the caller's clinics."""
    found = db.scalar(
        sa.select(Recipient).where(Recipient.person_id == person_id).with_for_update(key_share=True)
    )
    if found is None:
        raise NotFound("recipient", person_id=str(person_id))
    return found


def look_up(db: Session, person_id: UUID) -> Recipient:
    """As `find_recipient`, for who only reads."""
    found = db.scalar(sa.select(Recipient).where(Recipient.person_id == person_id))
    if found is None:
        raise NotFound("recipient", person_id=str(person_id))
    return found


def know(db: Session, clinic_id: UUID, *person_ids: UUID) -> None:
    """Have a row for each of these people."""
    rows = [{"person_id": one, "clinic_id": clinic_id} for one in sorted(set(person_ids))]
    db.execute(insert_into(db, Recipient).on_conflict_do_nothing(), rows)


def learn_zone(db: Session, admitted: ParticipantAdmitted) -> None:
    """Their zone at admission, unless their details have said it already."""
    row = insert_into(db, Recipient).values(
        person_id=admitted.participant_id, clinic_id=admitted.clinic_id, zone=admitted.zone
    )
    db.execute(
        row.on_conflict_do_update(
            index_elements=["person_id"],
            set_={"zone": row.excluded.zone},
            where=Recipient.zone.is_(None),
        )
    )


def want_details(db: Session, changed: ParticipantDetailsChanged) -> None:
    """Have the newest address fetched, and keep to their newest zone and language."""
    row = insert_into(db, Recipient).values(
        person_id=changed.participant_id,
        clinic_id=changed.clinic_id,
        zone=changed.zone,
        language=changed.language,
        details_version=changed.details_version,
    )
    news = {name: row.excluded[name] for name in ("zone", "language", "details_version")}
    db.execute(
        row.on_conflict_do_update(
            index_elements=["person_id"],
            set_=news,
            where=Recipient.details_version < changed.details_version,
        )
    )
    want(
        db,
        changed.participant_id,
        clinic_id=changed.clinic_id,
        owner=OWNER_OF_DETAILS,
        version=changed.details_version,
    )
