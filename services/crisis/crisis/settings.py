"""What crisis needs to know besides what every service needs."""

from dataclasses import dataclass

from channels.carrier_url import CarrierUrl, email, email_address, in_the_clear
from channels.channel import Channel
from channels.outgoing import EMAIL
from channels.smtp import MailServer
from chassis.settings import PRODUCTION, setting
from chassis.settings import Settings as EveryServicesSettings
from crisis.record.signing import SigningKey, signing_key


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
    timeline_key: SigningKey | None = setting(
        signing_key, None, means="file (mode 0600) with the Ed25519 key that signs timelines, PEM"
    )

    def mistakes(self) -> list[str]:
        """Production needs TLS, a desk, which is called where a rota turns out to be empty, and the
        key without which nobody can tell whether a timeline was cut off."""
        wrong = super().mistakes()
        if self.environment != PRODUCTION:
            return wrong
        if not self.desk:
            wrong.append("EVENKEEL_CRISIS_DESK is missing: the address of the operator's desk")
        if not self.timeline_key:
            wrong.append("EVENKEEL_CRISIS_TIMELINE_KEY is missing: the key that signs timelines")
        return wrong + in_the_clear("EVENKEEL_SMTP_URL", self.smtp_url or ())

    def channels(self) -> dict[str, Channel]:
        """How pages leave the house. Whoever carries them, a page goes on until one takes it."""
        mail = [MailServer(at, self.sender) for at in self.smtp_url]
        return {EMAIL: Channel(mail, urgent=True)}
