"""What crisis needs to know besides what every service needs."""

from collections.abc import Mapping
from dataclasses import dataclass

from channels.carrier_url import CarrierUrl, email, email_address, in_the_clear, telephone
from channels.channel import Channel
from channels.outgoing import EMAIL, SMS, VOICE
from channels.smtp import MailServer
from channels.twilio import Twilio
from chassis.settings import PRODUCTION, setting
from chassis.settings import Settings as EveryServicesSettings
from crisis.record.signing import SigningKey, signing_key

RECEIPTS = "/crisis/receipts"

CarrierUrls = tuple[CarrierUrl, ...]


@dataclass(frozen=True, kw_only=True)
class Settings(EveryServicesSettings):
    """Settings of crisis: how its pages leave the house. A channel without a provider is absent."""

    smtp_url: CarrierUrls | None = setting(
        email,
        None,
        means="the mail servers that take pages to staff, in the order tried",
    )
    sender: str | None = setting(email_address, None, means="the address that pages come from")
    sms_url: CarrierUrls | None = setting(
        telephone, None, means="the providers of text messages, in the order they are tried in"
    )
    voice_url: CarrierUrls | None = setting(
        telephone, None, means="the providers of calls, in the order they are tried in"
    )
    desk: str | None = setting(
        email_address, None, means="the address of the operator's desk, called with all hands"
    )
    timeline_key: SigningKey | None = setting(
        signing_key, None, means="file (mode 0600) with the Ed25519 key that signs timelines, PEM"
    )

    def mistakes(self) -> list[str]:
        """Production needs a way out, TLS, a desk, which is called where a rota turns out to be
        empty, and the key without which nobody can tell whether a timeline was cut off."""
        wrong = super().mistakes()
        if self.smtp_url and not self.sender:
            wrong.append("EVENKEEL_SENDER is missing: the address that pages come from")
        if self.environment != PRODUCTION:
            return wrong
        if not self.desk:
            wrong.append("EVENKEEL_CRISIS_DESK is missing: the address of the operator's desk")
        if not self.timeline_key:
            wrong.append("EVENKEEL_CRISIS_TIMELINE_KEY is missing: the key that signs timelines")
        if (self.sms_url or self.voice_url) and not self.origin:
            wrong.append("EVENKEEL_ORIGIN is missing: where receipts and replies are sent to")
        if not any(self._carriers.values()):
            wrong.append("EVENKEEL_SMTP_URL, _SMS_URL and _VOICE_URL are missing: no page leaves")
        for channel, carriers in self._carriers.items():
            variable = "SMTP" if channel == EMAIL else channel.upper()
            wrong += in_the_clear(f"EVENKEEL_{variable}_URL", carriers)
        return wrong

    def channels(self) -> dict[str, Channel]:
        """How pages leave the house. Whoever carries them, a page goes on until one takes it."""
        return {
            channel: Channel([self._way_out(channel, at) for at in carriers], urgent=True)
            for channel, carriers in self._carriers.items()
            if carriers
        }

    def telephone_company(self, channel: str, name: str) -> CarrierUrl | None:
        """Who carries text messages or calls under this name."""
        companies = {SMS: self.sms_url, VOICE: self.voice_url}.get(channel) or ()
        return next((one for one in companies if one.name == name), None)

    @property
    def _carriers(self) -> Mapping[str, CarrierUrls]:
        return {
            EMAIL: self.smtp_url or (), SMS: self.sms_url or (), VOICE: self.voice_url or (),
        }  # fmt: skip

    def _way_out(self, channel: str, at: CarrierUrl) -> MailServer | Twilio:
        if channel == EMAIL:
            assert self.sender is not None
            return MailServer(at, self.sender)
        receipts = f"{self.origin}{RECEIPTS}/{channel}/{at.name}" if self.origin else None
        return Twilio(at, channel, receipts)
