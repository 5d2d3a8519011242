"""S1: everything three times, in a disorder of fifty, some of it dropped and sent again at the end,
to two competing receivers: each change takes effect once and in its turn."""

import random
from datetime import UTC, datetime
from uuid import UUID

import eventlet
import pytest

from catalogue.codec import encode
from catalogue.sessions import SegmentStarted
from chassis.announce import uuid7
from chassis.message import Message
from chassis.receive import Handlers, Receiver
from evenkeel_ops.drills import oracles
from evenkeel_ops.drills.oracles import Entry
from evenkeel_ops.drills.tables import CLINIC, CONSUMER, HANDLERS, PRODUCER

SUBJECTS, VERSIONS, TIMES, WINDOW, BATCH = 12, 15, 3, 50, 20


@pytest.mark.parametrize("salt", range(3))
def test_misdelivered_events_take_effect_once_and_in_turn(drill_of, seed, salt):
    drill = drill_of()
    chance = random.Random(f"{seed}/{salt}")
    messages = [message(subject, n) for n in range(1, VERSIONS + 1) for subject in range(SUBJECTS)]
    dropped = chance.sample(messages, len(messages) // 20)
    sent = disordered([m for m in messages if m not in dropped] * TIMES, chance) + dropped
    database = drill.ground.database(CONSUMER)
    batches = [sent[at : at + BATCH] for at in range(0, len(sent), BATCH)]

    def receive() -> None:
        receiver = Receiver(database, Handlers(dict(HANDLERS)), "routine")
        while batches:
            receiver.receive(batches.pop(0))

    for thread in [eventlet.spawn(receive) for _ in range(2)]:
        thread.wait()
    ledger = [Entry(one.subject, one.version) for one in messages]
    effects, counters = drill.books.effects(), drill.books.counters()
    database.close()
    assert oracles.lost(ledger, effects) == []
    assert oracles.doubled(effects, counters) == []
    assert oracles.out_of_order(effects) == []
    assert drill.books.set_aside() == []


def disordered(messages, chance):
    """Each message no further than a window from its place."""
    keyed = [(place + chance.uniform(0, WINDOW), one.id, one)
             for place, one in enumerate(messages)]  # fmt: skip
    return [one for _, _, one in sorted(keyed)]


def message(subject: int, version: int) -> Message:
    event = SegmentStarted(
        clinic_id=CLINIC, session_id=UUID(int=subject), segment="group", position=version
    )
    return Message(
        id=(event_id := uuid7()),
        source=PRODUCER,
        type=event.type,
        subject=event.subject,
        version=version,
        time=datetime.now(UTC),
        clinic_id=CLINIC,
        privacy=event.privacy,
        correlation_id=event_id,
        epoch=1,
        body=encode(event),
    )
