"""The log road: ask each producer's log for what the broker has not brought.

One mechanism for a broker that is off, purged, slow or forgetful, for a binding that was missing,
for the last event of a subject with nothing behind it, and for a new consumer that needs the
past. What is read goes through the same receive step; what is already handled is dropped there.
"""

from collections.abc import Collection

import eventlet
from sqlalchemy.exc import SQLAlchemyError

from catalogue.event import ROUTINE, URGENT
from chassis import producers
from chassis.database import retryable
from chassis.log import Page
from chassis.logs import log
from chassis.metrics import RESTORED
from chassis.peers import Peers, PeerUnreachable
from chassis.receive import Receiver
from chassis.refusals import NotFound
from chassis.wake import Wake

EVERY_SECONDS = {URGENT: 1.0, ROUTINE: 30.0}
PATIENCE_SECONDS = 1.0
"""How long an event may wait for its predecessor before the log is asked for it."""


class CatchUp:
    """Reads the logs that one lane of a service hears, at start, on a gap, and every so often."""

    def __init__(
        self, receiver: Receiver, peers: Peers, sources: dict[str, frozenset[str]]
    ) -> None:
        self.receiver = receiver
        self.peers = peers
        self.sources = sources
        self.every = EVERY_SECONDS[receiver.lane]
        self.wake = Wake()
        self._stopping = False
        receiver.on_gap = self.wake.ring

    def run(self) -> None:
        while not self._stopping:
            for source, streams in self.sources.items():
                if not self._stopping:
                    self._try(source, streams)
            if self.wake.wait(self.every) and not self._stopping:
                eventlet.sleep(PATIENCE_SECONDS)

    def stop(self) -> None:
        self._stopping = True
        self.wake.ring()

    def read(self, source: str, streams: Collection[str]) -> None:
        """Receive everything a producer has announced so far. Raises PeerUnreachable."""
        lane = self.receiver.lane
        with self.receiver.database.work() as session:
            at = producers.position(session, source, lane, streams)
        while True:
            page = self.peers.log(source, lane, at, streams)
            if page.upto < at:
                return self._refuse(source, page, at)
            RESTORED.labels(self.receiver.database.service, source).set(0)
            if page.messages:
                self.receiver.receive(page.messages)
            if page.upto == at:
                return None
            at = self._reached(source, streams, page)

    def _reached(self, source: str, streams: Collection[str], page: Page) -> int:
        with self.receiver.database.work() as session:
            producers.reached(session, source, self.receiver.lane, streams, page.epoch, page.upto)
        return page.upto

    def _refuse(self, source: str, page: Page, at: int) -> None:
        """The log has forgotten what was read of it: its database was restored."""
        service = self.receiver.database.service
        RESTORED.labels(service, source).set(1)
        with self.receiver.database.work() as session:
            fresh = producers.refuse(session, source, page.epoch)
        if fresh:
            log.error(
                "producer_was_restored",
                service=service, source=source, lane=self.receiver.lane,
                epoch=page.epoch, position=at, reason=f"its log ends at {page.upto}",
            )  # fmt: skip

    def _try(self, source: str, streams: Collection[str]) -> None:
        service = self.receiver.database.service
        try:
            self.read(source, streams)
        except (PeerUnreachable, NotFound) as failure:
            log.info("log_not_read", service=service, source=source, reason=str(failure))
        except SQLAlchemyError as failure:
            if not retryable(failure):
                raise
            log.warning("catch_up_waits_for_database", service=service)
