"""E-mail by SMTP: one letter a session.

What a server says may repeat the address it was given, so only its code is kept.
"""

import smtplib
import socket
from collections.abc import Callable
from contextlib import closing, suppress
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from channels.attempt import Attempt, attempt, verified
from channels.carrier_url import CarrierUrl
from channels.outcome import Outcome, accepted, refused
from channels.outgoing import Outgoing

BAD_ADDRESS = refused("bad_address", permanent=True)
LONGEST_REPLIES = 64 * 1024
SMTP, STARTTLS, SMTPS = "smtp", "smtp+starttls", "smtps"
PORTS = {SMTP: 25, STARTTLS: 587, SMTPS: 465}


class MailServer:
    """One mail server, and as whom we write. TLS is verified whenever it is spoken, and with
    `smtp+starttls://` and `smtps://` nothing else is."""

    def __init__(self, at: CarrierUrl, sender: str) -> None:
        self.name = at.name
        self._at = at
        self._sender = sender

    def send(
        self, outgoing: Outgoing, *, key: str, seconds: float, may_go: Callable[[], bool]
    ) -> Outcome:
        """Hand over a letter; its Message-ID is made of the key, so a repetition can be told."""
        try:
            letter = self._letter(outgoing, key)
        except (ValueError, IndexError, HeaderParseError):
            return BAD_ADDRESS
        return attempt(lambda one: self._talk(one, letter), seconds=seconds, may_go=may_go)

    def _talk(self, one: Attempt, letter: EmailMessage) -> Outcome:
        try:
            with closing(_Session(self._at, self._sender, one)) as session:
                session.begin(self._at)
                session.send_message(letter)
                with suppress(OSError):  # it is accepted already
                    session.putcmd("quit")
                return accepted(letter["Message-ID"].strip("<>"))
        except (smtplib.SMTPException, OSError) as failure:
            return _outcome_of(failure, one)

    def _letter(self, outgoing: Outgoing, key: str) -> EmailMessage:
        letter = EmailMessage()
        letter["From"] = Address(outgoing.sender_name, addr_spec=self._sender)
        letter["To"] = Address(addr_spec=outgoing.to)
        letter["Subject"] = outgoing.subject
        letter["Date"] = format_datetime(outgoing.dated)
        letter["Message-ID"] = f"<{key}@evenkeel>"
        letter["Auto-Submitted"] = "auto-generated"
        letter.set_content(outgoing.text)
        return letter


class _Session(smtplib.SMTP):
    """A session within an attempt. It names itself by the sender's domain, not by this machine."""

    def __init__(self, at: CarrierUrl, sender: str, one: Attempt) -> None:
        self._one = one
        self._speaks_tls = at.scheme == SMTPS
        super().__init__(
            at.host,
            at.port or PORTS[at.scheme],
            local_hostname=sender.rpartition("@")[2],
            timeout=one.step_seconds,
        )

    def begin(self, at: CarrierUrl) -> None:
        """Greet, go over to TLS, and sign in, as the URL says."""
        self.ehlo_or_helo_if_needed()
        if at.scheme == STARTTLS or (at.scheme == SMTP and self.has_extn("starttls")):
            self.starttls(context=verified())
        if at.user:
            self.login(at.user, at.secret)

    def data(self, msg: bytes | str) -> tuple[int, bytes]:  # type: ignore[override]
        self._one.go()
        return super().data(msg)

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None:
            self.file = _Bounded(self.sock.makefile("rb"))  # type: ignore[assignment]
        return super().getreply()

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        line = socket.create_connection((host, port), timeout)
        self._one.hold(line)
        if self._speaks_tls:
            return verified().wrap_socket(line, server_hostname=host)
        return line


class _Bounded:
    """A server's replies, as long as they stay within reason."""

    def __init__(self, replies: object) -> None:
        self._replies = replies
        self._left = LONGEST_REPLIES

    def readline(self, limit: int) -> bytes:
        line = self._replies.readline(limit)  # type: ignore[attr-defined]
        self._left -= len(line)
        if self._left < 0:
            raise OSError("the server says too much")
        return line

    def close(self) -> None:
        self._replies.close()  # type: ignore[attr-defined]


def _outcome_of(failure: smtplib.SMTPException | OSError, one: Attempt) -> Outcome:
    match failure:
        case smtplib.SMTPRecipientsRefused():
            code, _ = next(iter(failure.recipients.values()))
            return refused(f"smtp_{code}", permanent=code >= 500)
        case smtplib.SMTPDataError():
            return refused(f"smtp_{failure.smtp_code}", permanent=failure.smtp_code >= 500)
        case smtplib.SMTPNotSupportedError():
            return refused("not_supported")
        case smtplib.SMTPResponseException():
            return refused(f"smtp_{failure.smtp_code}")
    return one.lost()
