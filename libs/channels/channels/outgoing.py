"""What goes out: to whom, and the text. Neither shows in a log, whoever prints it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

EMAIL, SMS, VOICE = "email", "sms", "voice"


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """One message to one address or number; `subject`, `sender_name` and `dated` are of e-mail."""

    to: str = field(repr=False)
    text: str = field(repr=False)
    subject: str = field(default="", repr=False)
    sender_name: str = field(default="", repr=False)
    dated: datetime = datetime(1970, 1, 1, tzinfo=UTC)
