"""Notices: once somebody has a case, everybody else who was paged for it is told, once, by the
channel that reached them; and whoever took it by a text message, that it is theirs."""

from collections.abc import Collection, Iterable
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from channels import receipt
from channels.outgoing import EMAIL, SMS, VOICE
from chassis.database import OfClinic, Session
from chassis.states import States
from crisis import rules
from crisis.paging import leased, page
from crisis.paging.leased import WAYS, Leased
from crisis.paging.page import Page
from crisis.tables import Base

if TYPE_CHECKING:
    from crisis.case import Case

STATES = States("notice", WAYS)

TAKEN, YOURS = "taken", "yours"
LEAST_INTRUSIVE = (SMS, EMAIL, VOICE)

_UNSENT = sa.text("state IN ('queued', 'sending')")


class Notice(Leased, OfClinic, Base):
    """What one person is told of one acknowledgement, by the channel of one of their pages."""

    __tablename__ = "notices"
    __table_args__ = (
        UniqueConstraint("case_id", "clinician_id", "acknowledged_at"),
        STATES.check(),
        CheckConstraint("says IN ('taken', 'yours')", name="says"),
        Index(
            "ix_notices_not_before", "not_before",
            postgresql_where=_UNSENT, sqlite_where=_UNSENT,
        ),
    )  # fmt: skip
    STATES: ClassVar[States] = STATES

    page_id: Mapped[UUID] = mapped_column(ForeignKey("pages.id"))
    acknowledged_at: Mapped[datetime]
    says: Mapped[str] = mapped_column(String(8))

    page: Mapped[Page] = relationship()


def stand_down(db: Session, case: "Case", *, at: datetime) -> None:
    """Somebody has the case: nobody is paged any more, and everybody else who was is told."""
    paged = page.stop(db, case.id, at=at)
    by_person = groupby(sorted(paged, key=_whose), _whose)
    for person, pages in by_person:
        if person != case.acknowledged_by:
            _tell(db, case, _that_reached(pages), TAKEN, at=at)


def confirm(db: Session, case: "Case", answered: Page, *, at: datetime) -> None:
    """Tell whoever took a case by a text message that it is theirs."""
    _tell(db, case, answered, YOURS, at=at)


def claim(
    db: Session, *, limit: int, at: datetime, under_way: Collection[UUID] = ()
) -> list[Notice]:
    """Notices to send now, each claimed; those that are true no more are cancelled instead. What
    the caller has `under_way` is left."""
    claimed = []
    others = Notice.id.not_in(under_way)
    for one in leased.ready(db, Notice, others, order=(Notice.not_before,), limit=limit, at=at):
        if one.case.is_calling or one.case.acknowledged_at != one.acknowledged_at:
            one.cancel()
        else:
            one.claim(at=at)
            claimed.append(one)
    return claimed


def _tell(db: Session, case: "Case", by: Page, says: str, *, at: datetime) -> None:
    """A page that is under way goes first."""
    wait = rules.ACCEPTED_WITHIN if by.state == "sending" else rules.AT_ONCE
    db.add(
        Notice(
            clinic_id=case.clinic_id,
            case_id=case.id,
            clinician_id=by.clinician_id,
            channel=by.channel,
            page_id=by.id,
            acknowledged_at=case.acknowledged_at,
            says=says,
            called_at=at,
            not_before=at + wait,
        )
    )


def _whose(one: Page) -> UUID:
    return one.clinician_id


def _that_reached(pages: Iterable[Page]) -> Page:
    """The page of which most is known that it arrived; of equal ones the quietest."""

    def rank(one: Page) -> tuple[int, int]:
        known = {receipt.DELIVERED: 0, receipt.FAILED: 3, receipt.UNDELIVERABLE: 3}
        arrived = known.get(one.receipt or "", 1 if one.state == "sent" else 2)
        return arrived, LEAST_INTRUSIVE.index(one.channel)

    return min(pages, key=rank)
