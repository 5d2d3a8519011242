"""Follow-up: how a case ends. Whoever assessed the participant says how it stands, and contact is
kept for weeks; a contact that is overdue calls the clinic's people out again."""

from datetime import datetime
from uuid import UUID

from catalogue.codec import instant
from catalogue.crisis import CaseClosed
from chassis.database import Session
from chassis.refusals import Conflict, Invalid
from crisis import case as cases
from crisis import rota, rules
from crisis.case import Case
from crisis.timeline import record


def conclude(
    db: Session,
    case_id: UUID,
    person_id: UUID,
    *,
    disposition: str,
    safety_plan: str,
    licence: str,
    follow_up: str,
    by: str,
    at: datetime,
) -> Case:
    """End the acute part of a case: keep contact, or close it where no contact is owed.

    Raises Invalid where the assessor has no such licence, or contact is owed; Conflict for a case
    whose contact is being kept: only the last contact ends that.
    """
    case = cases.locked(db, case_id)
    if case.state == "follow_up":
        raise Conflict("step_not_allowed", noun="case", state=case.state, step="conclude")
    rota.must_be_licensed(db, person_id, licence)
    schedule = rules.FOLLOW_UPS[follow_up]
    if not schedule and rules.owes_follow_up(case.tier, disposition):
        raise Invalid(follow_up="Contact must be kept after this case.")
    cases.STATES.advance(case, "follow_up" if schedule else "close")
    case.disposition, case.safety_plan, case.licence = disposition, safety_plan, licence
    facts = {"disposition": disposition, "safety_plan": safety_plan, "licence": licence}
    record(db, case, "concluded", by=by, at=at, **facts, follow_up=follow_up)
    if not schedule:
        _close(db, case, by=by, at=at, closed_by=person_id)
        return case
    case.tier, case.acknowledged_by = rules.FOLLOW_UP_TIER, person_id
    case.follow_ups = [instant(at + after) for after in schedule]
    case.next_due_at = at + schedule[0]
    cases.announce_tier(db, case)
    return case


def keep_contact(db: Session, case_id: UUID, *, due_at: datetime, by: str, at: datetime) -> Case:
    """The contact that is due next was made; the last one closes the case.

    Raises Conflict for any other contact, so that saying it twice does not use up two.
    """
    case = cases.locked(db, case_id)
    cases.STATES.advance(case, "keep_contact")
    if due_at != case.next_due_at:
        raise Conflict("not_the_next_contact", next_due_at=case.follow_ups[0])
    _, *left = case.follow_ups
    record(db, case, "follow_up_made", by=by, at=at, due_at=due_at, left=len(left))
    case.follow_ups = left
    if left:
        case.next_due_at = datetime.fromisoformat(left[0])
    else:
        assert case.acknowledged_by is not None
        cases.STATES.advance(case, "close")
        _close(db, case, by=by, at=at, closed_by=case.acknowledged_by)
    return case


def _close(db: Session, case: Case, *, by: str, at: datetime, closed_by: UUID) -> None:
    assert case.disposition is not None
    case.closed_by, case.closed_at = closed_by, at
    case.acknowledged_by = case.next_due_at = None
    record(db, case, "closed", by=by, at=at, disposition=case.disposition)
    cases.announce_of(
        db,
        case,
        CaseClosed(
            clinic_id=case.clinic_id,
            case_id=case.id,
            participant_id=case.participant_id,
            disposition=case.disposition,
            closed_by=closed_by,
        ),
    )
