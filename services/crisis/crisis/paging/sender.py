"""Sends pages and notices: claims them under a lease, tries them side by side, records what came
of each. Outside any handler and any transaction; as many senders as one likes."""

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from channels.channel import DEADLINE_SECONDS
from channels.outcome import UNKNOWN, Outcome, refused
from channels.outgoing import EMAIL, Outgoing
from chassis.database import Database, Session
from chassis.details import Vault
from chassis.logs import log, where
from crisis import metrics
from crisis.paging import leased, notice, page, turns, ways, wording
from crisis.paging.leased import LEASE, Leased
from crisis.paging.notice import Notice
from crisis.paging.page import DESK, Page
from crisis.settings import Settings

AT_ONCE = 8
PAUSE_SECONDS = 0.25
GLANCE_SECONDS = 0.05
LEASE_SECONDS = LEASE.total_seconds()

NO_CARRIER, NOT_HANDED_OVER = "no_carrier", "not_handed_over"


@dataclass
class Attempt:
    """One try at one bundle or notice, by one thread. The lease is watched on the monotonic clock
    too, so that a process which stood still sends nothing it no longer holds."""

    kind: type[Leased]
    fences: Mapping[UUID, int]
    key: UUID
    channel: str
    outgoing: Outgoing
    held_until: float = field(default_factory=lambda: time.monotonic() + LEASE_SECONDS)
    came: Outcome | None = None

    def is_held(self) -> bool:
        return time.monotonic() < self.held_until

    def still_held(self, db: Session) -> list[Leased]:
        """Of what goes by this attempt, all that no other sender took over."""
        rows = (leased.held(db, self.kind, one, fence) for one, fence in self.fences.items())
        return [row for row in rows if row]


class Sender:
    """Sends what is claimable. Only the caller's thread touches the database."""

    def __init__(self, database: Database, vault: Vault, settings: Settings) -> None:
        self.database = database
        self.vault = vault
        self.desk = {EMAIL: settings.desk}
        self.channels = settings.channels()
        self.links = wording.Links(settings.origin, settings.details_key)
        self._has_looked_round = False
        self._under_way: list[Attempt] = []
        self._one_is_done = threading.Event()

    def step(self) -> bool:
        """Send what can be sent, until nothing is under way. Returns whether there was any.

        What is called meanwhile goes out beside what hangs; yet a step ends.
        """
        last_start = time.monotonic() + DEADLINE_SECONDS
        begun = self._look_round()
        while True:
            self._record(one for one in self._under_way if one.came)
            if time.monotonic() < last_start:
                begun += self._begin(AT_ONCE - len(self._under_way))
            if not self._under_way:
                return begun > 0
            self._one_is_done.wait(GLANCE_SECONDS)
            self._one_is_done.clear()
            self._renew()

    def _look_round(self) -> int:
        """Note who is reached by which channel since their details changed, or since we started."""
        with self.database.work() as db:
            if not self._has_looked_round:
                ways.forget(db)
            noted = ways.note(db, self.vault, self.channels)
        self._has_looked_round = True
        return noted

    def _begin(self, limit: int) -> int:
        if limit < 1:
            return 0
        under_way = [row_id for attempt in self._under_way for row_id in attempt.fences]
        with self.database.work() as db:
            how: dict[str, Any] = {"limit": limit, "at": db.now, "under_way": under_way}
            pages, notices = page.claim(db, **how), notice.claim(db, **how)
            attempts = [*self._with_pages(db, pages), *self._with_notices(db, notices)]
        for attempt in attempts:
            self._under_way.append(attempt)
            threading.Thread(target=self._try, args=(attempt,), daemon=True).start()
        return len(pages) + len(notices)

    def _with_pages(self, db: Session, claimed: Iterable[Page]) -> Iterable[Attempt]:
        """An attempt at each bundle of claimed pages, once it is known where to send it."""
        for key, going in groupby(claimed, lambda one: one.key):
            pages = list(going)
            assert key is not None
            if to := self._address(db, pages):
                for one in pages:
                    one.link = wording.digest(self.links.token(key))
                together = page.leaving_with(db, key)
                yield self._attempt(key, pages, wording.of_pages(together, self.links, to=to))

    def _with_notices(self, db: Session, claimed: Iterable[Notice]) -> Iterable[Attempt]:
        for one in claimed:
            if to := self._address(db, [one]):
                yield self._attempt(one.id, [one], wording.of_notice(one, self.links, to=to))

    def _attempt(self, key: UUID, rows: list[Page] | list[Notice], outgoing: Outgoing) -> Attempt:
        if any(one.may_repeat for one in rows):
            metrics.PAGES.labels(rows[0].channel, "taken_over").inc()
        fences = {one.id: one.fence for one in rows}
        return Attempt(type(rows[0]), fences, key, rows[0].channel, outgoing)

    def _address(self, db: Session, rows: list[Page] | list[Notice]) -> str | None:
        """Where they go; while that is not known they count as tried."""
        first = rows[0]
        if first.clinician_id == DESK:
            found = self.desk.get(first.channel)
        else:
            known = ways.opened(db, self.vault, first.clinician_id)
            found = known.get(ways.DETAIL[first.channel])
        if found is None:
            for one in rows:
                _failed(db, one)
            log.warning("page_without_address", case_id=str(first.case_id))
            metrics.PAGES.labels(first.channel, "no_address").inc()
        return found

    def _try(self, attempt: Attempt) -> None:
        try:
            came = self._handed_over(attempt)
            if not came.is_accepted:
                log.warning("page_not_accepted", channel=attempt.channel, reason=came.code)
            attempt.came = came
        except Exception as failure:  # noqa: BLE001 - whatever it is, the page is tried again
            log.error("page_not_handed_over", channel=attempt.channel, error=where(failure))
            attempt.came = refused(NOT_HANDED_OVER)
        finally:
            self._one_is_done.set()

    def _handed_over(self, attempt: Attempt) -> Outcome:
        channel = self.channels.get(attempt.channel)
        if channel is None:
            return refused(NO_CARRIER)
        return channel.send(attempt.outgoing, key=str(attempt.key), may_go=attempt.is_held)

    def _record(self, finished: Iterable[Attempt]) -> None:
        for attempt in list(finished):
            came = attempt.came
            assert came is not None
            with self.database.work() as db:
                mine = attempt.still_held(db)
                for one in mine:
                    if came.is_accepted:
                        _delivered(db, one, came)
                    else:
                        _failed(db, one, may_repeat=came.may_repeat)
            outcome = _word_for(came) if mine else "lost"
            metrics.PAGES.labels(attempt.channel, outcome).inc()
            self._under_way.remove(attempt)

    def _renew(self) -> None:
        """Keep the leases of what goes on; give up what another sender took over."""
        for attempt in self._under_way:
            if attempt.came or attempt.held_until - time.monotonic() > LEASE_SECONDS / 2:
                continue
            asked = time.monotonic()
            with self.database.work() as db:
                mine = attempt.still_held(db)
                for one in mine:
                    one.renew(at=db.now)
            attempt.held_until = asked + LEASE_SECONDS if mine else asked


def next_due(db: Session) -> datetime | None:
    """When the next attempt at any page or notice is."""
    return leased.next_due(db, Page, Notice)


def _delivered(db: Session, one: Leased, came: Outcome) -> None:
    one.deliver(at=db.now, may_repeat=came.may_repeat)
    if isinstance(one, Page):
        one.reference = came.reference
        turns.accepted(db, one, at=db.now)
        _measure(one, db.now)


def _failed(db: Session, one: Leased, *, may_repeat: bool = False) -> None:
    one.fail(at=db.now, may_repeat=may_repeat)
    if isinstance(one, Page):
        turns.refused(db, one, at=db.now)


def _word_for(came: Outcome) -> str:
    if came.is_accepted:
        return "sent"
    return "unknown" if came.result == UNKNOWN else "failed"


def _measure(sent: Page, at: datetime) -> None:
    took = (at - sent.called_at).total_seconds()
    metrics.PAGE_DISPATCH.labels(sent.channel).observe(took)
