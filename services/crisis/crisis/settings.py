"""What crisis needs to know besides what every service needs."""

from dataclasses import dataclass

from chassis.settings import PRODUCTION, setting, smtp_url
from chassis.settings import Settings as EveryServicesSettings


@dataclass(frozen=True, kw_only=True)
class Settings(EveryServicesSettings):
    """Settings of crisis: how its pages leave the house."""

    smtp_url: str = setting(smtp_url, means="the mail server that takes pages to staff")
    sender: str = setting(str, means="the address that pages come from")
    desk: str | None = setting(
        str, None, means="the address of the operator's desk, called with all hands"
    )

    def mistakes(self) -> list[str]:
        """Production needs a desk: it is called where a rota turns out to be empty."""
        wrong = super().mistakes()
        if self.environment == PRODUCTION and not self.desk:
            wrong.append("EVENKEEL_CRISIS_DESK is missing: the address of the operator's desk")
        return wrong
