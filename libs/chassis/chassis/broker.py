"""The broker as this house uses it: publish in order with confirms, consume with acknowledgement.

Events arrive fast through it; that they arrive surely is the log's promise, not the broker's.
"""

import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol

import amqp
import eventlet
from kombu.connection import Connection

from chassis.crash_points import reached
from chassis.message import CHANNEL, from_frames, headers_of
from chassis.topology import Topology

CONNECT_TIMEOUT_SECONDS = 3
CLOSE_SECONDS = 3.0
CONFIRM_TIMEOUT_SECONDS = 2.5
"""Below the idle timeout of the leader's database session: a leader that waits longer has lost."""

HEARTBEAT_SECONDS = 10
DRAIN_SECONDS = 0.001
READ_AHEAD_BYTES = 8192
MEMORY_POLLING_SECONDS = 0.01

CONNECTION_ERRORS = (amqp.AMQPError, OSError, socket.timeout)


class PublishFailed(Exception):
    """The broker refused, returned or did not confirm something. The channel is unusable."""


class Publisher(Protocol):
    """One connection that publishes ready frames in order."""

    def publish(self, frames: Sequence[bytes]) -> None:
        """Return when the broker has taken all of them. Raises PublishFailed."""

    def beat(self) -> None:
        """Called while there is nothing to publish. Raises one of CONNECTION_ERRORS when lost."""

    def close(self) -> None: ...


class Broker:
    """Where events travel. One object a process and service; connections are made on demand."""

    def __init__(self, url: str, topology: Topology) -> None:
        self.url = url
        self.topology = topology
        self.in_memory = url.startswith("memory:")

    def connect(self) -> Connection:
        """A new connection, established. Raises one of CONNECTION_ERRORS."""
        connection = Connection(
            self.url,
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            heartbeat=0 if self.in_memory else HEARTBEAT_SECONDS,
            transport_options=(
                {"polling_interval": MEMORY_POLLING_SECONDS}
                if self.in_memory
                else {"read_timeout": None, "write_timeout": CONFIRM_TIMEOUT_SECONDS}
            ),
        )
        connection.connect()
        if not self.in_memory:
            _read_ahead(connection.connection)
        return connection

    def publisher(self, service: str) -> Publisher:
        """A publisher whose exchange and subscribers' queues have been declared."""
        connection = self.connect()
        kind = MemoryPublisher if self.in_memory else AmqpPublisher
        return kind(connection, lambda channel: self.topology.declare_to_publish(channel, service))


class AmqpPublisher:
    """Writes ready frames in one go and waits until the broker has confirmed every one.

    Any nack, return or silence closes the channel for good: a channel opened just after a
    quorum leader died refuses everything for as long as it lives.
    """

    def __init__(self, connection: Connection, declare: Callable[[Any], None]) -> None:
        self._kombu = connection
        self._amqp: Any = connection.connection
        self._channel = self._amqp.channel(CHANNEL)
        declare(self._channel)
        self._channel.confirm_select()
        self._channel.events["basic_ack"].add(self._acked)
        self._channel.events["basic_nack"].add(self._nacked)
        self._channel.events["basic_return"].add(self._returned)
        self._sent = 0
        self._confirmed_upto = 0
        self._confirmed_singly: set[int] = set()
        self._refusal: str | None = None
        self._next_beat = 0.0

    def publish(self, frames: Sequence[bytes]) -> None:
        self._sent += len(frames)
        try:
            with eventlet.Timeout(CONFIRM_TIMEOUT_SECONDS, PublishFailed("not confirmed in time")):
                self._amqp.transport.write(b"".join(frames))
                reached("relay.after_publish")
                while self._unconfirmed() and not self._refusal:
                    self._amqp.drain_events(timeout=CONFIRM_TIMEOUT_SECONDS)
        except CONNECTION_ERRORS as lost:
            raise PublishFailed(type(lost).__name__) from lost
        if self._refusal:
            raise PublishFailed(self._refusal)

    def beat(self) -> None:
        """Read the broker's heartbeats and send ours, or it hangs up on a quiet publisher."""
        if time.monotonic() < self._next_beat:
            return
        self._next_beat = time.monotonic() + HEARTBEAT_SECONDS / 4
        with suppress(TimeoutError):
            while True:
                self._amqp.drain_events(timeout=DRAIN_SECONDS)
        self._kombu.heartbeat_check()

    def close(self) -> None:
        close_quietly(self._kombu)

    def _acked(self, tag: int, multiple: bool) -> None:
        if multiple:
            self._confirmed_upto = max(tag, self._confirmed_upto)
            self._confirmed_singly = {one for one in self._confirmed_singly if one > tag}
        elif tag > self._confirmed_upto:
            self._confirmed_singly.add(tag)

    def _unconfirmed(self) -> int:
        return self._sent - self._confirmed_upto - len(self._confirmed_singly)

    def _nacked(self, _tag: int, _multiple: bool) -> None:
        self._refusal = "refused by the broker"

    def _returned(self, _error: Any, _exchange: str, routing_key: str, _message: Any) -> None:
        self._refusal = f"no queue is bound for {routing_key}"


class MemoryPublisher:
    """The same promise on kombu's in-memory transport, which takes everything at once."""

    def __init__(self, connection: Connection, declare: Callable[[Any], None]) -> None:
        self._kombu = connection
        channel = connection.default_channel
        declare(channel)
        self._producer = connection.Producer(channel=channel)

    def publish(self, frames: Sequence[bytes]) -> None:
        for one in frames:
            message = from_frames(one)
            self._producer.publish(
                message.body,
                exchange=message.exchange,
                routing_key=message.routing_key,
                headers=headers_of(message),
                content_type="application/json",
                content_encoding="utf-8",
            )

    def beat(self) -> None:
        pass

    def close(self) -> None:
        close_quietly(self._kombu)


def _read_ahead(amqp_connection: Any) -> None:
    """Fill the transport's own buffer by the block: it asks the socket for every few bytes."""
    transport = amqp_connection.transport
    receive = transport._quick_recv
    transport._quick_recv = lambda _: receive(READ_AHEAD_BYTES)


def close_in_order(connection: Connection) -> None:
    """Take leave of the broker, so that it has read every acknowledgement before the end."""
    with eventlet.Timeout(CLOSE_SECONDS, False):
        connection.close()


def close_quietly(connection: Connection) -> None:
    """Close a connection that may be dead; a dead one has nothing left to say."""
    with eventlet.Timeout(1, False):
        try:
            connection.collect(socket_timeout=0.5)
        except CONNECTION_ERRORS:
            return
