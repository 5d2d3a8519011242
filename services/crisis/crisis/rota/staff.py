"""The staff of a clinic, as scheduling announced them: who may stand on a rota, and whom a page
reaches."""

from collections.abc import Iterable
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from catalogue.scheduling import ClinicianDetailsChanged, ClinicianRegistered
from chassis.database import OfClinic, Session
from chassis.details import Vault, want
from chassis.refusals import Invalid
from crisis.tables import Base

ON_CALL_ROLES = frozenset({"clinician", "supervisor", "crisis_lead"})

REACHED_BY = ("email", "phone")
"""The details that a page needs one of."""


class Clinician(OfClinic, Base):
    """Staff of a clinic; without roles they have left. `zone` says when it is night for them."""

    __tablename__ = "clinicians"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    roles: Mapped[list[str]]
    licences: Mapped[list[str]] = mapped_column(default=list)
    zone: Mapped[str | None] = mapped_column(String(64))


def register(db: Session, clinician: ClinicianRegistered) -> None:
    """Know a clinician, and how to reach them."""
    row = db.get(Clinician, clinician.clinician_id, with_for_update=True)
    if row is None:
        row = Clinician(id=clinician.clinician_id, clinic_id=clinician.clinic_id)
        db.add(row)
    row.roles, row.licences = list(clinician.roles), list(clinician.states)
    row.zone = clinician.zone
    _want_details(db, clinician)


def keep_reachable(db: Session, changed: ClinicianDetailsChanged) -> None:
    """Ask scheduling for the address this clinician is paged at since then."""
    row = db.get(Clinician, changed.clinician_id, with_for_update=True)
    if row is not None:
        row.zone = changed.zone
    _want_details(db, changed)


def must_be_licensed(db: Session, person_id: UUID, licence: str) -> None:
    """Raises Invalid where a person has no licence of that state."""
    clinician = db.get(Clinician, person_id)
    if clinician is None or licence not in clinician.licences:
        raise Invalid(licence="You have no licence of this state.")


def on_staff(db: Session, clinic_id: UUID, of: Iterable[UUID] | None = None) -> list[UUID]:
    """Who of a clinic's staff may be called, or who of these people."""
    found = sa.select(Clinician.id, Clinician.roles).where(Clinician.clinic_id == clinic_id)
    if of is not None:
        found = found.where(Clinician.id.in_(of))
    rows = db.execute(found.order_by(Clinician.id)).all()
    return [row.id for row in rows if ON_CALL_ROLES & set(row.roles)]


def is_reached(db: Session, vault: Vault, person_id: UUID) -> bool:
    """Whether any channel reaches a person, as far as crisis knows now."""
    known = vault.open(db, person_id) or {}
    return any(known.get(detail) for detail in REACHED_BY)


def _want_details(db: Session, clinician: ClinicianRegistered | ClinicianDetailsChanged) -> None:
    want(
        db,
        clinician.clinician_id,
        clinic_id=clinician.clinic_id,
        owner="scheduling",
        version=clinician.details_version,
    )
