"""Receipts: what a provider says later of a bundle that it accepted.

Accepted is not delivered, and delivered is not acknowledged: no receipt touches a case.
"""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from channels import receipt
from channels.receipt import Receipt, furthest
from chassis.database import Session
from chassis.refusals import Forbidden
from crisis.paging import turns
from crisis.paging.page import Page

ON_ITS_WAY = (receipt.SENT, receipt.DELIVERED)
FINAL = (receipt.DELIVERED, receipt.FAILED, receipt.UNDELIVERABLE)


def take(db: Session, came: Receipt, *, key: UUID, at: datetime) -> None:
    """Note it on the pages of the bundle that it is about; a notice's is of no consequence.

    Raises Forbidden where the provider knows that bundle by another reference.
    """
    pages = db.scalars(
        sa.select(Page).where(Page.key == key).order_by(Page.id).with_for_update(of=Page)
    ).all()
    for one in pages:
        if one.reference not in (None, came.reference):
            raise Forbidden("not_about_this_page")
        _note(db, one, came, at=at)


def _note(db: Session, page: Page, came: Receipt, *, at: datetime) -> None:
    before = page.receipt or receipt.UNKNOWN
    if (now := furthest(before, came.status)) == before:
        return
    page.receipt, page.receipt_at = now, at
    if page.state == "queued" and now in ON_ITS_WAY:  # the provider's reply was lost
        page.deliver(at=at)
        page.reference = came.reference
    if page.state == "sent" and now in FINAL:
        turns.accepted(db, page, at=at)
