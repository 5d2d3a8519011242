"""Sends pages to staff: claims them under a lease, tries them side by side, records what came
of each. Outside any handler and any transaction; as many senders as one likes."""

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from cryptography.exceptions import InvalidTag

from channels.channel import DEADLINE_SECONDS
from channels.outcome import UNKNOWN
from channels.outgoing import EMAIL, SMS, VOICE, Outgoing
from chassis.database import Database, Session
from chassis.details import Vault
from chassis.logs import log, where
from crisis import metrics, page
from crisis.page import DESK, LEASE, Page
from crisis.settings import Settings

AT_ONCE = 8
PAUSE_SECONDS = 0.25
GLANCE_SECONDS = 0.05
LEASE_SECONDS = LEASE.total_seconds()
DETAIL = {EMAIL: "email", SMS: "phone", VOICE: "phone"}
"""By which of somebody's details a channel reaches them."""


@dataclass
class Attempt:
    """One try at one page, by one thread. The lease is watched on the monotonic clock too, so
    that a process which stood still sends nothing it no longer holds."""

    page_id: UUID
    fence: int
    channel: str
    outgoing: Outgoing
    held_until: float = field(default_factory=lambda: time.monotonic() + LEASE_SECONDS)
    outcome: str | None = None
    may_repeat: bool = False

    def is_held(self) -> bool:
        return time.monotonic() < self.held_until


class Sender:
    """Sends what is claimable. Only the caller's thread touches the database."""

    def __init__(self, database: Database, vault: Vault, settings: Settings) -> None:
        self.database = database
        self.vault = vault
        self.desk = {EMAIL: settings.desk}
        self.channels = settings.channels()
        self._under_way: list[Attempt] = []
        self._one_is_done = threading.Event()

    def step(self) -> bool:
        """Send what can be sent, until nothing is under way. Returns whether there was any.

        What is called meanwhile goes out beside what hangs; yet a step ends.
        """
        last_start = time.monotonic() + DEADLINE_SECONDS
        begun = 0
        while True:
            self._record(one for one in self._under_way if one.outcome)
            if time.monotonic() < last_start:
                begun += self._begin(AT_ONCE - len(self._under_way))
            if not self._under_way:
                return begun > 0
            self._one_is_done.wait(GLANCE_SECONDS)
            self._one_is_done.clear()
            self._renew()

    def _begin(self, limit: int) -> int:
        if limit < 1:
            return 0
        with self.database.work() as db:
            claimed = page.claim(db, limit=limit, at=db.now)
            attempts = [self._attempt(db, one) for one in claimed]
        for attempt in attempts:
            if attempt is not None:
                self._under_way.append(attempt)
                threading.Thread(target=self._try, args=(attempt,), daemon=True).start()
        return len(claimed)

    def _attempt(self, db: Session, one: Page) -> Attempt | None:
        """The attempt at a claimed page, unless nobody knows yet where to send it."""
        address = self._address(db, one)
        if address is None:
            one.fail(at=db.now)
            log.warning("page_without_address", case_id=str(one.case_id), rung=one.rung)
            metrics.PAGES.labels(one.channel, "no_address").inc()
            return None
        if one.may_repeat:
            metrics.PAGES.labels(one.channel, "taken_over").inc()
        outgoing = Outgoing(to=address, subject=one.text, text=one.text, dated=one.called_at)
        return Attempt(one.id, one.fence, one.channel, outgoing)

    def _address(self, db: Session, one: Page) -> str | None:
        if one.clinician_id == DESK:
            return self.desk.get(one.channel)
        try:
            return (self.vault.open(db, one.clinician_id) or {}).get(DETAIL[one.channel])
        except InvalidTag as failure:
            log.error("details_do_not_open", error=where(failure))
            return None

    def _try(self, attempt: Attempt) -> None:
        try:
            channel = self.channels[attempt.channel]
            came = channel.send(attempt.outgoing, key=str(attempt.page_id), may_go=attempt.is_held)
            attempt.may_repeat = came.may_repeat
            if not came.is_accepted:
                log.warning("page_not_accepted", channel=attempt.channel, reason=came.code)
            unsent = "unknown" if came.result == UNKNOWN else "failed"
            attempt.outcome = "sent" if came.is_accepted else unsent
        except Exception as failure:  # noqa: BLE001 - whatever it is, the page is tried again
            log.error("page_not_handed_over", channel=attempt.channel, error=where(failure))
            attempt.outcome = "failed"
        finally:
            self._one_is_done.set()

    def _record(self, finished: Iterable[Attempt]) -> None:
        for attempt in list(finished):
            with self.database.work() as db:
                mine = page.held(db, attempt.page_id, attempt.fence)
                outcome = attempt.outcome if mine else "lost"
                if mine and outcome == "sent":
                    mine.deliver(at=db.now, may_repeat=attempt.may_repeat)
                    _measure(mine, db.now)
                elif mine:
                    mine.fail(at=db.now, may_repeat=attempt.may_repeat)
            metrics.PAGES.labels(attempt.channel, outcome).inc()
            self._under_way.remove(attempt)

    def _renew(self) -> None:
        """Keep the leases of what goes on; give up what another sender took over."""
        for attempt in self._under_way:
            if attempt.outcome or attempt.held_until - time.monotonic() > LEASE_SECONDS / 2:
                continue
            asked = time.monotonic()
            with self.database.work() as db:
                mine = page.held(db, attempt.page_id, attempt.fence)
                if mine:
                    mine.renew(at=db.now)
            attempt.held_until = asked + LEASE_SECONDS if mine else asked


def _measure(sent: Page, at: datetime) -> None:
    took = (at - sent.called_at).total_seconds()
    metrics.PAGE_DISPATCH.labels(sent.channel).observe(took)
