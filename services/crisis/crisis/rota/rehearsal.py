"""A rota and a policy tried on the past before they are in force, and the load that people bear.
Reads only."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, partial
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from chassis.database import Session
from crisis.case import Case, Risk
from crisis.paging.page import DESK, Page
from crisis.participant import Participant
from crisis.rota.past import (
    ACKNOWLEDGED,
    CONCLUDED,
    CONTACTED,
    LOWERED,
    RAISED,
    Burden,
    Moment,
    Paged,
    burdens,
    is_night,
    rehearsed,
)
from crisis.rota.published import on_call_of
from crisis.rota.shifts import Rota
from crisis.rota.staff import Clinician
from crisis.rota.times import Times, ladder_within
from crisis.rules import EASTERNMOST_ZONE
from crisis.timeline import Entry

DONE_BY_PEOPLE = (ACKNOWLEDGED, CONTACTED, LOWERED, CONCLUDED)


@dataclass(frozen=True)
class Rehearsed:
    """A case of the past: who was paged, and who would have been."""

    case: Case
    was: tuple[Paged, ...]
    would_be: tuple[Paged, ...]


@dataclass(frozen=True)
class Load:
    """What somebody bore in a week, Monday to Sunday on their own clock."""

    person_id: UUID
    week_on: date
    pages: int
    at_night: int
    taken_by_others: int


def rehearse(
    db: Session, clinic_id: UUID, rota: Rota, times: Mapping[str, Times], since: datetime
) -> list[Rehearsed]:
    """Each case since then by a rota and a policy, as if they had always been in force."""
    staff, always = sorted(_zones(db, clinic_id)), rota.as_if_for_ever()
    on_call_at = cache(lambda at: on_call_of(always, staff, at))
    found = []
    for case in _cases(db, clinic_id, since):
        participant = db.get(Participant, case.participant_id)
        ladder_of = partial(_ladder, times, participant.zone if participant else None)
        moments = _moments(db, case)
        would_be = rehearsed(moments, ladder_of, on_call_at, case.closed_at or db.now)
        concluded = (one.at for one in moments if one.what == CONCLUDED)
        was = _paged(db, case, next(concluded, db.now))
        found.append(Rehearsed(case, tuple(was), tuple(would_be)))
    return found


def compared(
    db: Session, clinic_id: UUID, cases: Iterable[Rehearsed]
) -> list[tuple[UUID, Burden, Burden]]:
    """For each person how often they were paged, and how often they would have been."""
    zones, cases = _zones(db, clinic_id), list(cases)
    was = burdens([page for one in cases for page in one.was], zones)
    would_be = burdens([page for one in cases for page in one.would_be], zones)
    return [
        (person, was.get(person, Burden(person, 0, 0)), would_be.get(person, Burden(person, 0, 0)))
        for person in sorted({*was, *would_be})
    ]


def loads(db: Session, clinic_id: UUID, since: datetime) -> list[Load]:
    """Pages of each person and week, how many of them at night, and how many were about a case
    that somebody else took; drills left out. The newest week first."""
    zones = _zones(db, clinic_id)
    borne: dict[tuple[date, UUID], list[tuple[bool, bool]]] = {}
    for case in _cases(db, clinic_id, since):
        takers = _takers(db, case)
        for one in _paged(db, case, db.now):
            zone = zones.get(one.person) or EASTERNMOST_ZONE
            day = one.at.astimezone(ZoneInfo(zone)).date()
            taker = next((who for at, who in takers if at >= one.at), None)
            by_others = taker is not None and taker != one.person
            week = borne.setdefault((day - timedelta(days=day.weekday()), one.person), [])
            week.append((is_night(one.at, zone), by_others))
    return [
        Load(person, week, len(all_), sum(night for night, _ in all_), sum(o for _, o in all_))
        for (week, person), all_ in sorted(borne.items(), reverse=True)
    ]


def _ladder(times: Mapping[str, Times], zone: str | None, tier: str, at: datetime):
    return ladder_within(tier, at, zone, times[tier], 0)


def _zones(db: Session, clinic_id: UUID) -> dict[UUID, str | None]:
    staff = sa.select(Clinician).where(Clinician.clinic_id == clinic_id)
    return {one.id: one.zone for one in db.scalars(staff)}


def _cases(db: Session, clinic_id: UUID, since: datetime) -> Sequence[Case]:
    return db.scalars(
        sa.select(Case)
        .where(Case.clinic_id == clinic_id, Case.opened_at >= since, Case.drill_ends_at.is_(None))
        .order_by(Case.opened_at, Case.id)
    ).all()


def _moments(db: Session, case: Case) -> list[Moment]:
    risks = db.scalars(sa.select(Risk).where(Risk.case_id == case.id))
    raised = [Moment(one.noticed_at, RAISED, one.tier) for one in risks]
    acts = db.scalars(
        sa.select(Entry)
        .where(Entry.case_id == case.id, Entry.what.in_(DONE_BY_PEOPLE))
        .order_by(Entry.position)
    )
    return [*raised, *(Moment(one.at, one.what, one.facts.get("tier", "")) for one in acts)]


def _takers(db: Session, case: Case) -> list[tuple[datetime, UUID]]:
    """Who acknowledged the case and when, in order."""
    entries = db.scalars(
        sa.select(Entry)
        .where(Entry.case_id == case.id, Entry.what == ACKNOWLEDGED)
        .order_by(Entry.position)
    )
    return [(one.at, UUID(one.by.partition(":")[2])) for one in entries]


def _paged(db: Session, case: Case, until: datetime) -> list[Paged]:
    """Who was called, once for each rung, by however many channels."""
    rows = db.execute(
        sa.select(Page.called_at, Page.rung, Page.generation, Page.clinician_id)
        .where(Page.case_id == case.id, Page.clinician_id != DESK, Page.called_at <= until)
        .distinct()
    )
    return sorted(Paged(*row) for row in rows)
