"""Pages: calls to staff, one for each case, rung, person, channel and generation.

A page waits for its case, not the case for it: once somebody has the case, what was not sent is
cancelled. Pages to one phone that come together leave as one bundle, which names all their cases.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence, Set
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, NamedTuple
from uuid import UUID, uuid5

import sqlalchemy as sa
from sqlalchemy import Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from channels.outgoing import EMAIL
from chassis.bulk import Row, insert_all
from chassis.database import OfClinic, Session
from chassis.states import States
from crisis import rules
from crisis.paging import leased, ways
from crisis.paging.leased import LEASE, WAYS, Leased
from crisis.tables import Base

if TYPE_CHECKING:
    from crisis.case import Case

__all__ = ["DESK", "LEASE", "STATES", "Called", "Page", "call", "claim", "held", "stop"]

DESK = UUID(int=0)
"""Who is called with all hands and is no clinician: the operator's desk, by e-mail."""

STATES = States("page", WAYS)

_UNSENT = sa.text("state IN ('queued', 'sending')")


def _index_of(name: str) -> Index:
    """Of what a page has only once a sender took it, so that a sweep writes none of it."""
    there = sa.text(f"{name} IS NOT NULL")
    return Index(f"ix_pages_{name}", name, postgresql_where=there, sqlite_where=there)


class Page(Leased, OfClinic, Base):
    """A call to one person by one channel.

    `key` names the bundle in which it leaves, its own id unless others leave with it: under this
    key every attempt is made, and the provider's receipts come. `link` is the digest of what
    acknowledges by that bundle, until `ended_at`: somebody has the case, by this link or not.
    """

    __tablename__ = "pages"
    __table_args__ = (
        UniqueConstraint("case_id", "rung", "clinician_id", "channel", "generation"),
        STATES.check(),
        Index("ix_pages_not_before", "not_before", postgresql_where=_UNSENT, sqlite_where=_UNSENT),
        *(_index_of(name) for name in ("claimed_at", "key", "link")),
    )
    STATES: ClassVar[States] = STATES

    rung: Mapped[int]
    generation: Mapped[int]
    tier: Mapped[str] = mapped_column(String(2))
    claimed_at: Mapped[datetime | None]
    key: Mapped[UUID | None]
    link: Mapped[str | None] = mapped_column(String(64))
    reference: Mapped[str | None] = mapped_column(String(128))
    receipt: Mapped[str | None] = mapped_column(String(16))
    receipt_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    @property
    def is_uncertain(self) -> bool:
        """Whether it may have left already: then it may only be repeated as it was."""
        return self.state == "sending" or self.may_repeat

    @property
    def may_have_arrived(self) -> bool:
        """Whether its person may know of it."""
        return self.state == "sent" or self.is_uncertain


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
            older.cancel()
    insert_all(db, Page, (row for one in calls for row in _pages_of(db, one, at)))


def _pages_of(db: Session, one: Called, at: datetime) -> Iterator[Row]:
    reached_by = ways.of_clinic(db, one.case.clinic_id)
    of_all: Row = {
        "clinic_id": one.case.clinic_id, "case_id": one.case.id, "tier": one.case.tier,
        "rung": one.rung, "generation": one.generation, "called_at": at,
    }  # fmt: skip
    for person in one.people:
        channels = reached_by.get(person) or [EMAIL]
        for channel, not_before in rules.turns(one.case.tier, channels, at):
            yield {**of_all, "clinician_id": person, "channel": channel, "not_before": not_before}


def stop(db: Session, case_id: UUID, *, at: datetime) -> list[Page]:
    """Somebody has the case: what no sender holds is not sent any more, and no link of this
    calling acknowledges again. Returns what its people may know of."""
    calling = db.scalars(
        sa.select(Page)
        .where(Page.case_id == case_id, Page.ended_at.is_(None))
        .order_by(Page.id)
        .with_for_update(of=Page)
        .execution_options(populate_existing=True)
    ).all()
    known = [one for one in calling if one.may_have_arrived]
    for one in calling:
        one.ended_at = at
        if one.state == "queued":
            one.cancel()
    return known


def claim(db: Session, *, limit: int, at: datetime, under_way: Collection[UUID] = ()) -> list[Page]:
    """Pages to send now, each claimed, as many bundles as `limit` at most, with a `key` each; those
    of cases that somebody has are cancelled instead. What the caller has `under_way` is left."""
    claimed: list[Page] = []
    wanted = [one for one in _ready(db, limit, at, under_way) if _is_wanted(one)]
    paged_at = _last_paged(db, wanted, at)
    for bundle in _bundles(wanted):
        free_at = paged_at.get((bundle[0].clinician_id, bundle[0].channel))
        if free_at and not bundle[0].is_uncertain:
            _hold(bundle, free_at)
            continue
        going, later = bundle[: rules.MOST_NAMED], bundle[rules.MOST_NAMED :]
        _hold(later, at + rules.GATHERED_WITHIN)
        if not going[0].is_uncertain:
            _name(going)
        for one in going:
            one.claim(at=at)
            one.claimed_at = at
        claimed += going
    return claimed


def held(db: Session, page_id: UUID, fence: int) -> Page | None:
    """The page, locked, while this fence holds it."""
    return leased.held(db, Page, page_id, fence)


def leaving_with(db: Session, key: UUID) -> Sequence[Page]:
    """All pages of one bundle, in the order in which it names them."""
    return db.scalars(sa.select(Page).where(Page.key == key).order_by(Page.tier, Page.id)).all()


def _ready(db: Session, limit: int, at: datetime, under_way: Collection[UUID]) -> list[Page]:
    """The most urgent pages, and whatever else would go to the same phones."""
    how = {"order": (Page.tier, Page.not_before, Page.id), "at": at}
    first = leased.ready(db, Page, Page.id.not_in(under_way), limit=limit, **how)
    if not first:
        return first
    phones = sa.tuple_(Page.clinician_id, Page.channel).in_(
        {(one.clinician_id, one.channel) for one in first}
    )
    others = Page.id.not_in([*under_way, *(one.id for one in first)])
    return first + leased.ready(db, Page, phones, others, limit=limit * rules.MOST_NAMED, **how)


def _is_wanted(page: Page) -> bool:
    if not page.case.is_calling:
        page.cancel()
    return page.case.is_calling


def _bundles(pages: Iterable[Page]) -> Iterable[list[Page]]:
    """The pages by phone, the most urgent first; what may have left already stays as it was."""
    bundles = defaultdict[tuple[UUID, str, UUID | None], list[Page]](list)
    for one in pages:
        as_before = one.key if one.is_uncertain else None
        bundles[one.clinician_id, one.channel, as_before].append(one)
    return bundles.values()


def _name(bundle: list[Page]) -> None:
    """Its key follows from what is in it: the same pages, the same key."""
    ids = sorted(str(one.id) for one in bundle)
    key = UUID(ids[0]) if len(ids) == 1 else uuid5(UUID(ids[0]), " ".join(ids))
    for one in bundle:
        one.key = key


def _hold(pages: Iterable[Page], until: datetime) -> None:
    for one in pages:
        one.not_before = until


def _last_paged(
    db: Session, pages: Iterable[Page], at: datetime
) -> dict[tuple[UUID, str], datetime]:
    """From when on phones that were paged a moment ago are paged again."""
    phones = {(one.clinician_id, one.channel) for one in pages}
    if not phones:
        return {}
    rows = db.execute(
        sa.select(Page.clinician_id, Page.channel, sa.func.max(Page.claimed_at).label("at"))
        .where(
            sa.tuple_(Page.clinician_id, Page.channel).in_(phones),
            Page.claimed_at > at - rules.GATHERED_WITHIN,
            Page.state.in_(("sending", "sent")),
        )
        .group_by(Page.clinician_id, Page.channel)
    )
    return {(row.clinician_id, row.channel): row.at + rules.GATHERED_WITHIN for row in rows}


def _queued(db: Session, cases: Set[UUID], *where: sa.ColumnElement[bool]) -> Sequence[Page]:
    return db.scalars(
        sa.select(Page)
        .where(Page.case_id.in_(cases), Page.state == "queued", *where)
        .order_by(Page.id)
        .with_for_update(of=Page)
        .execution_options(populate_existing=True)
    ).all()
