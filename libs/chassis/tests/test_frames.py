"""The bytes that go to the broker are those that its own client would write."""

from datetime import UTC, datetime

import pytest
from amqp.serialization import dumps

from chassis.announce import uuid7
from chassis.message import Message, from_frames, headers_of, to_frames

ID = uuid7()
MESSAGE = Message(
    id=ID,
    source="crisis",
    type="evenkeel.case.rung_paged.v1",
    subject=f"case/{ID}",
    version=3,
    time=datetime(2026, 11, 23, 9, tzinfo=UTC),
    clinic_id=ID,
    privacy=2,
    correlation_id=ID,
    causation_id=ID,
    body='{"says":"grüß Gott"}'.encode(),
)


@pytest.mark.parametrize("mandatory", [False, True])
def test_the_frames_are_those_of_the_client(mandatory):
    to = ("crisis.events", "case.rung_paged.v1", mandatory, False)
    frames = to_frames(MESSAGE, mandatory=mandatory)
    assert dumps("Bssbb", (0, *to)) in frames
    content = dumps("ssFo", ("application/json", "utf-8", headers_of(MESSAGE), 2))
    assert content in frames
    assert from_frames(frames) == MESSAGE
