"""A program: writes down what is on the wire, from a queue of its own, with another AMQP client.

Lines of `subject version id` are on the disk before they are acknowledged.
"""

import contextlib
import os
import time
from pathlib import Path
from typing import Any

import pika
from pika.exceptions import AMQPError

from chassis.topology import exchange_of
from evenkeel_ops.drills.ground import Ground
from evenkeel_ops.drills.oracles import Sighting
from evenkeel_ops.drills.tables import PRODUCER

QUEUE = "drill.tap"
PREFETCH = 500


def declare(broker_url: str) -> None:
    """The exchange and the queue of its own, before anything is published."""
    with contextlib.closing(pika.BlockingConnection(pika.URLParameters(broker_url))) as connection:
        channel = connection.channel()
        exchange = exchange_of(PRODUCER).name
        channel.exchange_declare(exchange, "topic", durable=True)
        channel.queue_declare(QUEUE, durable=True, arguments={"x-queue-type": "quorum"})
        channel.queue_bind(QUEUE, exchange, "#")


def run(ground: dict[str, str], file: str) -> None:
    with Path(file).open("a") as book:
        while True:
            try:
                _listen(Ground.of(ground).broker_url, book)
            except (AMQPError, OSError):
                time.sleep(0.1)


def _listen(broker_url: str, book) -> None:
    connection = pika.BlockingConnection(pika.URLParameters(broker_url))
    channel = connection.channel()
    channel.basic_qos(prefetch_count=PREFETCH)
    noted = 0
    delivery: Any
    for delivery in channel.consume(QUEUE, inactivity_timeout=0.02):
        method, properties, _ = delivery
        if method is not None:
            told = properties.headers
            words = (told[f"cloudEvents_{name}"] for name in ("subject", "sequence", "id"))
            book.write(" ".join(words) + "\n")
            noted = method.delivery_tag
        if noted and (method is None or noted % 50 == 0):
            book.flush()
            os.fsync(book.fileno())
            channel.basic_ack(noted, multiple=True)
            noted = 0


def sightings(file: Path) -> list[Sighting]:
    """What the tap has written down so far."""
    lines = file.read_text().split("\n")[:-1] if file.exists() else []
    return [Sighting(s, int(version), event_id) for s, version, event_id in map(str.split, lines)]
