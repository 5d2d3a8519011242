"""Layers as JSON, in which form an edition keeps them and a caller writes them."""

from collections.abc import Iterable, Mapping
from datetime import date, time
from typing import Any
from uuid import UUID

from crisis.rota.shifts import Layer, Rotation

Plain = list[list[dict[str, Any]]]


def layers_of(plain: Iterable[Iterable[Mapping[str, Any]]]) -> tuple[Layer, ...]:
    """The layers that were written down."""
    return tuple(tuple(map(_rotation, layer)) for layer in plain)


def plain_of(layers: Iterable[Layer]) -> Plain:
    """Layers to be written down."""
    return [[_plain(rotation) for rotation in layer] for layer in layers]


def _rotation(plain: Mapping[str, Any]) -> Rotation:
    last_on = plain["last_on"]
    return Rotation(
        turns=tuple(tuple(map(UUID, people)) for people in plain["turns"]),
        zone=plain["zone"],
        first_on=date.fromisoformat(plain["first_on"]),
        last_on=date.fromisoformat(last_on) if last_on else None,
        starts_at=time.fromisoformat(plain["starts_at"]),
        ends_at=time.fromisoformat(plain["ends_at"]),
        weekdays=tuple(plain["weekdays"]),
        turn_days=plain["turn_days"],
    )


def _plain(rotation: Rotation) -> dict[str, Any]:
    return {
        "turns": [[str(person) for person in people] for people in rotation.turns],
        "zone": rotation.zone,
        "first_on": rotation.first_on.isoformat(),
        "last_on": rotation.last_on.isoformat() if rotation.last_on else None,
        "starts_at": f"{rotation.starts_at:%H:%M}",
        "ends_at": f"{rotation.ends_at:%H:%M}",
        "weekdays": list(rotation.weekdays),
        "turn_days": rotation.turn_days,
    }
