"""What notifications needs to know besides what every service does."""

from dataclasses import dataclass

from channels.carrier_url import CarrierUrl, email, email_address, in_the_clear
from chassis import settings as chassis
from chassis.settings import PRODUCTION, setting
from notifications.discretion import said_too_much


def _sender(value: str) -> str:
    if terms := said_too_much(email_address(value)):
        raise ValueError(f"says too much to whoever sees a message arrive: {', '.join(terms)}")
    return value


@dataclass(frozen=True, kw_only=True)
class Settings(chassis.Settings):
    """How messages leave, and as whose they appear."""

    smtp_url: tuple[CarrierUrl, ...] = setting(
        email, means="the mail servers, in the order they are tried in"
    )
    sender: str = setting(_sender, means="the discreet address that messages come from")

    def mistakes(self) -> list[str]:
        """Production needs TLS."""
        wrong = super().mistakes()
        if terms := said_too_much(self.origin or ""):
            wrong.append(f"EVENKEEL_ORIGIN says too much in a message: {', '.join(terms)}")
        if self.environment == PRODUCTION:
            wrong += in_the_clear("EVENKEEL_SMTP_URL", self.smtp_url or ())
            if not self.origin:
                wrong.append(
                    "EVENKEEL_ORIGIN is missing: reminders carry a link to say one can't come"
                )
        return wrong
