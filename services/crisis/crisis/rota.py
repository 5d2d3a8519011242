"""Who is on call in a clinic: the rota by rung, and the staff that may stand on it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from catalogue.scheduling import ClinicianDetailsChanged, ClinicianRegistered
from chassis.database import OfClinic, Session
from chassis.details import want
from chassis.refusals import Invalid
from crisis.rules import Call, Ladder
from crisis.tables import Base, Identified

LEAST_ON_LAST_RUNG = 2
"""The last rung repeats for ever, so one person's dead phone must not be its end."""

ON_CALL_ROLES = frozenset({"clinician", "supervisor", "crisis_lead"})


class Clinician(OfClinic, Base):
    """Staff of a clinic as scheduling announced them; without roles they have left."""

    __tablename__ = "clinicians"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    roles: Mapped[list[str]]
    licences: Mapped[list[str]] = mapped_column(default=list)


class Rota(Identified, OfClinic, Base):
    """One edition of a clinic's rota. The newest counts; the older tell who was on call then."""

    __tablename__ = "rotas"
    __table_args__ = (UniqueConstraint("clinic_id", "edition"),)

    edition: Mapped[int]
    published_at: Mapped[datetime]
    published_by: Mapped[str] = mapped_column(String(96))


class Place(OfClinic, Base):
    """One person on one rung of a rota."""

    __tablename__ = "rota_places"
    __table_args__ = (CheckConstraint("rung >= 1", name="rung"),)

    rota_id: Mapped[UUID] = mapped_column(ForeignKey("rotas.id"), primary_key=True)
    rung: Mapped[int] = mapped_column(primary_key=True)
    clinician_id: Mapped[UUID] = mapped_column(ForeignKey("clinicians.id"), primary_key=True)


@dataclass(frozen=True)
class OnCall:
    """Who can be called in a clinic now. A rota shorter than a ladder ends in its last rung."""

    rungs: tuple[tuple[UUID, ...], ...] = ()
    staff: tuple[UUID, ...] = ()

    def at(self, rung: int) -> tuple[UUID, ...]:
        """The people of one rung of a ladder."""
        return self.rungs[min(rung, len(self.rungs)) - 1] if self.rungs else ()

    @property
    def everybody(self) -> tuple[UUID, ...]:
        """All on the rota; where nobody is, all the staff of the clinic."""
        return tuple(dict.fromkeys(chain(*self.rungs))) or self.staff

    def manned(self, ladder: Ladder) -> set[int]:
        """The rungs of a ladder that have somebody to call."""
        rungs = range(1, ladder.last + 1)
        return {r for r in rungs if (self.everybody if ladder.calls_all_hands(r) else self.at(r))}

    def called(self, call: Call) -> list[UUID]:
        """Whom a call goes to."""
        if call.all_hands:
            return list(self.everybody)
        return list(chain(*(self.at(rung) for rung in range(call.lowest, call.rung + 1))))


def register(db: Session, clinician: ClinicianRegistered) -> None:
    """Know a clinician, and how to reach them."""
    row = db.get(Clinician, clinician.clinician_id, with_for_update=True)
    if row is None:
        row = Clinician(id=clinician.clinician_id, clinic_id=clinician.clinic_id)
        db.add(row)
    row.roles, row.licences = list(clinician.roles), list(clinician.states)
    keep_reachable(db, clinician)


def keep_reachable(db: Session, clinician: ClinicianRegistered | ClinicianDetailsChanged) -> None:
    """Ask scheduling for the address this clinician is paged at since then."""
    want(
        db,
        clinician.clinician_id,
        clinic_id=clinician.clinic_id,
        owner="scheduling",
        version=clinician.details_version,
    )


def publish(
    db: Session, clinic_id: UUID, rungs: Sequence[Sequence[UUID]], *, by: str, at: datetime
) -> Rota:
    """Put a rota in force from now on, for open cases too. Refused while it has a gap."""
    _must_reach_somebody(rungs)
    known = set(_on_staff(db, clinic_id, set(chain(*rungs))))
    if unknown := [person for person in chain(*rungs) if person not in known]:
        raise Invalid(rungs=[f"Nobody of this clinic is {person}." for person in unknown])
    newest = sa.select(sa.func.max(Rota.edition)).where(Rota.clinic_id == clinic_id)
    rota = Rota(
        clinic_id=clinic_id,
        edition=(db.scalar(newest) or 0) + 1,
        published_at=at,
        published_by=by,
    )
    db.add(rota)
    db.flush()
    db.add_all(
        Place(clinic_id=clinic_id, rota_id=rota.id, rung=rung, clinician_id=person)
        for rung, people in enumerate(rungs, start=1)
        for person in dict.fromkeys(people)
    )
    return rota


def on_call(db: Session, clinic_id: UUID) -> OnCall:
    """Who is on call in a clinic now; whoever left the staff is not called."""
    newest = (
        sa.select(Rota.id)
        .where(Rota.clinic_id == clinic_id)
        .order_by(Rota.edition.desc())
        .limit(1)
        .scalar_subquery()
    )
    places = db.execute(
        sa.select(Place.rung, Place.clinician_id, Clinician.roles)
        .join(Clinician, Clinician.id == Place.clinician_id)
        .where(Place.rota_id == newest)
        .order_by(Place.rung, Place.clinician_id)
    ).all()
    rungs: list[list[UUID]] = [[] for _ in range(max((p.rung for p in places), default=0))]
    for place in places:
        if ON_CALL_ROLES & set(place.roles):
            rungs[place.rung - 1].append(place.clinician_id)
    if any(rungs):
        return OnCall(tuple(map(tuple, rungs)))
    return OnCall(staff=tuple(_on_staff(db, clinic_id)))


def must_be_licensed(db: Session, person_id: UUID, licence: str) -> None:
    """Raises Invalid where a person has no licence of that state."""
    clinician = db.get(Clinician, person_id)
    if clinician is None or licence not in clinician.licences:
        raise Invalid(licence="You have no licence of this state.")


def _must_reach_somebody(rungs: Sequence[Sequence[UUID]]) -> None:
    empty = [f"Rung {n} is empty." for n, people in enumerate(rungs, start=1) if not people]
    if not rungs or empty:
        raise Invalid(rungs=empty or ["A rota needs a rung."])
    if len(set(rungs[-1])) < LEAST_ON_LAST_RUNG:
        raise Invalid(rungs="The last rung repeats for ever; it needs two people.")


def _on_staff(db: Session, clinic_id: UUID, of: Iterable[UUID] | None = None) -> list[UUID]:
    found = sa.select(Clinician.id, Clinician.roles).where(Clinician.clinic_id == clinic_id)
    if of is not None:
        found = found.where(Clinician.id.in_(of))
    rows = db.execute(found.order_by(Clinician.id)).all()
    return [row.id for row in rows if ON_CALL_ROLES & set(row.roles)]
