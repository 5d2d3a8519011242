"""One channel after the other, where a case leaves time for it: whose turn it is, and from when.

The turn of each channel is the instant before which its page is not sent, so what waits are rows.
"""

from datetime import datetime

import sqlalchemy as sa

from channels import receipt
from chassis.database import Session
from crisis import rules
from crisis.paging.page import Page


def refused(db: Session, page: Page, *, at: datetime) -> None:
    """Nobody took it: the next channel now, and this one after all others."""
    others = _pass_on(db, page, at=at)
    page.not_before = max(page.not_before, at + others * rules.ACCEPTED_WITHIN)


def accepted(db: Session, page: Page, *, at: datetime) -> None:
    """It is on its way: the next channel once no receipt has said in time that it arrived."""
    match page.receipt:
        case receipt.DELIVERED:
            _end(db, page)
        case receipt.FAILED | receipt.UNDELIVERABLE:
            _pass_on(db, page, at=at)
        case _:
            _pass_on(db, page, at=at + rules.RECEIPT_WITHIN)


def _pass_on(db: Session, page: Page, *, at: datetime) -> int:
    """The turn of the next channel is then, and so on. Returns how many there are."""
    waiting = _waiting(db, page)
    for place, other in enumerate(waiting):
        other.not_before = max(at + place * rules.ACCEPTED_WITHIN, _rested_at(other) or at)
    return len(waiting)


def _rested_at(page: Page) -> datetime | None:
    """When one that was refused may be tried again."""
    if page.claimed_at is None:
        return None
    return page.claimed_at + rules.pause_before_retry(page.attempts)


def _end(db: Session, page: Page) -> None:
    for other in _waiting(db, page):
        other.cancel()


def _waiting(db: Session, page: Page) -> list[Page]:
    """The same call's pages by other channels that wait for their turn, the next one first."""
    if not rules.goes_in_turn(page.tier):
        return []
    found = db.scalars(
        sa.select(Page)
        .where(
            Page.case_id == page.case_id,
            Page.rung == page.rung,
            Page.generation == page.generation,
            Page.clinician_id == page.clinician_id,
            Page.id != page.id,
            Page.state == "queued",
        )
        .with_for_update(of=Page)
        .execution_options(populate_existing=True)
    )
    order = rules.IN_TURN
    mine = order.index(page.channel)
    return sorted(found, key=lambda one: (order.index(one.channel) - mine) % len(order))
