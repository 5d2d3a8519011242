"""A broker that can be away: it refuses to publish, delivers nothing, and forgets what it held.

outage = Outage()
house = House.embedded(directory, broker_class=outage.broker)
with outage:
    ...
"""

from collections.abc import Sequence
from typing import Any

from kombu.connection import Connection
from kombu.transport import memory

from chassis.broker import Broker, Publisher, PublishFailed
from chassis.topology import Topology


class Outage:
    """A switch for every broker that was made by it."""

    def __init__(self) -> None:
        self.lasts = False

    def broker(self, url: str, topology: Topology) -> Broker:
        """A broker that is away while the outage lasts."""
        return _Broker(url, topology, self)

    def __enter__(self) -> "Outage":
        self.lasts = True
        forget_queued()
        return self

    def __exit__(self, *_: Any) -> None:
        forget_queued()
        self.lasts = False


class _Broker(Broker):
    def __init__(self, url: str, topology: Topology, outage: Outage) -> None:
        super().__init__(url, topology)
        self._outage = outage

    def connect(self) -> Connection:
        if self._outage.lasts:
            raise ConnectionRefusedError("the broker is away")
        return super().connect()

    def publisher(self, service: str) -> Publisher:
        return _Publisher(super().publisher(service), self._outage)


class _Publisher:
    def __init__(self, publisher: Publisher, outage: Outage) -> None:
        self._publisher = publisher
        self._outage = outage

    def publish(self, frames: Sequence[bytes]) -> None:
        if self._outage.lasts:
            raise PublishFailed("the broker is away")
        self._publisher.publish(frames)

    def beat(self) -> None:
        self._publisher.beat()

    def close(self) -> None:
        self._publisher.close()


def forget_queued() -> None:
    """Empty every queue of the in-memory broker; bindings stay, as they do on a real one."""
    for queue in memory.Channel.queues.values():
        queue.queue.clear()
