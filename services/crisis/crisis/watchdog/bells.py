"""How the watchdog calls out: by a mail server of its own, by a command, or both. Neither is the
way that pages take, so that what stops those does not stop this."""

import json
import subprocess
from typing import Protocol

from catalogue.codec import instant
from channels.channel import Channel
from channels.outgoing import EMAIL, Outgoing
from channels.smtp import MailServer
from chassis.logs import log, where
from crisis.watchdog.settings import Settings
from crisis.watchdog.watch import Alarm

COMMAND_SECONDS = 10.0


class Bell(Protocol):
    """A way of calling out."""

    name: str

    def ring(self, alarm: Alarm) -> bool:
        """Call out once. Returns whether somebody took it."""
        ...


class Letter:
    """E-mail to whoever is on duty for the operator."""

    name = EMAIL

    def __init__(self, settings: Settings) -> None:
        servers = [
            MailServer(at, str(settings.watchdog_sender)) for at in settings.watchdog_smtp_url
        ]
        self._channel = Channel(servers, urgent=True)
        self._to = str(settings.watchdog_to)

    def ring(self, alarm: Alarm) -> bool:
        outgoing = Outgoing(to=self._to, subject=alarm.text, text=alarm.text, dated=alarm.since)
        came = self._channel.send(outgoing, key=f"{alarm.code}-{alarm.since:%Y%m%d%H%M%S%f}")
        return came.is_accepted


class Command:
    """A command that is given the alarm as JSON on its standard input: a webhook, a siren."""

    name = "command"

    def __init__(self, settings: Settings) -> None:
        self._words = settings.watchdog_command

    def ring(self, alarm: Alarm) -> bool:
        told = {"alarm": alarm.code, "since": instant(alarm.since), "text": alarm.text}
        try:
            done = subprocess.run(
                self._words, input=json.dumps(told).encode(), timeout=COMMAND_SECONDS,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as failure:
            log.error("watchdog_command_failed", error=where(failure))
            return False
        return done.returncode == 0


def bells_of(settings: Settings) -> list[Bell]:
    """Every way of calling out that is configured; there is one at least."""
    bells: list[Bell] = []
    if settings.watchdog_smtp_url:
        bells.append(Letter(settings))
    if settings.watchdog_command:
        bells.append(Command(settings))
    return bells
