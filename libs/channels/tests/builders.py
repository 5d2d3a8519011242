"""What the tests of the channels send, and to whom; servers that say what they are told."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import eventlet

from channels.carrier_url import email, telephone
from channels.outgoing import Outgoing
from channels.smtp import MailServer
from channels.twilio import Twilio

SENDER = "appointments@evenkeel.example"
NUMBER = "+1 212 555 0144"
ADDRESS = "someone@post.example"
TEXT = "You have an appointment."
TRIAL = Path(__file__).with_name("trial.py")


def outgoing(to: str = ADDRESS, **given: Any) -> Outgoing:
    at = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
    return Outgoing(to=to, **{"text": TEXT, "subject": "Reminder", "dated": at, **given})


def new_key() -> str:
    return str(uuid4())


def always() -> bool:
    return True


def mail_server(url: str) -> MailServer:
    (at,) = email(url)
    return MailServer(at, SENDER)


def carrier(url: str, channel: str = "sms", callback: str | None = None) -> Twilio:
    (at,) = telephone(url)
    return Twilio(at, channel, callback)


def twilio_url(port: int, scheme: str = "twilio+http") -> str:
    return f"{scheme}://AC1:token@127.0.0.1:{port}/?from=%2B12025550100"


def speaking(
    lines: Iterable[bytes], *, pause: float = 0.0, heard: list[bytes] | None = None
) -> int:
    """A server that sends these lines to whoever connects, hearing something after each where
    `heard` is given, and then nothing; returns its port."""
    listening = eventlet.listen(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listening.accept()
        for line in lines:
            connection.sendall(line)
            eventlet.sleep(pause)
            if heard is not None:
                heard.append(connection.recv(1 << 16))
        connection.recv(1 << 16)

    eventlet.spawn(serve)
    return listening.getsockname()[1]


def tried(world: str, seconds: float, urls: list[str], **environ: str) -> list[dict[str, Any]]:
    """What came of an attempt at each URL, made side by side in a process of this world."""
    command = [sys.executable, "-W", "ignore", str(TRIAL), world, str(seconds), *urls]
    done = subprocess.run(command, env=os.environ | environ, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)
