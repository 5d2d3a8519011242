"""A call for help: a participant says that they need somebody now, signed in or by a link of their
own, and is told the truth about it: who has it and since when, or that nobody has."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from catalogue.risk import RiskDetected
from chassis.announce import uuid7
from chassis.database import OfClinic, Session
from chassis.refusals import NotFound
from crisis import ladder, rules
from crisis.case import Case, Risk
from crisis.participant import Participant, zone_of
from crisis.rota.staff import ON_CALL_ROLES, Clinician
from crisis.tables import Base, Identified
from crisis.timeline import Entry

LINK_LASTS = timedelta(days=7)
TOKEN_BYTES = 16
ON_CALL = "on_call"
"""Whoever took a case in no role that crisis knows, as the operator's desk."""

ANSWERED = ("follow_up", "closed")
"""States of a case in which the call was answered, and the next one is another."""


class Link(Identified, OfClinic, Base):
    """Says once who calls, for whoever presses the button behind it. Its token is not kept."""

    __tablename__ = "help_links"

    participant_id: Mapped[UUID]
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    issued_at: Mapped[datetime]
    issued_by: Mapped[str] = mapped_column(String(96))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    case_id: Mapped[UUID | None] = mapped_column(ForeignKey("cases.id"))

    @classmethod
    def issue(
        cls, db: Session, clinic_id: UUID, participant_id: UUID, *, by: str, at: datetime
    ) -> tuple[str, Self]:
        """A new link and its token, which nobody can be told again.

        Raises NotFound for a participant whom crisis does not know in this clinic.
        """
        known = db.get(Participant, participant_id)
        if known is None or known.clinic_id != clinic_id:
            raise NotFound("participant", participant_id=str(participant_id))
        token = secrets.token_urlsafe(TOKEN_BYTES)
        link = cls(
            clinic_id=clinic_id, participant_id=participant_id, digest=_digest(token),
            issued_at=at, issued_by=by, expires_at=at + LINK_LASTS,
        )  # fmt: skip
        db.add(link)
        return token, link

    @classmethod
    def find(cls, db: Session, token: str, *, at: datetime, lock: bool = False) -> Self:
        """The link of a token. Raises NotFound for one that nobody has used in time."""
        known = sa.select(cls).where(cls.digest == _digest(token))
        link = db.scalars(known.with_for_update() if lock else known).one_or_none()
        if link is None or (link.used_at is None and link.expires_at <= at):
            raise NotFound("help_link")
        return link

    def press(self, db: Session, *, at: datetime) -> ladder.Taken | None:
        """Call for help, the first time; every further press is about the same call."""
        if self.used_at is not None:
            return None
        by = f"help_link:{self.id}"
        taken = press(db, self.clinic_id, self.participant_id, by=by, at=at)
        self.used_at, self.case_id = at, taken.case.id
        return taken


@dataclass(frozen=True)
class Told:
    """What became of a call for help. `role` is that of whoever has it, `since` when.

    `lapsed`: somebody had it and did not do the next thing in time, so that nobody has it now.
    """

    called_at: datetime
    now: datetime
    zone: str | None
    role: str | None = None
    since: datetime | None = None
    spoke_at: datetime | None = None
    lapsed: bool = False

    def say(self, instant: datetime) -> str:
        """An instant as the participant's clock shows it."""
        zone = rules.local_zone(self.zone)
        local, today = instant.astimezone(zone), self.now.astimezone(zone)
        day = "" if local.date() == today.date() else "%A, "
        return local.strftime(f"{day}%-I:%M %p %Z")


def press(
    db: Session, clinic_id: UUID, participant_id: UUID, *, by: str, at: datetime
) -> ladder.Taken:
    """Open a case, or join the open one, in the transaction that answers the press."""
    risk = RiskDetected(
        clinic_id=clinic_id, risk_id=uuid7(), participant_id=participant_id,
        tier=rules.HELP_TIER, trigger=rules.HELP,
    )  # fmt: skip
    return ladder.take(db, risk, noticed_at=at, by=by, at=at)


def clinic_of(db: Session, participant_id: UUID, clinics: frozenset[UUID]) -> UUID | None:
    """The clinic that is told: where crisis knows the participant, else any of theirs."""
    known = db.get(Participant, participant_id)
    return known.clinic_id if known else min(clinics, default=None)


def told(db: Session, *, participant_id: UUID, case_id: UUID | None = None) -> Told | None:
    """What became of a participant's last call for help; None when none is unanswered.

    `case_id` is the case that a link's call was about, whatever was called for since.
    """
    calls = (
        sa.select(Case, sa.func.max(Risk.noticed_at))
        .join(Risk, Risk.case_id == Case.id)
        .where(Case.participant_id == participant_id, Case.state.not_in(ANSWERED))
        .where(Risk.trigger == rules.HELP)
        .group_by(Case.id)
    )
    if case_id is not None:
        calls = calls.where(Case.id == case_id)
    found = db.execute(calls).one_or_none()
    return _told(db, *found) if found else None


def _told(db: Session, case: Case, called_at: datetime) -> Told:
    call = {"called_at": called_at, "now": db.now, "zone": zone_of(db, case.participant_id)}
    if case.is_calling:
        had_it_at = case.acknowledged_at
        return Told(**call, lapsed=had_it_at is not None and had_it_at >= called_at)
    taken = db.scalars(
        sa.select(Entry)
        .where(Entry.case_id == case.id, Entry.what.in_(("acknowledged", "taken_over")))
        .order_by(Entry.position.desc())
        .limit(1)
    ).one()
    spoke_at = None if case.state == "acknowledged" else case.contacted_at
    return Told(**call, role=_role_in(db, case, taken), since=taken.at, spoke_at=spoke_at)


def _role_in(db: Session, case: Case, taken: Entry) -> str:
    """In which role somebody took a case: as they said, else as the clinic knows them."""
    said = taken.by.partition(":")[0]
    clinician = db.get(Clinician, case.acknowledged_by)
    known = clinician.roles if clinician else ()
    return next((role for role in (said, *known) if role in ON_CALL_ROLES), ON_CALL)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
