"""Drills: a marked case climbs the real ladder and is answered in every real way, and nobody is
in danger. A test page is the drill of one person. What it shows is how long the answer took.

Its code says what it is. It is in no list and no figure of real cases, and no other service hears
of it. It ends when somebody acknowledges it, and by itself when its ladder was climbed once.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from catalogue.risk import RiskDetected
from chassis.announce import uuid7
from chassis.database import Session
from chassis.refusals import Conflict, Invalid
from crisis import ladder, rules
from crisis.case import Case
from crisis.case import Drill as Marked
from crisis.rota import policy
from crisis.rota.staff import on_staff

TRIGGER, TEST_TRIGGER = "drill", "test_page"
TEST_PAGE_LASTS = timedelta(minutes=10)


def begin(db: Session, clinic_id: UUID, tier: str, *, by: str, at: datetime) -> Case:
    """Page whoever is on call, as for a case of a tier. Raises Conflict while a drill is on."""
    if any(one.drill_for is None for one in under_way(db, clinic_id)):
        raise Conflict("drill_is_on")
    climbed = policy.first_ladder(db, clinic_id, tier, at, None)
    return _begin(db, clinic_id, tier, at + timedelta(seconds=sum(climbed.intervals)), by=by, at=at)


def send_test_page(db: Session, clinic_id: UUID, person_id: UUID, *, by: str, at: datetime) -> Case:
    """Page one person of the staff, as for a case. Raises Conflict while one is on for them."""
    if not on_staff(db, clinic_id, [person_id]):
        raise Invalid(person_id="They are not on the staff of this clinic.")
    if any(one.drill_for == person_id for one in under_way(db, clinic_id)):
        raise Conflict("test_page_is_on")
    return _begin(db, clinic_id, "T2", at + TEST_PAGE_LASTS, person_id, by=by, at=at)


def under_way(db: Session, clinic_id: UUID) -> Sequence[Case]:
    """Drills and test pages that nobody has answered yet."""
    return db.scalars(_of_clinic(clinic_id).where(Case.state != "closed")).all()


def latest(db: Session, clinic_id: UUID, limit: int) -> Sequence[Case]:
    """Drills and test pages, the newest first."""
    newest = Case.opened_at.desc(), Case.id.desc()
    return db.scalars(_of_clinic(clinic_id).order_by(*newest).limit(limit)).all()


def answered_after(case: Case) -> timedelta | None:
    """How long a drill took to be acknowledged; None where nobody did."""
    return case.acknowledged_at - case.raised_at if case.acknowledged_at else None


def _begin(
    db: Session,
    clinic_id: UUID,
    tier: str,
    ends_at: datetime,
    person_id: UUID | None = None,
    *,
    by: str,
    at: datetime,
) -> Case:
    in_use = {one.code for one in under_way(db, clinic_id)}
    codes = [code for code in rules.drill_codes() if code not in in_use]
    if not codes:
        raise Conflict("too_many_drills")
    drill = Marked(
        codes=codes,
        ends_at=ends_at,
        person_id=person_id,
    )
    risk = RiskDetected(
        clinic_id=clinic_id,
        risk_id=uuid7(),
        participant_id=uuid7(),
        tier=tier,  # pyright: ignore[reportArgumentType]
        trigger=TEST_TRIGGER if person_id else TRIGGER,
    )
    return ladder.take(db, risk, noticed_at=at, by=by, at=at, drill=drill).case


def _of_clinic(clinic_id: UUID) -> sa.Select[Case]:
    return sa.select(Case).where(Case.clinic_id == clinic_id, Case.drill_ends_at.is_not(None))
