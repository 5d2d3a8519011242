"""What a sender hands over: claimed under a lease and a fence that only rises, tried until it is
accepted or nobody needs it any more. A sender that was paused cannot write over its successor."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, relationship

from chassis.database import Session
from chassis.states import States
from crisis import rules
from crisis.tables import Identified

if TYPE_CHECKING:
    from crisis.case import Case

LEASE = timedelta(seconds=5)

WAYS = {
    ("queued", "claim"): "sending",
    ("sending", "claim"): "sending",
    ("sending", "deliver"): "sent",
    ("queued", "deliver"): "sent",
    ("sending", "fail"): "queued",
    ("queued", "cancel"): "cancelled",
    ("sending", "cancel"): "cancelled",
}
"""`queued` is delivered by a receipt that arrives where the provider's reply was lost."""

UNSENT = ("queued", "sending")


class Leased(Identified):
    """Goes to one person by one channel, about one case."""

    STATES: ClassVar[States]

    case_id: Mapped[UUID] = mapped_column(ForeignKey("cases.id"))
    clinician_id: Mapped[UUID]
    channel: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16), default="queued")
    fence: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    may_repeat: Mapped[bool] = mapped_column(default=False)
    called_at: Mapped[datetime]
    not_before: Mapped[datetime]
    sent_at: Mapped[datetime | None]

    @declared_attr
    def case(self) -> Mapped["Case"]:
        return relationship("Case")

    def claim(self, *, at: datetime) -> None:
        """Take it for one attempt, or over from a sender whose lease ran out: who may have sent."""
        self.may_repeat = self.may_repeat or self.state == "sending"
        self.STATES.advance(self, "claim")
        self.fence += 1
        self.attempts += 1
        self.not_before = at + LEASE

    def renew(self, *, at: datetime) -> None:
        """Hold it longer, while the attempt goes on."""
        self.not_before = at + LEASE

    def deliver(self, *, at: datetime, may_repeat: bool = False) -> None:
        """Somebody accepted it for delivery, and another may have done so before."""
        self.may_repeat = self.may_repeat or may_repeat
        self.STATES.advance(self, "deliver")
        self.sent_at = at

    def fail(self, *, at: datetime, may_repeat: bool = False) -> None:
        """It was not accepted, as far as known; it is tried again soon."""
        self.may_repeat = self.may_repeat or may_repeat
        self.STATES.advance(self, "fail")
        self.not_before = at + rules.pause_before_retry(self.attempts)

    def cancel(self) -> None:
        """Nobody needs it any more."""
        self.STATES.advance(self, "cancel")


One = TypeVar("One", bound=Leased)


def ready(
    db: Session, kind: type[One], *where: Any, order: Sequence[Any], limit: int, at: datetime
) -> list[One]:
    """What may be claimed now, locked; not what others hold."""
    found = db.scalars(
        sa.select(kind)
        .where(kind.state.in_(UNSENT), kind.not_before <= at, *where)
        .order_by(*order)
        .limit(limit)
        .with_for_update(skip_locked=True, of=kind)
        .execution_options(populate_existing=True)
    )
    return list(found)


def held(db: Session, kind: type[One], row_id: UUID, fence: int) -> One | None:
    """The row, locked, while this fence holds it; None once another sender took it over."""
    row = db.get(kind, row_id, with_for_update=True)
    return row if row and row.state == "sending" and row.fence == fence else None


def next_due(db: Session, *kinds: type[Leased]) -> datetime | None:
    """When the next attempt at any is, those that could be made now left out."""
    later = [
        db.scalar(
            sa.select(sa.func.min(kind.not_before)).where(
                kind.state.in_(UNSENT), kind.not_before > db.now
            )
        )
        for kind in kinds
    ]
    return min((due for due in later if due), default=None)
