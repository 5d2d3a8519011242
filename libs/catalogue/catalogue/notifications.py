"""Events that notifications announces about messages to people."""

from typing import Literal
from uuid import UUID

from catalogue.event import Code, Event
from catalogue.streams import MESSAGE


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
