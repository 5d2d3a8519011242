"""Whom we may tell something: their consent, their wishes, their zone.

Participants only. Events of different episodes of one person come in any order, so every change
here is an upsert that is right whichever comes first.
"""

from datetime import datetime, time
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from catalogue.intake import (
    ConsentGiven,
    ParticipantAdmitted,
    ParticipantDetailsChanged,
    ParticipantDischarged,
    ReferralClosed,
)
from chassis.database import OfClinic, Session, insert_into
from chassis.details import want
from chassis.refusals import NotFound
from notifications import rules
from notifications.languages import ENGLISH
from notifications.tables import Base

EMAIL = "email"
OWNER_OF_DETAILS = "intake"


class Recipient(OfClinic, Base):
    """A person who may be told something, and what they wish about it."""

    __tablename__ = "recipients"

    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    zone: Mapped[str | None] = mapped_column(sa.String(64))
    language: Mapped[str] = mapped_column(sa.String(64), default=ENGLISH)
    details_version: Mapped[int] = mapped_column(default=0)
    email: Mapped[bool] = mapped_column(default=True)
    quiet_from: Mapped[time] = mapped_column(default=rules.QUIET_FROM)
    quiet_to: Mapped[time] = mapped_column(default=rules.QUIET_TO)
    preferred_by: Mapped[str | None] = mapped_column(sa.String(96))
    preferred_at: Mapped[datetime | None]

    def prefer(
        self, *, email: bool, quiet_from: time, quiet_to: time, by: str, at: datetime
    ) -> None:
        """Take the person's wishes; they count for every message not yet sent."""
        self.email = email
        self.quiet_from, self.quiet_to = quiet_from, quiet_to
        self.preferred_by, self.preferred_at = by, at


class Consent(OfClinic, Base):
    """What somebody agreed to for one episode of care; it ends with the episode."""

    __tablename__ = "consents"

    episode_id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("recipients.person_id"), index=True)
    version: Mapped[str] = mapped_column(sa.String(64))
    email: Mapped[bool]
    given_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


def find_recipient(db: Session, person_id: UUID) -> Recipient:
    """Raises NotFound for nobody we know in the caller's clinics."""
    found = db.scalar(
        sa.select(Recipient).where(Recipient.person_id == person_id).with_for_update()
    )
    if found is None:
        raise NotFound("recipient", person_id=str(person_id))
    return found


def know(db: Session, clinic_id: UUID, *person_ids: UUID) -> None:
    """Have a row for each of these people."""
    rows = [{"person_id": one, "clinic_id": clinic_id} for one in sorted(set(person_ids))]
    db.execute(insert_into(db, Recipient).on_conflict_do_nothing(), rows)


def take_consent(db: Session, given: ConsentGiven, *, at: datetime) -> None:
    """Note a consent to treatment, and whether it lets us write e-mails."""
    know(db, given.clinic_id, given.participant_id)
    row = insert_into(db, Consent).values(
        episode_id=given.episode_id,
        clinic_id=given.clinic_id,
        person_id=given.participant_id,
        version=given.version,
        email=EMAIL in given.messages,
        given_at=at,
    )
    newer = {name: row.excluded[name] for name in ("version", "email", "given_at")}
    db.execute(row.on_conflict_do_update(index_elements=["episode_id"], set_=newer))


def end_consent(
    db: Session, ended: ParticipantDischarged | ReferralClosed, *, at: datetime
) -> None:
    """The episode is over, and with it what was agreed to for it."""
    db.execute(
        sa.update(Consent)
        .where(Consent.episode_id == ended.episode_id, Consent.ended_at.is_(None))
        .values(ended_at=at)
    )


def live_consent(db: Session, person_id: UUID) -> Consent | None:
    """The consent under which this person may be sent an e-mail now, or None."""
    return db.scalar(
        sa.select(Consent)
        .where(Consent.person_id == person_id, Consent.email, Consent.ended_at.is_(None))
        .order_by(Consent.given_at.desc())
        .limit(1)
    )


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
