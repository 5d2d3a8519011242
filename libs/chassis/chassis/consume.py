"""Consume one lane from the broker: take what has arrived, receive it, then acknowledge it.

Plain competing consumers. A reader greenlet deals what arrives to two hands, each subject always to
the same one, and a hand takes up to a batch of its share, adding no wait of its own: while one
waits for the database, the other works.
"""

import random
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import eventlet
from kombu.messaging import Consumer

from chassis import aside
from chassis.broker import CONNECTION_ERRORS, Broker, close_in_order, close_quietly
from chassis.crash_points import reached
from chassis.logs import log
from chassis.message import PREFIX, Malformed, Message, from_headers
from chassis.metrics import CONSUMER_READY, IN_FLIGHT
from chassis.receive import Receiver
from chassis.wake import Wake

ALONE_FROM_DELIVERY = 2
"""A message that was delivered twice before may be what killed us: it is taken alone."""

HANDS = 2
READ_SECONDS = 0.25
LATE_SECONDS = 0.2
DEAD_LETTER_SECONDS = 5.0
BACKOFF_SECONDS = (0.2, 1.0, 2.0)
DRAIN_SECONDS = 30.0


@dataclass
class _Delivery:
    tag: int
    headers: dict[str, Any]
    body: bytes
    is_received: bool = False

    @property
    def is_alone(self) -> bool:
        return self.headers.get("x-delivery-count", 0) >= ALONE_FROM_DELIVERY

    @property
    def subject(self) -> Any:
        return self.headers.get(f"{PREFIX}subject")


class LaneConsumer:
    """Takes one lane of a service from the broker until told to stop."""

    def __init__(self, receiver: Receiver, broker: Broker, batch: int) -> None:
        self.receiver = receiver
        self.broker = broker
        self.batch = batch
        self.hands = HANDS if receiver.database.postgres else 1
        self.stopping = False

    def run(self) -> None:
        failures = 0
        while not self.stopping:
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
        self.stopping = True


class _Subscription:
    """One connection's life: from subscribing to its loss, or to a clean end."""

    def __init__(self, consumer: LaneConsumer) -> None:
        self.consumer = consumer
        self.receiver = consumer.receiver
        self.labels = (self.receiver.database.service, self.receiver.lane)
        self.hands = [_Hand(self) for _ in range(consumer.hands)]
        self.in_flight: deque[_Delivery] = deque()
        self.cancelled = False

    def run(self) -> None:
        self.connection = self.consumer.broker.connect()
        receiving = [eventlet.spawn(hand.receive_all) for hand in self.hands]
        try:
            with self._subscribe() as subscribed:
                CONSUMER_READY.labels(*self.labels).set(1)
                self._read(receiving)
                self._take_no_more(subscribed)
                with eventlet.Timeout(DRAIN_SECONDS, False):
                    for thread in receiving:
                        thread.wait()
            close_in_order(self.connection)
        finally:
            CONSUMER_READY.labels(*self.labels).set(0)
            for thread in receiving:
                thread.kill()
            close_quietly(self.connection)

    def finish(self, batch: list[_Delivery]) -> None:
        """A batch is in committed rows: acknowledge all up to the first that is not."""
        for delivery in batch:
            delivery.is_received = True
        finished = [*takewhile(lambda delivery: delivery.is_received, self.in_flight)]
        for _ in finished:
            self.in_flight.popleft()
        if finished:
            self._acknowledge(finished)
            IN_FLIGHT.labels(*self.labels).set(len(self.in_flight))

    def _subscribe(self) -> Consumer:
        service, lane = self.labels
        topology = self.consumer.broker.topology
        channel = self.connection.default_channel
        topology.declare_to_consume(channel, service, lane)
        return Consumer(
            channel,
            queues=[topology.queue(service, lane)],
            on_message=self._deliver,
            prefetch_count=(1 + len(self.hands)) * self.consumer.batch,
            accept=["json"],
            auto_declare=False,
        )

    def _read(self, receiving: list[Any]) -> None:
        look_at_the_dead = time.monotonic()
        while not self.consumer.stopping:
            for thread in receiving:
                if thread.dead:
                    thread.wait()
            if time.monotonic() >= look_at_the_dead:
                self._park_the_dead(self.connection.default_channel)
                look_at_the_dead = time.monotonic() + DEAD_LETTER_SECONDS
            try:
                self.connection.drain_events(timeout=READ_SECONDS)
            except TimeoutError:
                self.connection.heartbeat_check()

    def _take_no_more(self, subscribed: Consumer) -> None:
        """End the subscription. What is on its way already is still taken: once the broker's
        answer has been read, the client would reject it."""
        channel: Any = self.connection.default_channel
        if not self.consumer.broker.in_memory:
            for tag in subscribed._active_tags.values():
                channel.basic_cancel(tag, nowait=True)
            with suppress(TimeoutError):
                while True:
                    self.connection.drain_events(timeout=LATE_SECONDS)
        self.cancelled = True
        for hand in self.hands:
            hand.arrived.ring()

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
        self.in_flight.append(delivery)
        self.hands[hash(str(delivery.subject)) % len(self.hands)].take(delivery)

    def _acknowledge(self, finished: list[_Delivery]) -> None:
        channel = self.connection.default_channel
        if self.consumer.broker.in_memory:
            for delivery in finished:
                channel.basic_ack(delivery.tag)
        else:
            channel.basic_ack(finished[-1].tag, multiple=True)


class _Hand:
    """Receives its share of the subjects, in the order in which their messages arrived."""

    def __init__(self, subscription: _Subscription) -> None:
        self.subscription = subscription
        self.receiver = subscription.receiver
        self.batch = subscription.consumer.batch
        self.dealt: deque[_Delivery] = deque()
        self.arrived = Wake()

    def take(self, delivery: _Delivery) -> None:
        self.dealt.append(delivery)
        self.arrived.ring()

    def receive_all(self) -> None:
        """Until the subscription is cancelled and nothing is left."""
        while not (self.subscription.cancelled and not self.dealt):
            if not self.dealt:
                self.arrived.wait(1.0)
                continue
            batch = self._next_batch()
            self._receive(batch)
            self.subscription.finish(batch)
            reached("receive.after_acknowledge")

    def _next_batch(self) -> list[_Delivery]:
        batch = [self.dealt.popleft()]
        while self.dealt and len(batch) < self.batch:
            if batch[0].is_alone or self.dealt[0].is_alone:
                break
            batch.append(self.dealt.popleft())
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


def _bytes(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else bytes(body)
