"""Danger that shows on a programme day: somebody at risk is not there, or a facilitator fears for
somebody. What a participant answers is in `checkin.py` and `body_check.py`."""

from uuid import UUID

from catalogue.risk import RiskDetected
from chassis.announce import announce, uuid7
from chassis.database import Session as Db
from sessions import roster, rules
from sessions.attendance import Attendance


def announce_risk(
    db: Db, risk: rules.Risk, row: Attendance, *, raised_by: UUID | None = None
) -> None:
    """Tell crisis of a sign of danger in the transaction that found it."""
    announce(
        db,
        RiskDetected(
            clinic_id=row.clinic_id, risk_id=uuid7(), participant_id=row.participant_id,
            tier=risk.tier, trigger=risk.trigger, raised_by=raised_by,
        ),
    )  # fmt: skip


def look_for(db: Db, row: Attendance, trigger: str) -> None:
    """Somebody is not there who should be: a sign, where an open case says they are at risk."""
    risk = rules.absence_risk(roster.open_tiers(db, row.participant_id), trigger)
    if risk is not None:
        announce_risk(db, risk, row)


def panic(db: Db, row: Attendance, *, by: UUID) -> rules.Risk:
    """A facilitator fears for somebody now. The state of the day refuses nothing."""
    announce_risk(db, rules.PANIC, row, raised_by=by)
    return rules.PANIC
