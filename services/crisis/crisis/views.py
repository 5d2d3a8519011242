"""What staff read: the list of cases, and one case with its pages and timeline."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from chassis.database import Session
from chassis.refusals import NotFound
from crisis.case import Case
from crisis.paging.page import Page
from crisis.timeline import Entry


def cases(
    db: Session, *, limit: int, state: str | None = None, clinic_id: UUID | None = None
) -> dict[str, Any]:
    """The newest cases, the newest last. Drills are none."""
    newest = Case.opened_at.desc(), Case.id.desc()
    wanted = sa.select(Case).where(Case.drill_ends_at.is_(None)).order_by(*newest).limit(limit)
    if state:
        wanted = wanted.where(Case.state == state)
    if clinic_id:
        wanted = wanted.where(Case.clinic_id == clinic_id)
    return {"items": [summary(case) for case in reversed(db.scalars(wanted).all())]}


def one_case(db: Session, case_id: UUID) -> dict[str, Any]:
    """A case with its pages and everything that happened to it, in order."""
    case = db.get(Case, case_id)
    if case is None:
        raise NotFound("case", case_id=str(case_id))
    pages = db.scalars(
        sa.select(Page)
        .where(Page.case_id == case_id)
        .order_by(Page.generation, Page.rung, Page.called_at, Page.id)
    )
    entries = db.scalars(sa.select(Entry).where(Entry.case_id == case_id).order_by(Entry.position))
    return {
        **summary(case),
        "disposition": case.disposition,
        "safety_plan": case.safety_plan,
        "licence": case.licence,
        "follow_ups": [datetime.fromisoformat(due) for due in case.follow_ups],
        "previous_case_id": case.previous_case_id,
        "pages": [_page(page) for page in pages],
        "timeline": [_entry(entry) for entry in entries],
    }


def summary(case: Case) -> dict[str, Any]:
    """A case on one line."""
    return {
        "case_id": case.id,
        "clinic_id": case.clinic_id,
        "participant_id": case.participant_id,
        "code": case.code,
        "tier": case.tier,
        "state": case.state,
        "opened_at": case.opened_at,
        "rung": case.rung,
        "generation": case.generation,
        "next_due_at": case.next_due_at,
        "acknowledged_by": case.acknowledged_by,
    }


def _page(page: Page) -> dict[str, Any]:
    return {
        "page_id": page.id,
        "clinician_id": page.clinician_id,
        "rung": page.rung,
        "generation": page.generation,
        "channel": page.channel,
        "state": page.state,
        "called_at": page.called_at,
        "sent_at": page.sent_at,
        "receipt": page.receipt,
        "receipt_at": page.receipt_at,
        "may_repeat": page.may_repeat,
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {"at": entry.at, "what": entry.what, "by": entry.by, "facts": entry.facts}
