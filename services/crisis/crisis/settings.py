"""What crisis needs to know besides what every service needs."""

from dataclasses import dataclass

from channels.carrier_url import CarrierUrl, email, email_address, in_the_clear
from channels.channel import Channel
from channels.outgoing import EMAIL
from channels.smtp import MailServer
from chassis.settings import PRODUCTION, setting
from chassis.settings import Settings as EveryServicesSettings


@dataclass(frozen=True, kw_only=True)
class Settings(EveryServicesSettings):
    """Settings of crisis: how its pages leave the house."""

    smtp_url: tuple[CarrierUrl, ...] = setting(
        email, means="the mail servers that take pages to staff, in the order they are tried in"
    )
    sender: str = setting(email_address, means="the address that pages come from")
    desk: str | None = setting(
        email_address, None, means="the address of the operator's desk, called with all hands"
    )

    def mistakes(self) -> list[str]:
        """Production needs TLS, and a desk: it is called where a rota turns out to be empty."""
        wrong = super().mistakes()
        if self.environment != PRODUCTION:
            return wrong
        if not self.desk:
            wrong.append("EVENKEEL_CRISIS_DESK is missing: the address of the operator's desk")
        return wrong + in_the_clear("EVENKEEL_SMTP_URL", self.smtp_url or ())

    def channels(self) -> dict[str, Channel]:
        """How pages leave the house. Whoever carries them, a page goes on until one takes it."""
        mail = [MailServer(at, self.sender) for at in self.smtp_url]
        return {EMAIL: Channel(mail, urgent=True)}
