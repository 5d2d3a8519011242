"""Links in messages: each is for one message, says nothing of anybody, and cannot be guessed.

A link is the message's id under a code that only this service can make, so the same message carries
the same link however often it is tried, and nothing has to be kept.
"""

import base64
import binascii
import hmac
from dataclasses import dataclass, field
from typing import Self
from uuid import UUID

from chassis.refusals import NotFound
from notifications.settings import Settings

CODE_BYTES = 16
ABSENCE = "/notifications/absence"


@dataclass(frozen=True)
class Links:
    """The way back to us. Without an origin there is none, as in a house that nobody reaches."""

    origin: str | None
    key: bytes = field(repr=False)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """With a key of their own, made of the service's."""
        return cls(settings.origin, hmac.digest(settings.details_key, b"links", "sha256"))

    def to_absence(self, message_id: UUID) -> str | None:
        """Where the recipient of a message says that they cannot come."""
        token = base64.urlsafe_b64encode(message_id.bytes + self._code(message_id))
        return f"{self.origin}{ABSENCE}/{token.decode().rstrip('=')}" if self.origin else None

    def message_id(self, token: str) -> UUID:
        """The message whose link somebody followed. Raises NotFound for one that is not ours."""
        try:
            read = base64.b64decode(f"{token}=", altchars=b"-_", validate=True)
            message_id = UUID(bytes=read[:-CODE_BYTES])
        except (binascii.Error, ValueError):
            raise NotFound("link") from None
        if not hmac.compare_digest(read[-CODE_BYTES:], self._code(message_id)):
            raise NotFound("link")
        return message_id

    def _code(self, message_id: UUID) -> bytes:
        return hmac.digest(self.key, message_id.bytes, "sha256")[:CODE_BYTES]
