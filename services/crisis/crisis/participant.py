"""What crisis keeps of a participant: the zone in which their day ends, and a copy of how to
reach them, so that no other service is needed when they must be called."""

from uuid import UUID

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from catalogue.intake import ParticipantDetailsChanged
from chassis.database import OfClinic, Session
from chassis.details import want
from crisis.tables import Base


class Participant(OfClinic, Base):
    """A participant of a clinic."""

    __tablename__ = "participants"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    zone: Mapped[str] = mapped_column(String(64))


def keep_reachable(db: Session, changed: ParticipantDetailsChanged) -> None:
    """Remember the zone, and ask intake for this version of the details."""
    row = db.get(Participant, changed.participant_id, with_for_update=True)
    if row is None:
        row = Participant(id=changed.participant_id, clinic_id=changed.clinic_id)
        db.add(row)
    row.zone = changed.zone
    want(
        db,
        changed.participant_id,
        clinic_id=changed.clinic_id,
        owner="intake",
        version=changed.details_version,
    )


def zone_of(db: Session, participant_id: UUID) -> str | None:
    """The participant's zone, where it has been heard."""
    participant = db.get(Participant, participant_id)
    return participant.zone if participant else None
