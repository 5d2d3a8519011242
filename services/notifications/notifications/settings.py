"""What notifications needs to know besides what every service does."""

from dataclasses import dataclass
from email.errors import HeaderParseError
from email.headerregistry import Address

from chassis import settings as chassis
from chassis.settings import setting, smtp_url
from notifications.discretion import said_too_much


def _sender(value: str) -> str:
    try:
        Address(addr_spec=value)
    except (ValueError, IndexError, HeaderParseError):
        raise ValueError("must be a plain e-mail address") from None
    if terms := said_too_much(value):
        raise ValueError(f"says too much to whoever sees a message arrive: {', '.join(terms)}")
    return value


@dataclass(frozen=True, kw_only=True)
class Settings(chassis.Settings):
    """How messages leave, and as whose they appear."""

    smtp_url: str = setting(smtp_url, means="the mail server, smtp:// or smtps://")
    sender: str = setting(_sender, means="the discreet address that messages come from")
