"""What notifications needs to know besides what every service does."""

from collections.abc import Callable
from dataclasses import dataclass

from channels.carrier_url import CarrierUrl, email, email_address, in_the_clear, telephone
from channels.channel import Channel
from channels.outgoing import EMAIL, SMS
from channels.smtp import MailServer
from channels.twilio import Twilio
from chassis import settings as chassis
from chassis.settings import PRODUCTION, setting
from notifications.discretion import said_too_much

RECEIPTS, REPLIES = "/notifications/receipts", "/notifications/replies"


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
    sms_url: tuple[CarrierUrl, ...] = setting(
        telephone, (), means="the telephone companies for texts, in the order they are tried in"
    )
    sender: str = setting(_sender, means="the discreet address that messages come from")

    def mistakes(self) -> list[str]:
        """Production needs TLS, and texts an address to which people may reply STOP."""
        wrong = super().mistakes()
        if terms := said_too_much(self.origin or ""):
            wrong.append(f"EVENKEEL_ORIGIN says too much in a message: {', '.join(terms)}")
        if self.environment == PRODUCTION:
            wrong += in_the_clear("EVENKEEL_SMTP_URL", self.smtp_url or ())
            wrong += in_the_clear("EVENKEEL_SMS_URL", self.sms_url or ())
        if self.origin is None and self.environment == PRODUCTION:
            wrong.append("EVENKEEL_ORIGIN is missing: reminders carry a link to say one can't come")
        elif self.origin is None and self.sms_url:
            wrong.append("EVENKEEL_ORIGIN is missing: texts need an address for what is replied")
        return wrong

    def channels(self, clock: Callable[[], float]) -> dict[str, Channel]:
        """How messages leave the house: by e-mail, and by text where there is a company for it."""
        made = {EMAIL: Channel([MailServer(at, self.sender) for at in self.smtp_url], clock=clock)}
        if self.sms_url:
            receipts = f"{self.origin}{RECEIPTS}"
            companies = [Twilio(at, SMS, receipts) for at in self.sms_url]
            made[SMS] = Channel(companies, clock=clock)
        return made
