"""A participant: who is referred, where they live in law and in time, and their sealed details."""

from datetime import date
from typing import Self
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from chassis.announce import uuid7
from chassis.database import OfClinic, Session
from chassis.details import Details, Vault
from chassis.refusals import Invalid, NotFound
from intake.tables import Base

OWNER = "intake"


class Participant(OfClinic, Base):
    """One person in one clinic. Name, birth date, address and numbers lie sealed in the vault."""

    __tablename__ = "participants"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    home_state: Mapped[str] = mapped_column(sa.String(2))
    zone: Mapped[str] = mapped_column(sa.String(64))
    language: Mapped[str] = mapped_column(sa.String(2))
    details_version: Mapped[int]
    details_by: Mapped[str] = mapped_column(sa.String(96))

    @classmethod
    def find(cls, db: Session, participant_id: UUID, *, lock: bool = False) -> Self:
        """Raises NotFound, also for a participant of another clinic."""
        found = db.get(cls, participant_id, with_for_update=lock or None)
        if found is None:
            raise NotFound("participant", participant_id=str(participant_id))
        return found

    @classmethod
    def enter(cls, db: Session, vault: Vault, clinic_id: UUID, given: Details, *, by: str) -> Self:
        """A participant new to the clinic, with version 1 of their details."""
        one = cls(id=uuid7(), clinic_id=clinic_id, details_version=0)
        db.add(one)
        one.keep_details(db, vault, given, by=by, within="participant.")
        db.flush()
        return one

    def keep_details(
        self, db: Session, vault: Vault, given: Details, *, by: str, within: str = ""
    ) -> None:
        """Seal the next version of the details, sent `within` something larger or by themselves.

        Raises Invalid for a birth date to come.
        """
        born: date = given["birth_on"]
        if born >= db.now.date():
            raise Invalid(**{f"{within}birth_on": "Must be in the past."})
        self.home_state, self.zone, self.language = given["state"], given["zone"], given["language"]
        self.details_version += 1
        self.details_by = by
        vault.keep(
            db, self.id, clinic_id=self.clinic_id, owner=OWNER, version=self.details_version,
            content={**given, "birth_on": born.isoformat()},
        )  # fmt: skip

    def details(self, db: Session, vault: Vault) -> Details:
        """Their details, opened. Raises NotFound once they have been erased."""
        content = vault.open(db, self.id)
        if content is None:
            raise NotFound("details", participant_id=str(self.id))
        return {**content, "birth_on": date.fromisoformat(content["birth_on"])}
