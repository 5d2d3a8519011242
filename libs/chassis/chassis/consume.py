"""Consume one lane from the broker: take what has arrived, receive it, then acknowledge it.

Plain competing consumers. A reader greenlet fills a buffer bounded by the prefetch count; the
receiving greenlet takes up to a batch of it, adding no wait of its own.
"""

import random
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

import eventlet
from kombu import Connection, Consumer

from chassis import aside
from chassis.broker import CONNECTION_ERRORS, Broker, close_quietly
from chassis.crash_points import reached
from chassis.logs import log
from chassis.message import Malformed, Message, from_headers
from chassis.metrics import CONSUMER_READY, IN_FLIGHT
from chassis.receive import Receiver
from chassis.wake import Wake

ALONE_FROM_DELIVERY = 2
"""A message that was delivered twice before may be what killed us: it is taken alone."""

READ_SECONDS = 0.25
DEAD_LETTER_SECONDS = 5.0
BACKOFF_SECONDS = (0.2, 1.0, 2.0)
DRAIN_SECONDS = 30.0


@dataclass(frozen=True)
class _Delivery:
    tag: int
    headers: dict[str, Any]
    body: bytes

    @property
    def alone(self) -> bool:
        return self.headers.get("x-delivery-count", 0) >= ALONE_FROM_DELIVERY


class LaneConsumer:
    """Takes one lane of a service from the broker until told to stop."""

    def __init__(self, receiver: Receiver, broker: Broker, batch: int) -> None:
        self.receiver = receiver
        self.broker = broker
        self.batch = batch
        self.idle = True
        self._stopping = False

    def run(self) -> None:
        failures = 0
        while not self._stopping:
            try:
                _Subscription(self).run()
                failures = 0
            except CONNECTION_ERRORS as lost:
                log.warning(
                    "consumer_lost_broker", lane=self.receiver.lane, error=type(lost).__name__
                )
                longest = BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)]
                eventlet.sleep(longest * random.uniform(0.5, 1.0))
                failures += 1

    def stop(self) -> None:
        """Take nothing new; finish and acknowledge what was delivered."""
        self._stopping = True

    @property
    def stopping(self) -> bool:
        return self._stopping


class _Subscription:
    """One connection's life: from subscribing to its loss, or to a clean end."""

    def __init__(self, consumer: LaneConsumer) -> None:
        self.consumer = consumer
        self.receiver = consumer.receiver
        self.labels = (self.receiver.database.service, self.receiver.lane)
        self.buffer: deque[_Delivery] = deque()
        self.arrived = Wake()
        self.cancelled = False

    def run(self) -> None:
        connection = self.consumer.broker.connect()
        receiving = eventlet.spawn(self._receive_all, connection.default_channel)
        try:
            with self._subscribe(connection) as subscribed:
                CONSUMER_READY.labels(*self.labels).set(1)
                self._read(connection, subscribed, receiving)
            self.cancelled = True
            self.arrived.ring()
            with eventlet.Timeout(DRAIN_SECONDS, False):
                receiving.wait()
        finally:
            CONSUMER_READY.labels(*self.labels).set(0)
            receiving.kill()
            close_quietly(connection)

    def _subscribe(self, connection: Connection) -> Consumer:
        service, lane = self.labels
        topology = self.consumer.broker.topology
        channel = connection.default_channel
        topology.declare_to_consume(channel, service, lane)
        return Consumer(
            channel,
            queues=[topology.queue(service, lane)],
            on_message=self._deliver,
            prefetch_count=2 * self.consumer.batch,
            accept=["json"],
            auto_declare=False,
        )

    def _read(self, connection: Connection, subscribed: Consumer, receiving: Any) -> None:
        look_at_the_dead = time.monotonic()
        while not self.consumer.stopping:
            if receiving.dead:
                receiving.wait()
            if time.monotonic() >= look_at_the_dead:
                self._park_the_dead(connection.default_channel)
                look_at_the_dead = time.monotonic() + DEAD_LETTER_SECONDS
            try:
                connection.drain_events(timeout=READ_SECONDS)
            except TimeoutError:
                connection.heartbeat_check()
        subscribed.cancel()

    def _park_the_dead(self, channel: Any) -> None:
        """What killed its process too often is in the dead-letter queue: it gets a row."""
        queue = self.consumer.broker.topology.dead_queue(*self.labels)(channel)
        while (message := queue.get(no_ack=False)) is not None:
            headers, body = message.headers, _bytes(message.body)
            try:
                self.receiver.park([from_headers(headers, body)], aside.KILLED_PROCESS)
            except Malformed as broken:
                self.receiver.park_malformed(headers, body, broken.attribute)
            message.ack()

    def _deliver(self, message: Any) -> None:
        delivery = _Delivery(message.delivery_tag, message.headers, _bytes(message.body))
        self.buffer.append(delivery)
        self.consumer.idle = False
        self.arrived.ring()

    def _receive_all(self, channel: Any) -> None:
        while not (self.cancelled and not self.buffer):
            if not self.buffer:
                self.consumer.idle = True
                self.arrived.wait(1.0)
                continue
            batch = self._take()
            IN_FLIGHT.labels(*self.labels).set(len(batch))
            self._receive(batch)
            self._acknowledge(channel, batch)
            reached("receive.after_acknowledge")
            IN_FLIGHT.labels(*self.labels).set(0)

    def _take(self) -> list[_Delivery]:
        batch = [self.buffer.popleft()]
        while self.buffer and len(batch) < self.consumer.batch:
            if batch[0].alone or self.buffer[0].alone:
                break
            batch.append(self.buffer.popleft())
        return batch

    def _receive(self, batch: list[_Delivery]) -> None:
        messages: list[Message] = []
        for delivery in batch:
            try:
                messages.append(from_headers(delivery.headers, delivery.body))
            except Malformed as broken:
                self.receiver.park_malformed(delivery.headers, delivery.body, broken.attribute)
        if messages:
            self.receiver.receive(messages)

    def _acknowledge(self, channel: Any, batch: list[_Delivery]) -> None:
        if self.consumer.broker.in_memory:
            for delivery in batch:
                channel.basic_ack(delivery.tag)
        else:
            channel.basic_ack(batch[-1].tag, multiple=True)


def _bytes(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else bytes(body)
