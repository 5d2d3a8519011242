"""Hands one letter to a mail server within a deadline, or raises."""

import smtplib
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from email.message import EmailMessage
from urllib.parse import SplitResult, unquote, urlsplit

DEADLINE_SECONDS = 10.0
ACCEPTED = (220, 250, 251)


class NotAccepted(OSError):
    """The server refused, or the letter was called back."""


class OutcomeUnknown(OSError):
    """The letter had gone when the line broke: the server may have accepted it."""


def hand_over(url: str, letter: EmailMessage, may_go: Callable[[], bool]) -> None:
    """Give a letter to the server at `smtp://` or `smtps://`. Raises OSError, of which
    OutcomeUnknown says that it may have arrived all the same.

    `may_go` is asked at the last moment. The deadline holds for all of it, also against a server
    that answers a byte at a time. A farewell that fails does not undo an acceptance.
    """
    at = urlsplit(url)
    server = _server(at, letter["From"].rpartition("@")[2])
    too_late = threading.Timer(DEADLINE_SECONDS, _hang_up, [server])
    too_late.daemon = True
    too_late.start()
    try:
        _talk(server, at, letter, may_go)
        with suppress(OSError):
            server.putcmd("quit")
    finally:
        too_late.cancel()
        server.close()


def _server(at: SplitResult, our_name: str) -> smtplib.SMTP:
    options = {"local_hostname": our_name, "timeout": DEADLINE_SECONDS}
    if at.scheme == "smtps":
        return smtplib.SMTP_SSL(context=ssl.create_default_context(), **options)
    return smtplib.SMTP(**options)


def _talk(
    server: smtplib.SMTP, at: SplitResult, letter: EmailMessage, may_go: Callable[[], bool]
) -> None:
    host = at.hostname or ""
    server._host = host  # type: ignore[attr-defined]  # the name TLS checks; only __init__ sets it
    _accepted(server.connect(host, at.port or 0))
    server.ehlo_or_helo_if_needed()
    if at.scheme == "smtp" and server.has_extn("starttls"):
        server.starttls(context=ssl.create_default_context())
    if at.username:
        server.login(unquote(at.username), unquote(at.password or ""))
    _accepted(server.mail(letter["From"]))
    _accepted(server.rcpt(letter["To"]))
    if not may_go():
        raise NotAccepted("called back")
    try:
        _accepted(server.data(letter.as_bytes()))
    except (NotAccepted, smtplib.SMTPResponseException):
        raise
    except OSError as lost:
        raise OutcomeUnknown("no reply") from lost


def _accepted(reply: tuple[int, bytes]) -> None:
    if reply[0] not in ACCEPTED:
        raise NotAccepted(str(reply[0]))


def _hang_up(server: smtplib.SMTP) -> None:
    line = server.sock
    if line is not None:
        with suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)
