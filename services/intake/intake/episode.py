"""An episode of care: from a referral to admission, discharge, or a decision against either.

A human confirms every level and decides every end; the database refuses both without their name.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Self
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from catalogue.intake import (
    ConsentGiven,
    LevelConfirmed,
    ParticipantAdmitted,
    ParticipantDischarged,
    ReferralClosed,
    ReferralReceived,
)
from chassis.announce import announce, uuid7
from chassis.database import OfClinic, Session
from chassis.refusals import Conflict, Invalid, NotFound
from chassis.states import States
from intake.delivery import CLINICIAN_REVIEW, IOP, OUTPATIENT, PHP
from intake.level_of_care import OVERRIDE_EVIDENCE, STEP_DOWN_DAYS
from intake.participant import Participant
from intake.risk import HOLDS_ADMISSION, imminent_since, refuse_while_open
from intake.tables import Base

EPISODE = States(
    "episode",
    {
        ("referred", "screen"): "screened",
        ("referred", "recommend"): "recommended",
        ("referred", "refer_out"): "referred_out",
        ("referred", "close"): "closed",
        ("screened", "screen"): "screened",
        ("screened", "recommend"): "recommended",
        ("screened", "refer_out"): "referred_out",
        ("screened", "close"): "closed",
        ("recommended", "screen"): "screened",
        ("recommended", "recommend"): "recommended",
        ("recommended", "confirm"): "confirmed",
        ("recommended", "refer_out"): "referred_out",
        ("recommended", "close"): "closed",
        ("confirmed", "screen"): "confirmed",
        ("confirmed", "recommend"): "recommended",
        ("confirmed", "confirm"): "confirmed",
        ("confirmed", "consent"): "consented",
        ("confirmed", "refer_out"): "referred_out",
        ("confirmed", "close"): "closed",
        ("consented", "screen"): "consented",
        ("consented", "recommend"): "recommended",
        ("consented", "confirm"): "consented",
        ("consented", "consent"): "consented",
        ("consented", "admit"): "admitted",
        ("consented", "refer_out"): "referred_out",
        ("consented", "close"): "closed",
        ("admitted", "screen"): "admitted",
        ("admitted", "recommend"): "admitted",
        ("admitted", "confirm"): "admitted",
        ("admitted", "consent"): "admitted",
        ("admitted", "discharge"): "discharged",
    },
)
WITH_A_LEVEL = ("confirmed", "consented", "admitted")
OVER = ("discharged", "referred_out", "closed")
HUMAN_ENDS = ("referred_out", "closed")

DISCHARGE_REASONS = (
    "completed", "stepped_down", "stepped_up", "transferred", "moved", "withdrawn", "attendance",
    "no_contact", "payer", "other",
)  # fmt: skip
"""Why an episode of care ends. CLINICAL: this project's list; a clinician must confirm it."""

CLOSURE_REASONS = (
    "level_of_care", "licence", "payer", "age", "capacity", "withdrawn", "no_contact",
    "went_elsewhere", "duplicate", "other",
)  # fmt: skip
"""Why a referral leads to no admission. CLINICAL: this project's list, to be confirmed likewise."""

DEPARTURE_REASONS = (
    "assessed", "seen_in_person", "new_facts", "lives_alone", "support_at_home", "preference",
    "self_pay", "capacity", "other",
)  # fmt: skip
"""Why a clinician departs from what the rules say. CLINICAL: to be confirmed likewise."""


class Episode(OfClinic, Base):
    """Care of one participant, from referral to its end."""

    __tablename__ = "episodes"
    __table_args__ = (
        EPISODE.check(),
        sa.CheckConstraint("kind IN ('self', 'professional', 'step_down')", name="kind"),
        sa.CheckConstraint(
            "kind <> 'step_down' OR hospital_left_on IS NOT NULL", name="step_down_dated"
        ),
        sa.CheckConstraint(
            "confirmed_level IS NULL OR confirmed_by IS NOT NULL", name="human_confirms"
        ),
        sa.CheckConstraint(
            "state NOT IN ('referred_out', 'closed') OR decided_by IS NOT NULL",
            name="human_decides",
        ),
        sa.Index(
            "uq_episodes_one_at_a_time", "participant_id", unique=True,
            postgresql_where=sa.text("state NOT IN ('discharged', 'referred_out', 'closed')"),
            sqlite_where=sa.text("state NOT IN ('discharged', 'referred_out', 'closed')"),
        ),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True)
    participant_id: Mapped[UUID] = mapped_column(sa.ForeignKey("participants.id"), index=True)
    kind: Mapped[str] = mapped_column(sa.String(16))
    state: Mapped[str] = mapped_column(sa.String(16))
    hospital_left_on: Mapped[date | None]
    referred_at: Mapped[datetime]
    referred_by: Mapped[str] = mapped_column(sa.String(96))
    confirmed_level: Mapped[str | None] = mapped_column(sa.String(32))
    confirmed_at: Mapped[datetime | None]
    confirmed_by: Mapped[UUID | None]
    departure_reason: Mapped[str | None] = mapped_column(sa.String(64))
    overrides: Mapped[list[str]]
    override_evidence: Mapped[list[str]]
    high_overridden_at: Mapped[datetime | None]
    consent_version: Mapped[str | None] = mapped_column(sa.String(64))
    admitted_at: Mapped[datetime | None]
    admitted_by: Mapped[UUID | None]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None] = mapped_column(sa.String(64))
    decided_by: Mapped[UUID | None]
    attended_minutes: Mapped[int]

    @classmethod
    def find(cls, db: Session, episode_id: UUID, *, lock: bool = False) -> Self:
        """Raises NotFound, also for an episode of another clinic."""
        found = db.get(cls, episode_id, with_for_update=lock or None)
        if found is None:
            raise NotFound("episode", episode_id=str(episode_id))
        return found

    @classmethod
    def latest_of(cls, db: Session, participant_id: UUID) -> Self:
        """The episode that speaks for a participant now. Raises NotFound."""
        theirs = sa.select(cls).filter_by(participant_id=participant_id)
        found = db.scalars(theirs.order_by(cls.referred_at.desc(), cls.id.desc()).limit(1)).first()
        if found is None:
            raise NotFound("episode", participant_id=str(participant_id))
        return found

    @classmethod
    def refer(
        cls, db: Session, participant: Participant, kind: str, *, hospital_left_on: date | None,
        by: str, at: datetime,
    ) -> Self:  # fmt: skip
        """Open an episode for somebody who asks for admission."""
        if (kind == "step_down") != (hospital_left_on is not None):
            raise Invalid(discharged_on="Required for a step-down, and for nothing else.")
        if hospital_left_on and hospital_left_on > at.astimezone(ZoneInfo(participant.zone)).date():
            raise Invalid(discharged_on="Must not be in the future.")
        one = cls(
            id=uuid7(), clinic_id=participant.clinic_id, participant_id=participant.id, kind=kind,
            state=EPISODE.initial, hospital_left_on=hospital_left_on, referred_at=at,
            referred_by=by, overrides=[], override_evidence=[], attended_minutes=0,
        )  # fmt: skip
        db.add(one)
        one._announce(db, ReferralReceived, kind=kind)
        return one

    @property
    def first_day_due_on(self) -> date | None:
        """By when somebody who left a hospital should have a first appointment."""
        left = self.hospital_left_on
        return None if left is None else left + timedelta(days=STEP_DOWN_DAYS)

    def must_be_open(self) -> None:
        """Raises Conflict `episode_over`."""
        if self.state in OVER:
            raise Conflict("episode_over", state=self.state)

    def was_screened(self) -> None:
        """An instrument was answered to the end; what was recommended before is stale."""
        EPISODE.advance(self, "screen")

    def was_recommended(self) -> None:
        """The rules recommended a level for a human to confirm."""
        EPISODE.advance(self, "recommend")

    def confirm(
        self, db: Session, level: str, *, recommended: str | None, since: datetime | None,
        reason: str | None, overrides: Sequence[str], evidence: Sequence[str], by: UUID,
        at: datetime,
    ) -> None:  # fmt: skip
        """A clinician confirms a level, as recommended or, with a reason, otherwise.

        Saying the same again changes nothing. Raises Conflict `already_confirmed` for somebody
        else, who needs a recommendation of their own before they may decide otherwise.
        """
        said = (level, reason, [*overrides], [*evidence])
        if self._was_confirmed(since, by) == said and not self._is_imminent(db):
            return
        EPISODE.advance(self, "confirm")
        as_recommended = level == recommended
        departs = overrides or (not as_recommended and recommended != CLINICIAN_REVIEW)
        if departs and reason is None:
            raise Invalid(reason="Required for another level than recommended, or an override.")
        self._refuse_start_at_high(db, level, overrides, evidence)
        self.confirmed_level, self.confirmed_by, self.confirmed_at = level, by, at
        self.departure_reason = reason
        self.overrides, self.override_evidence = [*overrides], [*evidence]
        if "imminent_risk" in overrides:
            self.high_overridden_at = at
        self._announce(
            db, LevelConfirmed, level=level, confirmed_by=by, as_recommended=as_recommended
        )
        if self.state == "confirmed" and self.consent_version is not None:
            EPISODE.advance(self, "consent")

    def consent(
        self, db: Session, version: str, messages: Sequence[str], *, by: str, at: datetime
    ) -> "Consent":
        """The participant consents; a later consent replaces what was said about messages.

        Recording the same again changes nothing.
        """
        self.must_be_open()
        earlier = sa.select(Consent).filter_by(episode_id=self.id)
        last = db.scalars(earlier.order_by(Consent.given_at.desc(), Consent.id.desc())).first()
        if last and (last.version, last.messages, last.recorded_by) == (version, [*messages], by):
            return last
        given = Consent(
            id=uuid7(), clinic_id=self.clinic_id, episode_id=self.id, version=version,
            messages=[*messages], given_at=at, recorded_by=by,
        )  # fmt: skip
        db.add(given)
        self.consent_version = version
        if (self.state, "consent") in EPISODE.table:
            EPISODE.advance(self, "consent")
        self._announce(db, ConsentGiven, version=version, messages=tuple(messages))
        return given

    def admit(self, db: Session, gates: Sequence[str], *, by: UUID, at: datetime) -> None:
        """Admit to the online IOP, unless danger, level, consent or a closed gate forbids it.

        `gates` are those of the recommendation that the level was confirmed on.
        """
        refuse_while_open(db, self.participant_id, HOLDS_ADMISSION)
        if self._is_imminent(db):
            raise Conflict("open_risk", tier="T1", gate="imminent_risk")
        if self.confirmed_level != IOP:
            raise Conflict("level_not_iop", level=self.confirmed_level)
        if self.consent_version is None:
            raise Conflict("no_consent")
        if closed := [gate for gate in gates if gate not in self.overrides]:
            raise Conflict("gate_closed", gates=closed)
        EPISODE.advance(self, "admit")
        self.admitted_at, self.admitted_by = at, by
        participant = Participant.find(db, self.participant_id)
        self._announce(
            db, ParticipantAdmitted, state=participant.home_state, zone=participant.zone,
            admitted_by=by,
        )  # fmt: skip

    def discharge(self, db: Session, reason: str, *, by: UUID, at: datetime) -> None:
        """End the episode. Never with an open case, never by itself."""
        refuse_while_open(db, self.participant_id)
        EPISODE.advance(self, "discharge")
        self.ended_at, self.end_reason, self.decided_by = at, reason, by
        self._announce(db, ParticipantDischarged, reason=reason, discharged_by=by)

    def decide_against(
        self, db: Session, step: str, reason: str, *, by: UUID | None, at: datetime
    ) -> None:
        """Close a referral or refer it out. Only a human may, and never with an open case.

        Raises Conflict `human_decision_needed`: no rule rejects anybody (F19).
        """
        if by is None:
            raise Conflict("human_decision_needed")
        refuse_while_open(db, self.participant_id)
        EPISODE.advance(self, step)
        self.ended_at, self.end_reason, self.decided_by = at, reason, by
        self._announce(db, ReferralClosed, outcome=self.state, reason=reason, decided_by=by)

    def _refuse_start_at_high(
        self, db: Session, level: str, overrides: Sequence[str], evidence: Sequence[str]
    ) -> None:
        starts = level in (OUTPATIENT, IOP, PHP)
        if "imminent_risk" in overrides or (starts and self._is_imminent(db)):
            lacking = [one for one in OVERRIDE_EVIDENCE if one not in evidence]
            if "imminent_risk" not in overrides or lacking:
                raise Conflict("override_needed", gate="imminent_risk", evidence=lacking)

    def _is_imminent(self, db: Session) -> bool:
        return imminent_since(db, self.id, self.high_overridden_at)

    def _was_confirmed(self, since: datetime | None, by: UUID) -> tuple[Any, ...] | None:
        """What they confirmed of the recommendation made then, if they did."""
        confirmed_at = self.confirmed_at if self.state in WITH_A_LEVEL else None
        if since is None or confirmed_at is None or since > confirmed_at:
            return None
        if self.confirmed_by != by:
            raise Conflict("already_confirmed", confirmed_by=str(self.confirmed_by))
        return self.confirmed_level, self.departure_reason, self.overrides, self.override_evidence

    def _announce(self, db: Session, event: Any, **content: Any) -> None:
        announce(
            db,
            event(
                clinic_id=self.clinic_id, episode_id=self.id, participant_id=self.participant_id,
                **content,
            ),
        )  # fmt: skip


class Consent(OfClinic, Base):
    """What the participant consented to, and by whom it was recorded. Never changed."""

    __tablename__ = "consents"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    episode_id: Mapped[UUID] = mapped_column(sa.ForeignKey("episodes.id"), index=True)
    version: Mapped[str] = mapped_column(sa.String(64))
    messages: Mapped[list[str]]
    given_at: Mapped[datetime]
    recorded_by: Mapped[str] = mapped_column(sa.String(96))


def credit_minutes(
    db: Session, participant_id: UUID, minutes: int, *, attended_by: datetime
) -> None:
    """Add minutes to the episode the participant was in, in SQL: days are credited side by side.

    Raises NotFound when they were in none.
    """
    theirs = (
        sa.select(Episode.id)
        .where(Episode.participant_id == participant_id, Episode.admitted_at <= attended_by)
        .order_by(Episode.admitted_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    credit = (
        sa.update(Episode)
        .where(Episode.id == theirs)
        .values(attended_minutes=Episode.attended_minutes + minutes)
        .returning(Episode.id)
        .execution_options(synchronize_session=False)
    )
    if db.execute(credit).first() is None:
        raise NotFound("episode", participant_id=str(participant_id))
