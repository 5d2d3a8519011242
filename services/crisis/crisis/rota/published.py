"""The rota in force: its editions, who stands in for whom, and which rotas are refused."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import chain, islice
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from chassis.database import OfClinic, Session
from chassis.refusals import Conflict, Invalid, NotFound
from crisis.rota.gaps import Gap, Unreached, gaps, unreached
from crisis.rota.shifts import Layer, Override, Rota
from crisis.rota.staff import on_staff
from crisis.rota.written import layers_of, plain_of
from crisis.rules import Call, Ladder
from crisis.tables import Base, Identified

MOST_TOLD = 20
"""So many faults of a rota are named at once."""


class Edition(Identified, OfClinic, Base):
    """One edition of a clinic's rota. The newest counts; the older tell who was on call then."""

    __tablename__ = "rotas"
    __table_args__ = (UniqueConstraint("clinic_id", "edition"),)

    edition: Mapped[int]
    published_at: Mapped[datetime]
    published_by: Mapped[str] = mapped_column(String(96))
    layers: Mapped[list[Any]] = mapped_column(JSON)


class StandIn(Identified, OfClinic, Base):
    """An override, until somebody withdraws it. It outlives the edition it was made for."""

    __tablename__ = "rota_overrides"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="interval"),
        CheckConstraint("clinician_id <> instead_of", name="somebody_else"),
        Index("ix_rota_overrides_ends_at", "clinic_id", "ends_at"),
    )

    clinician_id: Mapped[UUID] = mapped_column(ForeignKey("clinicians.id"))
    instead_of: Mapped[UUID] = mapped_column(ForeignKey("clinicians.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(96))
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str | None] = mapped_column(String(96))


@dataclass(frozen=True)
class OnCall:
    """Who can be called in a clinic now. A rota shorter than a ladder ends in its last rung."""

    rungs: tuple[tuple[UUID, ...], ...] = ()
    staff: tuple[UUID, ...] = ()

    def at(self, rung: int) -> tuple[UUID, ...]:
        """The people of one rung of a ladder."""
        return self.rungs[min(rung, len(self.rungs)) - 1] if self.rungs else ()

    @cached_property
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


def on_call(db: Session, clinic_id: UUID) -> OnCall:
    """Who is on call in a clinic now; whoever left the staff is not called."""
    staff = on_staff(db, clinic_id)
    return on_call_of(in_force(db, clinic_id), staff, db.now)


def on_call_of(rota: Rota, staff: Sequence[UUID], at: datetime) -> OnCall:
    """Who of a staff a rota has on call at an instant; where it has nobody, all of them."""
    rungs = tuple(
        tuple(person for person in people if person in staff) for people in rota.on_call(at)
    )
    return OnCall(rungs) if any(rungs) else OnCall(staff=tuple(staff))


def in_force(db: Session, clinic_id: UUID) -> Rota:
    """The rota of a clinic now, with the overrides of now and later."""
    newest = newest_edition(db, clinic_id)
    overrides = tuple(
        Override(one.clinician_id, one.instead_of, one.starts_at, one.ends_at)
        for one in stand_ins(db, clinic_id)
    )
    return Rota(layers_of(newest.layers) if newest else (), overrides)


def newest_edition(db: Session, clinic_id: UUID) -> Edition | None:
    """The edition in force, where one was ever published."""
    newest = sa.select(Edition).where(Edition.clinic_id == clinic_id)
    return db.scalars(newest.order_by(Edition.edition.desc()).limit(1)).one_or_none()


def stand_ins(db: Session, clinic_id: UUID) -> Sequence[StandIn]:
    """Who stands in for whom now and later; the latest to be made counts most."""
    return db.scalars(
        sa.select(StandIn)
        .where(
            StandIn.clinic_id == clinic_id,
            StandIn.ends_at > db.now,
            StandIn.withdrawn_at.is_(None),
        )
        .order_by(StandIn.made_at, StandIn.id)
    ).all()


def publish(
    db: Session,
    clinic_id: UUID,
    layers: Sequence[Layer],
    *,
    can_reach: Callable[[UUID], bool],
    by: str,
    at: datetime,
) -> Edition:
    """Put a rota in force from now on, for open cases too.

    Raises Invalid where nobody is on call at some time of the next 400 days, where somebody on
    it is not of the staff, or where no channel reaches them.
    """
    rota = Rota(tuple(layers), in_force(db, clinic_id).overrides)
    _must_hold(db, clinic_id, rota, can_reach, at)
    newest = newest_edition(db, clinic_id)
    edition = Edition(
        clinic_id=clinic_id,
        edition=(newest.edition if newest else 0) + 1,
        published_at=at,
        published_by=by,
        layers=plain_of(layers),
    )
    db.add(edition)
    db.flush()
    return edition


def override(
    db: Session,
    clinic_id: UUID,
    given: Override,
    *,
    can_reach: Callable[[UUID], bool],
    by: str,
    at: datetime,
) -> StandIn:
    """Have somebody stand in for somebody else. Refused as a rota is that has a gap."""
    if given.ends_at <= max(given.starts_at, at):
        raise Invalid(ends_at="It is over before it begins.")
    if given.clinician_id == given.instead_of:
        raise Invalid(clinician_id="Nobody stands in for themselves.")
    rota = in_force(db, clinic_id)
    if given.instead_of not in rota.people:
        raise Invalid(instead_of="They are not on the rota.")
    changed = Rota(rota.layers, (*rota.overrides, given))
    _must_hold(db, clinic_id, changed, can_reach, at)
    made = StandIn(
        clinic_id=clinic_id,
        clinician_id=given.clinician_id,
        instead_of=given.instead_of,
        starts_at=given.starts_at,
        ends_at=given.ends_at,
        made_at=at,
        made_by=by,
    )
    db.add(made)
    db.flush()
    return made


def withdraw(db: Session, clinic_id: UUID, override_id: UUID, *, by: str, at: datetime) -> StandIn:
    """Have whoever stood in no longer do so. Raises NotFound, or Conflict where it is over."""
    one = db.get(StandIn, override_id, with_for_update=True)
    if one is None or one.clinic_id != clinic_id:
        raise NotFound("override", override_id=str(override_id))
    if one.withdrawn_at or one.ends_at <= at:
        raise Conflict("override_is_over")
    one.withdrawn_at, one.withdrawn_by = at, by
    return one


@dataclass(frozen=True)
class Faults:
    """What speaks against a rota, the first of it."""

    strangers: tuple[UUID, ...] = ()
    gaps: tuple[Gap, ...] = ()
    unreached: tuple[Unreached, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.strangers or self.gaps or self.unreached)


def faults_of(
    db: Session, clinic_id: UUID, rota: Rota, can_reach: Callable[[UUID], bool], at: datetime
) -> Faults:
    """What speaks against a rota of a clinic in the next 400 days."""
    strangers = rota.people - set(on_staff(db, clinic_id, rota.people))
    present = rota.without(strangers)
    return Faults(
        strangers=tuple(sorted(strangers)),
        gaps=tuple(islice(gaps(present, at), MOST_TOLD)),
        unreached=tuple(unreached(present, can_reach, at)),
    )


def _must_hold(
    db: Session, clinic_id: UUID, rota: Rota, can_reach: Callable[[UUID], bool], at: datetime
) -> None:
    if not rota.layers:
        raise Invalid(rota="A rota needs a rung.")
    if faults := faults_of(db, clinic_id, rota, can_reach, at):
        raise Invalid(rota=list(sentences(rota, faults)))


def sentences(rota: Rota, faults: Faults) -> Iterator[str]:
    """Each fault in a sentence that names rung, instant and person."""
    for person in faults.strangers:
        yield f"Nobody of this clinic is {person}."
    for gap in faults.gaps:
        zone = _zone_of(rota, gap.rung)
        whom = "one person alone is" if gap.people else "nobody is"
        yield (
            f"Rung {gap.rung}: {whom} on call from {_told(gap.starts_at, zone)}"
            f" to {_told(gap.ends_at, zone)}."
        )
    for one in faults.unreached:
        when = _told(one.from_, _zone_of(rota, one.rung))
        yield (
            f"Rung {one.rung}: no e-mail address and no phone is known of {one.person},"
            f" who is on call from {when}."
        )


def _zone_of(rota: Rota, rung: int) -> str:
    layer = rota.layers[rung - 1]
    return layer[0].zone if layer else "UTC"


def _told(at: datetime, zone: str) -> str:
    """An instant on the clock of the rung, with its offset: one hour of the year comes twice."""
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M %z} ({zone})"
