"""Pages: calls to staff, one for each case, rung, person, channel and generation.

A page is claimed under a lease and a fence that only rises, so a sender that was paused cannot
write over its successor. It waits for its case, not the case for it: once somebody has the case,
what was not sent is cancelled.
"""

from collections.abc import Iterator, Sequence, Set
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from chassis.bulk import insert_all
from chassis.database import OfClinic, Session
from chassis.states import States
from crisis import rules
from crisis.tables import Base, Identified

if TYPE_CHECKING:
    from crisis.case import Case

CHANNELS = ("email",)
LEASE = timedelta(seconds=5)

DESK = UUID(int=0)
"""Who is called with all hands and is no clinician: the operator's desk."""

STATES = States("page", {
    ("queued", "claim"): "sending",
    ("sending", "claim"): "sending",
    ("sending", "deliver"): "sent",
    ("sending", "fail"): "queued",
    ("queued", "cancel"): "cancelled",
    ("sending", "cancel"): "cancelled",
})  # fmt: skip

_UNSENT = sa.text("state IN ('queued', 'sending')")


class Page(Identified, OfClinic, Base):
    """A call to one person on one channel. Its id is the idempotency key of every attempt."""

    __tablename__ = "pages"
    __table_args__ = (
        UniqueConstraint("case_id", "rung", "clinician_id", "channel", "generation"),
        STATES.check(),
        Index("ix_pages_not_before", "not_before", postgresql_where=_UNSENT, sqlite_where=_UNSENT),
    )

    case_id: Mapped[UUID] = mapped_column(ForeignKey("cases.id"))
    rung: Mapped[int]
    generation: Mapped[int]
    clinician_id: Mapped[UUID]
    channel: Mapped[str] = mapped_column(String(16))
    tier: Mapped[str] = mapped_column(String(2))
    state: Mapped[str] = mapped_column(String(16), default=STATES.initial)
    fence: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    may_repeat: Mapped[bool] = mapped_column(default=False)
    called_at: Mapped[datetime]
    not_before: Mapped[datetime]
    sent_at: Mapped[datetime | None]

    case: Mapped["Case"] = relationship()

    @property
    def text(self) -> str:
        """All that it says."""
        return rules.page_text(self.tier, self.case.code)

    def claim(self, *, at: datetime) -> None:
        """Take it for one attempt, or over from a sender whose lease ran out: who may have sent."""
        self.may_repeat = self.may_repeat or self.state == "sending"
        STATES.advance(self, "claim")
        self.fence += 1
        self.attempts += 1
        self.not_before = at + LEASE

    def renew(self, *, at: datetime) -> None:
        """Hold it longer, while the attempt goes on."""
        self.not_before = at + LEASE

    def deliver(self, *, at: datetime, may_repeat: bool = False) -> None:
        """Somebody accepted it for delivery, and another may have done so before."""
        self.may_repeat = self.may_repeat or may_repeat
        STATES.advance(self, "deliver")
        self.sent_at = at

    def fail(self, *, at: datetime, may_repeat: bool = False) -> None:
        """It was not accepted, as far as known; it is tried again soon, until somebody has the
        case."""
        self.may_repeat = self.may_repeat or may_repeat
        STATES.advance(self, "fail")
        self.not_before = at + rules.pause_before_retry(self.attempts)


class Called(NamedTuple):
    """People to page about a case, each once, by a rung of a generation of its ladder."""

    case: "Case"
    people: Sequence[UUID]
    rung: int
    generation: int


def call(db: Session, calls: Sequence[Called], *, at: datetime) -> None:
    """Page people about their cases, in place of what older pages have not told them yet."""
    called = {(one.case.id, person) for one in calls for person in one.people}
    to_them = Page.clinician_id.in_({person for _, person in called})
    for older in _queued(db, {case_id for case_id, _ in called}, to_them):
        if (older.case_id, older.clinician_id) in called:
            STATES.advance(older, "cancel")
    insert_all(db, Page, (row for one in calls for row in _pages_of(one, at)))


def _pages_of(one: Called, at: datetime) -> Iterator[dict[str, Any]]:
    of_all = {
        "clinic_id": one.case.clinic_id, "case_id": one.case.id, "tier": one.case.tier,
        "rung": one.rung, "generation": one.generation, "called_at": at, "not_before": at,
    }  # fmt: skip
    for person in one.people:
        for channel in CHANNELS:
            yield {**of_all, "clinician_id": person, "channel": channel}


def stop(db: Session, case_id: UUID) -> None:
    """Somebody has the case: what no sender holds is not sent any more."""
    for page in _queued(db, {case_id}):
        STATES.advance(page, "cancel")


def claim(db: Session, *, limit: int, at: datetime) -> list[Page]:
    """Pages to send now, each claimed; those of cases that somebody has are cancelled instead."""
    ready = db.scalars(
        sa.select(Page)
        .where(Page.state.in_(("queued", "sending")), Page.not_before <= at)
        .order_by(Page.tier, Page.not_before)
        .limit(limit)
        .with_for_update(skip_locked=True, of=Page)
        .execution_options(populate_existing=True)
    ).all()
    claimed = []
    for page in ready:
        if page.case.is_calling:
            page.claim(at=at)
            claimed.append(page)
        else:
            STATES.advance(page, "cancel")
    return claimed


def held(db: Session, page_id: UUID, fence: int) -> Page | None:
    """The page, locked, while this fence holds it; None once another sender took it over."""
    page = db.get(Page, page_id, with_for_update=True)
    return page if page and page.state == "sending" and page.fence == fence else None


def next_due(db: Session) -> datetime | None:
    """When the next attempt at any page is, those that could be made now left out."""
    later = Page.state.in_(("queued", "sending")) & (Page.not_before > db.now)
    return db.scalar(sa.select(sa.func.min(Page.not_before)).where(later))


def _queued(db: Session, cases: Set[UUID], *where: sa.ColumnElement[bool]) -> Sequence[Page]:
    return db.scalars(
        sa.select(Page)
        .where(Page.case_id.in_(cases), Page.state == "queued", *where)
        .order_by(Page.id)
        .with_for_update(of=Page)
        .execution_options(populate_existing=True)
    ).all()
