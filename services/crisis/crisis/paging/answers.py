"""Answers: people take a case from the page that reached them, without signing in.

By the link in it, which shows what there is to take and acknowledges only when its button is
pressed; or by a text message with the case's code, from a phone that was paged for it. Both end
with the calling that the page belongs to.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from channels.callbacks import Reply
from channels.outgoing import SMS, VOICE
from channels.twilio import dialled
from chassis.database import Session
from chassis.details import Vault
from chassis.refusals import Invalid, NotFound
from crisis import case as cases
from crisis import rules
from crisis.case import Case
from crisis.paging import notice, ways, wording
from crisis.paging.page import DESK, Page

CODE = re.compile(rf"\b[{rules.CODE_LETTERS}]{{4,5}}\b")


@dataclass(frozen=True)
class Standing:
    """How a case stands for somebody who was paged for it. `has_it` is a name, where known."""

    code: str
    tier: str
    can_be_taken: bool
    is_mine: bool
    is_calling: bool
    has_it: str | None
    contact_due_at: datetime | None


def shown(db: Session, vault: Vault, token: str) -> list[Standing]:
    """What a link shows: each case that its bundle named. Raises NotFound."""
    pages = _named_by(db, token)
    return [_standing(db, vault, one) for one in pages]


def take_by_link(db: Session, token: str, code: str, *, at: datetime) -> Case | None:
    """Acknowledge one of the cases; None once that is over: the link shows who has it.

    Raises NotFound for a link that is none, Invalid for a code that its bundle did not name.
    """
    page = next((one for one in _named_by(db, token) if one.case.code == code), None)
    if page is None:
        raise Invalid(code="This page names no such case.")
    return _take(db, page, by="link", at=at)


def take_by_reply(db: Session, vault: Vault, reply: Reply, *, at: datetime) -> list[Case]:
    """Acknowledge the cases whose codes a text message names, where its phone was paged for them.
    Whoever sent it is told that they have it; everything else is answered by silence."""
    taken = []
    for one in _of_this_phone(db, vault, reply):
        if case := _take(db, one, by="reply", at=at):
            notice.confirm(db, case, one, at=at)
            taken.append(case)
    return taken


def _take(db: Session, page: Page, *, by: str, at: datetime) -> Case | None:
    case = cases.locked(db, page.case_id)
    db.refresh(page)
    if page.ended_at or not case.is_calling:
        return None
    who = page.clinician_id
    return cases.acknowledge(db, case.id, who, by=f"{by}:{who}", at=at)


def _named_by(db: Session, token: str) -> Sequence[Page]:
    """The pages of a link's bundle, in its order."""
    pages = db.scalars(
        sa.select(Page).where(Page.link == wording.digest(token)).order_by(Page.tier, Page.id)
    ).all()
    if not pages:
        raise NotFound("link")
    return pages


def _of_this_phone(db: Session, vault: Vault, reply: Reply) -> list[Page]:
    """For each code in a text message the page that went to this phone, of a calling that goes
    on; as a text, where it went as one."""
    codes = set(CODE.findall(reply.text.upper()))
    pages = db.scalars(
        sa.select(Page)
        .join(Case)
        .where(Case.code.in_(codes), Page.channel.in_((SMS, VOICE)), Page.ended_at.is_(None))
        .order_by(Page.channel, Page.id)
    )
    found: dict[UUID, Page] = {}
    for one in pages:
        number = ways.opened(db, vault, one.clinician_id).get("phone") or ""
        if one.may_have_arrived and reply.from_ and dialled(number) == reply.from_:
            found.setdefault(one.case_id, one)
    return list(found.values())


def _standing(db: Session, vault: Vault, page: Page) -> Standing:
    case = page.case
    who = case.acknowledged_by
    due = case.next_due_at if case.state == "acknowledged" else None
    return Standing(
        code=case.code,
        tier=case.tier,
        can_be_taken=case.is_calling and page.ended_at is None,
        is_mine=who == page.clinician_id,
        is_calling=case.is_calling,
        has_it=_name(db, vault, who) if who else None,
        contact_due_at=due,
    )


def _name(db: Session, vault: Vault, person_id: UUID) -> str:
    if person_id == DESK:
        return "the operator's desk"
    return ways.opened(db, vault, person_id).get("name") or "a colleague"
