"""Events that notifications announces about messages to people."""

from typing import Literal
from uuid import UUID

from catalogue.event import Code, Event
from catalogue.streams import MESSAGE, REPLY


class MessageSent(Event, stream=MESSAGE, privacy=2):
    """A provider accepted a message for a person."""

    message_id: UUID
    recipient_id: UUID
    template: Code
    channel: Literal["email"]


class MessageSkipped(Event, stream=MESSAGE, privacy=2):
    """A message was not sent, and the reason is known."""

    message_id: UUID
    recipient_id: UUID
    template: Code
    reason: Code


class AbsenceAnnounced(Event, stream=REPLY, privacy=2):
    """A participant said, before it began, that they cannot come to one programme day."""

    reply_id: UUID
    participant_id: UUID
    occurrence_id: UUID
