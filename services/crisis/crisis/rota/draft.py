"""A rota and a policy in the making: looked at, tried on the past, and only then published."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import JSON, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from chassis.database import OfClinic, Session
from chassis.refusals import NotFound
from crisis.rota import policy, published
from crisis.rota.shifts import Layer, Rota, Rotation
from crisis.rota.times import Times, plain_of, times_of
from crisis.rota.written import layers_of
from crisis.rota.written import plain_of as plain_layers
from crisis.tables import Base, Identified


class Draft(Identified, OfClinic, Base):
    """What a clinic's next rota and policy may be; one at a time, whoever writes it."""

    __tablename__ = "rota_drafts"
    __table_args__ = (UniqueConstraint("clinic_id"),)

    layers: Mapped[list[Any]] = mapped_column(JSON)
    times: Mapped[dict[str, Any]]
    changed_at: Mapped[datetime]
    changed_by: Mapped[str] = mapped_column(String(96))

    @property
    def rota(self) -> Rota:
        """Its layers, without the overrides that will hold as well."""
        return Rota(layers_of(self.layers))


def draft_of(db: Session, clinic_id: UUID) -> Draft | None:
    """The clinic's draft, where there is one."""
    return db.scalars(sa.select(Draft).where(Draft.clinic_id == clinic_id)).one_or_none()


def proposed(db: Session, clinic_id: UUID) -> tuple[Rota, Mapping[str, Times]]:
    """What the draft would put in force; without one, what is in force."""
    draft, now = draft_of(db, clinic_id), published.in_force(db, clinic_id)
    if draft is None:
        return now, policy.times_in_force(db, clinic_id)
    return Rota(draft.rota.layers, now.overrides), times_of(draft.times)


def put_rotation(
    db: Session, clinic_id: UUID, rung: int, place: int, rotation: Rotation, *,
    by: str, at: datetime,
) -> None:  # fmt: skip
    """Write a rotation in its place; the next free place, or rung, is a new one."""
    layers = [list(layer) for layer in proposed(db, clinic_id)[0].layers]
    if rung == len(layers) + 1:
        layers.append([])
    _must_be_there(layers, rung, place, one_more=1)
    layers[rung - 1][place - 1 : place] = [rotation]
    _keep(db, clinic_id, layers=layers, by=by, at=at)


def drop_rotation(
    db: Session, clinic_id: UUID, rung: int, place: int, *, by: str, at: datetime
) -> None:
    """Leave a rotation out; a rung without any is no more."""
    layers = [list(layer) for layer in proposed(db, clinic_id)[0].layers]
    _must_be_there(layers, rung, place)
    del layers[rung - 1][place - 1]
    _keep(db, clinic_id, layers=[layer for layer in layers if layer], by=by, at=at)


def put_times(
    db: Session, clinic_id: UUID, times: Mapping[str, Times], *, by: str, at: datetime
) -> None:
    """Write a policy. Raises Invalid out of bounds."""
    policy.must_be_within_bounds(times)
    _keep(db, clinic_id, times=times, by=by, at=at)


def publish(
    db: Session, clinic_id: UUID, *, can_reach: Callable[[UUID], bool], by: str, at: datetime
) -> None:
    """Put the draft in force: what of it is new. Refused as a rota or policy is."""
    draft = draft_of(db, clinic_id)
    if draft is None:
        raise NotFound("draft")
    rota, times = proposed(db, clinic_id)
    if rota.layers != published.in_force(db, clinic_id).layers:
        published.publish(db, clinic_id, rota.layers, can_reach=can_reach, by=by, at=at)
    if times != policy.times_in_force(db, clinic_id):
        policy.publish(db, clinic_id, times, by=by, at=at)
    db.delete(draft)


def discard(db: Session, clinic_id: UUID) -> None:
    """Forget the draft."""
    if draft := draft_of(db, clinic_id):
        db.delete(draft)


def rotation_at(layers: tuple[Layer, ...], rung: int, place: int) -> Rotation | None:
    """A rotation that is written down, or None for the next free place. Raises NotFound."""
    _must_be_there([*layers, ()], rung, place, one_more=1)
    layer = layers[rung - 1] if rung <= len(layers) else ()
    return layer[place - 1] if place <= len(layer) else None


def _keep(
    db: Session,
    clinic_id: UUID,
    *,
    layers: Any = None,
    times: Mapping[str, Times] | None = None,
    by: str,
    at: datetime,
) -> None:
    rota, before = proposed(db, clinic_id)
    draft = draft_of(db, clinic_id) or Draft(clinic_id=clinic_id)
    draft.layers = plain_layers(rota.layers if layers is None else layers)
    draft.times = plain_of(times or before)
    draft.changed_at, draft.changed_by = at, by
    db.add(draft)


def _must_be_there(layers: Any, rung: int, place: int, *, one_more: int = 0) -> None:
    if not (1 <= rung <= len(layers) and 1 <= place <= len(layers[rung - 1]) + one_more):
        raise NotFound("rotation", rung=rung, place=place)
