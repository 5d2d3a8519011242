"""What intake shows: episodes, and one episode with its screens and its recommendation."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa

from catalogue.numbers import CRISIS_NUMBERS
from chassis.database import Session
from intake.episode import Episode
from intake.recommendation import Recommended
from intake.risk import TIERS, Risk
from intake.screen import Screen

Shown = dict[str, Any]


def listed(episode: Episode) -> Shown:
    """One line of a list."""
    return {
        "episode_id": episode.id,
        "participant_id": episode.participant_id,
        "clinic_id": episode.clinic_id,
        "state": episode.state,
        "kind": episode.kind,
        "referred_at": episode.referred_at,
        "level": episode.confirmed_level,
        "attended_minutes": episode.attended_minutes,
    }


def episodes(
    db: Session, *, limit: int, clinic_id: UUID | None = None, state: str | None = None
) -> Shown:
    """The newest episodes of the caller's clinics, newest last."""
    wanted = sa.select(Episode).order_by(Episode.referred_at.desc(), Episode.id.desc())
    if clinic_id is not None:
        wanted = wanted.where(Episode.clinic_id == clinic_id)
    if state is not None:
        wanted = wanted.where(Episode.state == state)
    return {"items": [listed(one) for one in reversed(db.scalars(wanted.limit(limit)).all())]}


def episode_to_staff(db: Session, episode: Episode) -> Shown:
    """An episode with all that was found and recommended."""
    last = Recommended.last_of(db, episode.id)
    return {**_episode(db, episode), "recommendation": last and recommended(last)}


def episode_to_participant(db: Session, episode: Episode) -> Shown:
    """One's own episode: what a human confirmed, not what rules or scores suggest."""
    shown = _episode(db, episode)
    mine = [
        {name: screen[name] for name in ("screen_id", "instrument", "state")}
        for screen in shown["screens"]
    ]
    return {**shown, "screens": mine}


def recommended(one: Recommended) -> Shown:
    """A recommendation with its rules and reasons."""
    said = {**one.said, "rules": [one.said["rule"]]}
    return {"recommendation_id": one.id, "made_at": one.made_at, **said}


def _episode(db: Session, episode: Episode) -> Shown:
    screens = db.scalars(
        sa.select(Screen).filter_by(episode_id=episode.id).order_by(Screen.opened_at, Screen.id)
    ).all()
    risks = db.scalars(sa.select(Risk).filter_by(episode_id=episode.id)).all()
    gravest: dict[UUID, Risk] = {}
    for risk in sorted(risks, key=lambda risk: TIERS.index(risk.tier)):
        gravest[risk.found_by_id] = risk
    return {
        **listed(episode),
        "confirmed_level": episode.confirmed_level,
        "consent_version": episode.consent_version,
        "first_day_due_on": episode.first_day_due_on,
        "screens": [of_screen(screen, gravest.get(screen.id)) for screen in screens],
    }


def of_screen(screen: Screen, risk: Risk | None) -> Shown:
    """A screen as it stands, and the gravest risk it found."""
    return {
        "screen_id": screen.id,
        "instrument": screen.instrument,
        "state": screen.state,
        "total": screen.total,
        "band": screen.band,
        "risk": risk,
        "crisis_numbers": CRISIS_NUMBERS,
    }
