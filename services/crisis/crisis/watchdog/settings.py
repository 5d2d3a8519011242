"""What the watchdog needs to know. It borrows nothing from the settings of crisis: neither the
database's role, nor the mail servers that take pages."""

import shlex
from dataclasses import dataclass

from channels.carrier_url import CarrierUrl, email, email_address, in_the_clear
from chassis.settings import (
    PRODUCTION,
    FromEnvironment,
    database_url,
    environment_name,
    port_number,
    setting,
)


def command(value: str) -> tuple[str, ...]:
    """The words of a command, which no shell reads. Raises ValueError."""
    words = tuple(shlex.split(value))
    if not words:
        raise ValueError("names no command")
    return words


@dataclass(frozen=True, kw_only=True)
class Settings(FromEnvironment):
    """Where it looks, and how it calls out."""

    environment: str = setting(environment_name, PRODUCTION, means="production, demo or test")
    watchdog_database_url: str = setting(
        database_url, means="the database of crisis, as the role crisis_watch, which only reads"
    )
    watchdog_smtp_url: tuple[CarrierUrl, ...] = setting(
        email, (), means="mail servers that take no pages, in the order they are tried in"
    )
    watchdog_sender: str | None = setting(email_address, None, means="where its letters come from")
    watchdog_to: str | None = setting(email_address, None, means="who is on duty for the operator")
    watchdog_command: tuple[str, ...] = setting(
        command, (), means="a command that is given each alarm as JSON on its standard input"
    )
    watchdog_host: str = setting(str, "127.0.0.1", means="address of its metrics")
    watchdog_port: int = setting(port_number, 9091, means="port of its metrics")

    def mistakes(self) -> list[str]:
        """It needs a way to call out, and in production TLS and PostgreSQL."""
        wrong = self._wrong_with_letters()
        if not self.watchdog_smtp_url and not self.watchdog_command:
            wrong.append(
                "EVENKEEL_WATCHDOG_SMTP_URL and _COMMAND are missing: it could tell nobody"
            )
        if self.environment != PRODUCTION:
            return wrong
        if str(self.watchdog_database_url).startswith("sqlite"):
            wrong.append("EVENKEEL_WATCHDOG_DATABASE_URL is SQLite, which production refuses")
        return wrong + in_the_clear("EVENKEEL_WATCHDOG_SMTP_URL", self.watchdog_smtp_url or ())

    def _wrong_with_letters(self) -> list[str]:
        if not self.watchdog_smtp_url:
            return []
        needed = {"SENDER": self.watchdog_sender, "TO": self.watchdog_to}
        return [
            f"EVENKEEL_WATCHDOG_{name} is missing: letters have one"
            for name, given in needed.items()
            if not given
        ]
