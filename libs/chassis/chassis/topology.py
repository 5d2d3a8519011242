"""Who announces which stream, who hears it, and what that makes of exchanges and queues."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kombu.entity import Exchange, Queue, binding

from catalogue.event import LANES, Stream

DELIVERY_LIMIT = 20
"""Deliveries after which the broker gives a message up to the dead-letter queue."""

DEAD = Exchange("evenkeel.dead", type="direct", durable=True, delivery_mode=2)

Streams = Mapping[str, tuple[Stream, ...]]


def exchange_of(service: str) -> Exchange:
    """nameko's own convention, so that a stock nameko service can listen too."""
    return Exchange(f"{service}.events", type="topic", durable=True, delivery_mode=2)


@dataclass(frozen=True)
class Topology:
    """The map of a house: service to streams announced, service to streams heard."""

    announces: Streams
    hears: Streams

    def heard_by_anyone(self, service: str) -> frozenset[str]:
        """Streams of a service whose events some queue must be waiting for."""
        heard = {stream for streams in self.hears.values() for stream in streams}
        return frozenset(s.name for s in self.announces.get(service, ()) if s in heard)

    def sources(self, service: str, lane: str) -> dict[str, frozenset[str]]:
        """Which streams of which other services a service hears in a lane."""
        heard = [s for s in self.hears.get(service, ()) if s.lane == lane]
        by_source = {
            source: frozenset(s.name for s in streams if s in heard)
            for source, streams in self.announces.items()
            if source != service
        }
        return {source: streams for source, streams in by_source.items() if streams}

    def queue(self, service: str, lane: str) -> Queue:
        """The quorum queue of a service and lane, bound to every stream it hears."""
        name = f"{service}.{lane}"
        bindings = [
            binding(exchange_of(source), routing_key=f"{stream}.#")
            for source, streams in sorted(self.sources(service, lane).items())
            for stream in sorted(streams)
        ]
        arguments = {
            "x-queue-type": "quorum",
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-dead-letter-exchange": DEAD.name,
            "x-dead-letter-routing-key": name,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        }
        return Queue(name, bindings=bindings, durable=True, queue_arguments=arguments)

    def dead_queue(self, service: str, lane: str) -> Queue:
        """Where the broker puts messages of a lane that killed their process too often."""
        name = f"{service}.{lane}"
        return Queue(
            f"{name}.dlq",
            exchange=DEAD,
            routing_key=name,
            durable=True,
            queue_arguments={"x-queue-type": "quorum"},
        )

    def declare_to_publish(self, channel: Any, service: str) -> None:
        """Declare what a service announces to, and every queue that must catch its events."""
        exchange_of(service)(channel).declare()
        for hearer in self.hears:
            for lane in LANES:
                if service in self.sources(hearer, lane):
                    self.declare_to_consume(channel, hearer, lane)

    def declare_to_consume(self, channel: Any, service: str, lane: str) -> None:
        """Declare the queue of a service and lane, and the exchanges it is bound to."""
        for source in self.sources(service, lane):
            exchange_of(source)(channel).declare()
        self.dead_queue(service, lane)(channel).declare()
        self.queue(service, lane)(channel).declare()
