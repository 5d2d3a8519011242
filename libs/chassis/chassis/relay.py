"""The relay: one leader for each service database carries the log to the broker, in order.

The leader gives positions and publishes; standbys in every replica wait for its lock. No
transaction is open while it publishes, and all it remembers is the last confirmed position of
each lane: after any failure it goes on from there, and receivers drop what they already have.
"""

import random
import time
from typing import Any

import eventlet
import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.exc import DBAPIError

from catalogue.event import LANES, ROUTINE, URGENT
from chassis.broker import CONNECTION_ERRORS, Broker, Publisher, PublishFailed
from chassis.crash_points import reached
from chassis.database import Database
from chassis.lead import Lead, standing_for
from chassis.log import claim, frames_after
from chassis.logs import log
from chassis.metrics import NACKS, PUBLISHED, RELAY_LEADER, REOPENS
from chassis.tables import lanes, lives
from chassis.wake import Wake, hear_others

POLL_SECONDS = 0.25
BREATH_SECONDS = 0.01
"""Between two claims while there is a backlog: what is urgent finds the leader free."""

BATCH = 500
ASIDE_BATCH = 50
ASIDE_SECONDS = 0.1
ASIDE_FOR_SECONDS = 1.0
"""So long after an urgent event a routine backlog goes in small steps, with pauses."""

BACKOFF_SECONDS = (0.1, 0.5, 1.0, 2.0)
DRAIN_SECONDS = 10.0


class Relay:
    """Runs in every replica; leads in one."""

    def __init__(self, database: Database, broker: Broker) -> None:
        self.database = database
        self.broker = broker
        self.wake = Wake()
        self.leading = False
        self._stopping = False
        self._aside_until = 0.0

    def run(self) -> None:
        """Until stopped: wait for the lock, then lead for as long as it is held."""
        while not self._stopping:
            try:
                with standing_for(self.database) as lead:
                    while not (leads := lead.taken()) and not self._stopping:
                        self.wake.wait(POLL_SECONDS)
                    if leads:
                        self._serve(lead)
            except DBAPIError as lost:
                log.warning("relay_lost_its_database", error=type(lost.orig).__name__)
                self.wake.wait(POLL_SECONDS)

    def stop(self) -> None:
        """Publish what is already in the log, then let go of the lock."""
        self._stopping = True
        self.wake.ring()

    def steps_aside(self, lane: str) -> bool:
        """Whether a lane leaves the machine, and the broker, to urgent events for now."""
        return lane == ROUTINE and time.monotonic() < self._aside_until

    def batch(self, lane: str) -> int:
        return ASIDE_BATCH if self.steps_aside(lane) else BATCH

    def _serve(self, lead: Lead) -> None:
        with lead.turn() as connection:
            epoch = connection.execute(sa.select(sa.func.max(lives.c.epoch))).scalar_one()
            confirmed = dict(connection.execute(sa.select(lanes.c.lane, lanes.c.confirmed)).all())
        carriers = [_Carrier(self, lane, confirmed[lane]) for lane in LANES]
        threads = [carrier.thread for carrier in carriers]
        if self.database.postgres:
            threads.append(eventlet.spawn(hear_others, self.database.work_engine.url, self.wake))
        RELAY_LEADER.labels(self.database.service).set(1)
        self.leading = True
        try:
            self._give_positions(lead, carriers, epoch)
        finally:
            self.leading = False
            RELAY_LEADER.labels(self.database.service).set(0)
            for thread in threads:
                thread.kill()

    def _give_positions(self, lead: Lead, carriers: list["_Carrier"], epoch: int) -> None:
        while not self._stopping:
            given = sum(self._give(lead, carrier, epoch) for carrier in carriers)
            self.wake.wait(BREATH_SECONDS if given else POLL_SECONDS)
        self._drain(lead, carriers, epoch)

    def _give(self, lead: Lead, carrier: "_Carrier", epoch: int) -> int:
        """One lane's turn: what is urgent waits for no other lane, and no mark."""
        with lead.turn() as connection:
            given = claim(connection, carrier.lane, epoch, self.batch(carrier.lane))
            reached("relay.after_claim", given)
            if given and carrier.lane == URGENT:
                self._aside_until = time.monotonic() + ASIDE_FOR_SECONDS
            carrier.go_on()
            carrier.mark(connection)
        return given

    def _drain(self, lead: Lead, carriers: list["_Carrier"], epoch: int) -> None:
        with eventlet.Timeout(DRAIN_SECONDS, False):
            with lead.turn() as connection:
                for carrier in carriers:
                    claim(connection, carrier.lane, epoch, BATCH)
                heads = dict(connection.execute(sa.select(lanes.c.lane, lanes.c.position)).all())
            while any(carrier.confirmed < heads[carrier.lane] for carrier in carriers):
                for carrier in carriers:
                    carrier.go_on()
                eventlet.sleep(0.01)
        with lead.turn() as connection:
            for carrier in carriers:
                carrier.mark(connection)


class _Carrier:
    """Publishes one lane, position by position, on a channel of its own."""

    def __init__(self, relay: Relay, lane: str, confirmed: int) -> None:
        self.relay = relay
        self.lane = lane
        self.confirmed = confirmed
        self.wake = Wake()
        self._marked = confirmed
        self._ahead: Any = None
        self._publisher: Publisher | None = None
        self.thread = eventlet.spawn(self.run)

    def go_on(self) -> None:
        """Look for new positions at once. Raises what ended the carrier, should anything have."""
        if self.thread.dead:
            self.thread.wait()
        self.wake.ring()

    def run(self) -> None:
        """Until killed. A failure closes the channel and the same batch is tried again; of a row
        of failures the first is logged."""
        failures = 0
        while True:
            try:
                self._carry()
                failures = 0
            except (PublishFailed, DBAPIError, exc.TimeoutError, *CONNECTION_ERRORS) as failure:
                self._give_up_channel(failure, told=failures > 0)
                longest = BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)]
                eventlet.sleep(longest * random.uniform(0.5, 1.0))
                failures += 1

    def mark(self, connection: sa.Connection) -> None:
        """Remember the last confirmed position. Losing a mark costs duplicates, nothing else."""
        confirmed = self.confirmed  # goes on while this statement is under way
        if confirmed != self._marked:
            reached("relay.before_mark")
            where = sa.update(lanes).where(lanes.c.lane == self.lane)
            connection.execute(where.values(confirmed=confirmed))
            self._marked = confirmed

    def _carry(self) -> None:
        if self._publisher is None:
            self._publisher = self.relay.broker.publisher(self.relay.database.service)
        batch = self._next_batch()
        if not batch:
            self._publisher.beat()
            self.wake.wait(POLL_SECONDS)
            return
        reached("relay.before_publish")
        if len(batch) == BATCH:
            self._ahead = eventlet.spawn(self._read, batch[-1][0])
        self._publisher.publish([frames for _, frames in batch])
        self.confirmed = batch[-1][0]
        PUBLISHED.labels(self.relay.database.service, self.lane).inc(len(batch))
        reached("relay.after_confirm")
        if len(batch) >= ASIDE_BATCH and self.relay.steps_aside(self.lane):
            eventlet.sleep(ASIDE_SECONDS)

    def _next_batch(self) -> list[tuple[int, bytes]]:
        """What follows the last confirmed position, read already while that was published."""
        ahead, self._ahead = self._ahead, None
        return ahead.wait() if ahead else self._read(self.confirmed)

    def _read(self, after: int) -> list[tuple[int, bytes]]:
        with self.relay.database.look() as connection:
            return frames_after(connection, self.lane, after, self.relay.batch(self.lane))

    def _give_up_channel(self, failure: Exception, *, told: bool) -> None:
        service = self.relay.database.service
        reason = str(failure) if isinstance(failure, PublishFailed) else type(failure).__name__
        if not told:
            log.warning("relay_channel_closed", service=service, lane=self.lane, reason=reason)
        if isinstance(failure, PublishFailed):
            NACKS.labels(service).inc()
        self._ahead = None
        if self._publisher is not None:
            self._publisher.close()
            self._publisher = None
            REOPENS.labels(service).inc()
