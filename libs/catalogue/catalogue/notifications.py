"""Events that notifications announces about messages to people."""

from typing import Literal
from uuid import UUID

from catalogue.event import Code, Event
from catalogue.streams import MESSAGE, REPLY


class MessageSent(Event, stream=MESSAGE, privacy=2):
    """A mail server accepted a message for a person."""

    message_id: UUID
    recipient_id: UUID
    template: Code
    channel: Literal["email"]


class MessageTexted(Event, stream=MESSAGE, privacy=2):
    """A telephone company accepted a message for a person, as a text."""

    message_id: UUID
    recipient_id: UUID
    template: Code


class MessageUndelivered(Event, stream=MESSAGE, privacy=2):
    """Who carried a message said later that it did not arrive. It goes by another channel that was
    agreed to, or is given up."""

    message_id: UUID
    recipient_id: UUID
    template: Code
    channel: Code


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
