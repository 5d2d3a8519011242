"""A recommendation of a level: the facts it rests on, kept as they were, and what was said.

Measures and suicide tiers come from the episode's own screens; a clinician states the rest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Self, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from catalogue.intake import Level, LevelRecommended
from chassis.announce import announce, uuid7
from chassis.database import OfClinic, Session
from intake import level_of_care
from intake.episode import Episode
from intake.instruments import (
    GAD_7,
    HIGH,
    INCOMPLETE,
    INSTRUMENTS,
    PHQ_9,
    SUICIDE_SCREENS,
    SUICIDE_TIERS,
    Sign,
    asks_for_suicide_screen,
)
from intake.risk import detect, imminent_since
from intake.screen import Screen
from intake.tables import Base

STATED_SIGN = Sign("T1", "stated_by_clinician")
"""What a clinician stated makes the level an emergency, whatever the screens say."""


class Recommended(OfClinic, Base):
    """One run of the rules for an episode. Never changed; the last one counts."""

    __tablename__ = "recommendations"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    episode_id: Mapped[UUID] = mapped_column(sa.ForeignKey("episodes.id"), index=True)
    level: Mapped[str] = mapped_column(sa.String(32))
    facts: Mapped[dict[str, Any]]
    said: Mapped[dict[str, Any]]
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(sa.String(96))

    @classmethod
    def last_of(cls, db: Session, episode_id: UUID) -> Self | None:
        """The recommendation that counts, if there is one."""
        made = sa.select(cls).filter_by(episode_id=episode_id)
        return db.scalars(made.order_by(cls.made_at.desc(), cls.id.desc()).limit(1)).first()

    @classmethod
    def gates_of(cls, db: Session, episode_id: UUID) -> list[str]:
        """What the last recommendation says must be opened or overridden before admission."""
        last = cls.last_of(db, episode_id)
        return [] if last is None else last.said["gates"]

    @classmethod
    def make(
        cls, db: Session, episode: Episode, stated: Mapping[str, Any], *, by: str, at: datetime
    ) -> Self:
        """Run the rules on what is stated and screened, and announce what they recommend.

        Stating the same again changes nothing, unless it is a danger.
        """
        facts, last = facts_of(db, episode, stated, at=at), cls.last_of(db, episode.id)
        in_danger = level_of_care.recommend(stated).crisis_tier == "T1"
        again = last and (episode.state, last.facts, last.made_by) == ("recommended", facts, by)
        if last and again and not in_danger:
            return last
        episode.was_recommended()
        found = level_of_care.recommend(facts)
        one = cls(
            id=uuid7(), clinic_id=episode.clinic_id, episode_id=episode.id, level=found.level,
            facts=facts, said={**asdict(found), "admission": found.admission}, made_at=at,
            made_by=by,
        )  # fmt: skip
        db.add(one)
        if in_danger:
            detect(
                db, STATED_SIGN, clinic_id=episode.clinic_id, episode_id=episode.id,
                participant_id=episode.participant_id, found_by_id=one.id, instrument=None, at=at,
            )  # fmt: skip
        announce(
            db,
            LevelRecommended(
                clinic_id=episode.clinic_id, episode_id=episode.id,
                participant_id=episode.participant_id, level=cast(Level, found.level),
                rules=(found.rule,),
            ),
        )  # fmt: skip
        return one


def facts_of(
    db: Session, episode: Episode, stated: Mapping[str, Any], *, at: datetime
) -> dict[str, Any]:
    """The stated facts with what the screens and the course of the episode add."""
    screens = db.scalars(
        sa.select(Screen).filter_by(episode_id=episode.id).order_by(Screen.opened_at, Screen.id)
    ).all()
    facts = {
        **stated,
        "suicide_tier": _suicide_tier(db, screens),
        "suicide_tier_before": _suicide_tier(db, screens, back=2),
        "measures": {**stated.get("measures", {}), **_measures(db, screens)},
    }
    if episode.kind == "step_down":
        facts["prior_care"] = {"step_down_referral": True, **stated.get("prior_care", {})}
    if episode.admitted_at is not None:
        facts["phase"] = "continued_stay"
    if imminent_since(db, episode.id, episode.high_overridden_at):
        return {**facts, "suicide_tier": HIGH}
    return level_of_care.after_override(facts) if facts["suicide_tier"] == HIGH else facts


def _measures(db: Session, screens: Sequence[Screen]) -> dict[str, Any]:
    measures: dict[str, Any] = {}
    for screen in screens:
        if screen.state != "complete":
            continue
        if screen.instrument == PHQ_9:
            item_9 = screen.answers(db)["phq9_9"]
            measures.update(phq9_total=screen.total, phq9_item9=item_9)
            measures.setdefault("phq9_baseline", screen.total)
            measures.setdefault("phq9_item9_baseline", item_9)
        if screen.instrument == GAD_7:
            measures["gad7_total"] = screen.total
            measures.setdefault("gad7_baseline", screen.total)
    return measures


def _suicide_tier(db: Session, screens: Sequence[Screen], *, back: int = 1) -> str | None:
    """The graver of the last ASQ and the last C-SSRS, or of those `back` places from the end.

    PHQ-9 item 9 without a suicide screen is INCOMPLETE; no screen at all is unknown.
    """
    put = {name: [one for one in screens if one.instrument == name] for name in INSTRUMENTS}
    tiers = [
        put[name][-back].suicide_tier(db) for name in SUICIDE_SCREENS if len(put[name]) >= back
    ]
    if not tiers and put[PHQ_9] and asks_for_suicide_screen(put[PHQ_9][-1].answers(db)):
        return INCOMPLETE
    return max(tiers, key=SUICIDE_TIERS.index, default=None)
