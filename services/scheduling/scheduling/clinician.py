"""Clinicians of a clinic, where they are licensed, and which of their details is current."""

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from catalogue.scheduling import ClinicianDetailsChanged, ClinicianRegistered
from chassis.announce import announce, uuid7
from chassis.database import OfClinic, Session
from chassis.details import Vault
from chassis.refusals import NotFound
from scheduling.rules import licence_covers, local_time
from scheduling.tables import Base, Identified, Made

OWNER = "scheduling"


class Licence(OfClinic, Identified, Base):
    """Leave to practise in one state, to the end of its last date."""

    __tablename__ = "licences"
    __table_args__ = (UniqueConstraint("clinician_id", "state", "number"),)

    clinician_id: Mapped[UUID] = mapped_column(ForeignKey("clinicians.id"), index=True)
    state: Mapped[str] = mapped_column(String(2))
    number: Mapped[str] = mapped_column(String(64))
    expires_on: Mapped[date]


class Clinician(OfClinic, Identified, Made, Base):
    """A member of the staff; name and numbers are sealed and not here."""

    __tablename__ = "clinicians"

    roles: Mapped[list[str]]
    zone: Mapped[str] = mapped_column(String(64))
    details_version: Mapped[int]
    changed_at: Mapped[datetime]
    changed_by: Mapped[str] = mapped_column(String(96))
    licences: Mapped[list[Licence]] = relationship(order_by=(Licence.state, Licence.number))

    def states_on(self, day: date) -> list[str]:
        """The states whose licence holds on a date."""
        return sorted({one.state for one in self.licences if day <= one.expires_on})

    def unlicensed_at(
        self, ends: Iterable[datetime], zone: str, state: str | None = None
    ) -> set[datetime]:
        """Those instants at which no licence of the state holds, or none at all."""
        last_dates = [one.expires_on for one in self.licences if state in (None, one.state)]
        last_on = max(last_dates, default=date.min)
        return {ends_at for ends_at in ends if not licence_covers(last_on, ends_at, zone)}


def register(
    db: Session,
    vault: Vault,
    clinic_id: UUID,
    *,
    roles: Collection[str],
    zone: str,
    licences: Iterable[dict[str, Any]],
    by: str,
    at: datetime,
    **details: str,
) -> Clinician:
    """Take a clinician on, with their licences and the first version of their details."""
    clinician = Clinician(
        id=uuid7(),
        clinic_id=clinic_id,
        roles=sorted(roles),
        zone=zone,
        details_version=1,
        licences=[Licence(clinic_id=clinic_id, **licence) for licence in licences],
        made_at=at,
        made_by=by,
        changed_at=at,
        changed_by=by,
    )
    db.add(clinician)
    _seal(db, vault, clinician, details)
    today = local_time(at, zone).date()
    announce(
        db,
        ClinicianRegistered(
            clinic_id=clinic_id,
            clinician_id=clinician.id,
            roles=tuple(clinician.roles),
            states=tuple(clinician.states_on(today)),
            details_version=clinician.details_version,
            zone=zone,
        ),
    )
    return clinician


def change_details(
    db: Session,
    vault: Vault,
    clinician_id: UUID,
    *,
    zone: str,
    by: str,
    at: datetime,
    **details: str,
) -> Clinician:
    """Keep new details in place of the old; whoever holds a copy is told to fetch them."""
    clinician = clinician_of(db, clinician_id, lock=True)
    clinician.zone = zone
    clinician.details_version += 1
    clinician.changed_at, clinician.changed_by = at, by
    _seal(db, vault, clinician, details)
    announce(
        db,
        ClinicianDetailsChanged(
            clinic_id=clinician.clinic_id,
            clinician_id=clinician_id,
            details_version=clinician.details_version,
            zone=zone,
        ),
    )
    return clinician


def details_of(db: Session, vault: Vault, clinician_id: UUID) -> dict[str, Any]:
    """Name, e-mail and phone of a clinician, opened."""
    clinician = clinician_of(db, clinician_id)
    details = vault.open(db, clinician_id)
    if details is None:
        raise NotFound("details_erased", clinician_id=str(clinician_id))
    return {
        "clinician_id": clinician_id,
        "clinic_id": clinician.clinic_id,
        "details_version": clinician.details_version,
        "zone": clinician.zone,
        **details,
    }


def clinician_of(db: Session, clinician_id: UUID, *, lock: bool = False) -> Clinician:
    """A clinician whom the caller may see. Raises NotFound."""
    clinician = db.get(Clinician, clinician_id, with_for_update=lock or None)
    if clinician is None:
        raise NotFound("not_found", clinician_id=str(clinician_id))
    return clinician


def _seal(db: Session, vault: Vault, clinician: Clinician, details: dict[str, Any]) -> None:
    vault.keep(
        db,
        clinician.id,
        clinic_id=clinician.clinic_id,
        owner=OWNER,
        version=clinician.details_version,
        content=details,
    )
