"""What the screens of the rota show: names instead of ids, local times, minutes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from chassis.database import Session
from chassis.details import Vault
from crisis.rota import published
from crisis.rota.gaps import Gap
from crisis.rota.schemas import TURNS
from crisis.rota.shifts import WEEKDAYS, Rota, Rotation
from crisis.rota.staff import is_reached, on_staff
from crisis.rota.times import LONGEST, Times
from crisis.rota.week import week_of, zone_of
from crisis.rules import HOUR, MINUTE
from web.call import Call

SPARE_PLACES = 2
"""So many more people than are on it a form of a rotation has room for."""


@dataclass(frozen=True)
class Showing:
    """A clinic's staff by name, as who looks sees them now."""

    db: Session
    vault: Vault
    clinic_id: UUID
    staff: Sequence[UUID]
    now: datetime

    @cached_property
    def names(self) -> dict[UUID, str]:
        """The staff by name; who is not known by name is known by the end of their id."""
        return {person: self.name_of(person) for person in self.staff}

    def name_of(self, person: UUID) -> str:
        """Somebody's name, also when they have left."""
        known = self.vault.open(self.db, person) or {}
        words = [known[part] for part in ("given_name", "family_name") if known.get(part)]
        return " ".join(words) or f"Clinician {str(person)[-6:]}"

    def rota(self, rota: Rota) -> dict[str, Any]:
        """A rota: its week, and what speaks against it in the next 400 days."""
        zone = zone_of(rota)
        can_reach = partial(is_reached, self.db, self.vault)
        faults = published.faults_of(self.db, self.clinic_id, rota, can_reach, self.now)
        names = {**self.names, **{one: self.name_of(one) for one in faults.strangers}}
        return {
            **self._frame(names, zone),
            "layers": [[self._plain(one) for one in layer] for layer in rota.layers],
            "week": week_of(rota, names, zone, self.now),
            "on_call": published.on_call_of(rota, self.staff, self.now),
            "faults": faults,
            "gaps": [self._gap(gap, names) for gap in faults.gaps],
        }

    def people(self) -> dict[str, Any]:
        """The staff, and whom of them a page reaches."""
        reached = {one for one in self.staff if is_reached(self.db, self.vault, one)}
        return {**self._frame(self.names, self.zone), "reached": reached}

    @property
    def zone(self) -> str:
        """The clock of the clinic: that of its rota."""
        return zone_of(published.in_force(self.db, self.clinic_id))

    def rotation(self, rota: Rota, one: Rotation | None) -> dict[str, Any]:
        """A rotation, or a new one, as its form asks for it."""
        zone = one.zone if one else zone_of(rota)
        today = self.now.astimezone(ZoneInfo(zone)).date()
        one = one or Rotation(turns=((),), zone=zone, first_on=today)
        plain = self._plain(one)
        people = [*plain["people"], *[None] * SPARE_PLACES]
        return {**self._frame(self.names, zone), "one": plain, "people": people}

    def times(self, times: Mapping[str, Times]) -> dict[str, Any]:
        """A policy in minutes and hours, and its bounds."""
        return {
            "clinic_id": self.clinic_id,
            "tiers": {tier: _in_minutes(one) for tier, one in times.items()},
            "longest": {tier: _in_minutes(one) for tier, one in LONGEST.items()},
        }

    def _frame(self, names: Mapping[UUID, str], zone: str) -> dict[str, Any]:
        return {
            "clinic_id": self.clinic_id,
            "zone": zone,
            "names": dict(sorted(names.items(), key=lambda one: one[1])),
            "weekdays": WEEKDAYS,
            "local": partial(_local, zone=zone),
        }

    def _gap(self, gap: Gap, names: Mapping[UUID, str]) -> dict[str, Any]:
        return {**vars(gap), "names": [names[person] for person in gap.people]}

    def _plain(self, one: Rotation) -> dict[str, Any]:
        people = list(_in_order(one.turns))
        turn = next((name for name, days in TURNS.items() if days == one.turn_days), None)
        return {
            **vars(one),
            "people": people,
            "turn": "together" if len(one.turns) == 1 else turn,
        }


def showing(call: Call, vault: Vault) -> Showing:
    """What a call may show of the clinic it names."""
    staff = on_staff(call.db, call.clinic_id)
    return Showing(call.db, vault, call.clinic_id, staff, call.now)


def _in_order(turns: Iterable[Iterable[UUID]]) -> dict[UUID, None]:
    return dict.fromkeys(person for people in turns for person in people)


def _in_minutes(times: Times) -> dict[str, Any]:
    contact = times.contact_seconds
    return {
        "intervals": [f"{seconds / MINUTE:g}" for seconds in times.intervals],
        "contact": f"{contact / MINUTE:g}" if contact else None,
        "disposition": f"{times.disposition_seconds / HOUR:g}",
    }


def _local(at: datetime, form: str = "%a %d %b %Y %H:%M", *, zone: str) -> str:
    """An instant on the clock of a zone."""
    return at.astimezone(ZoneInfo(zone)).strftime(form)
