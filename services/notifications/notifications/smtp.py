"""One attempt to hand a letter to the mail server, with a deadline, and what came of it.

What a server says may repeat the address it was given, so only its code is kept.
"""

import smtplib
import ssl
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from functools import cache
from urllib.parse import urlsplit

import eventlet

from notifications.letters import Letter

DEADLINE_SECONDS = 10.0
FAREWELL_SECONDS = 1.0
PORTS = {"smtp": 25, "smtps": 465}


class DeadlinePassed(Exception):
    """An attempt took longer than it may."""


@dataclass(frozen=True)
class Outcome:
    """What came of an attempt: a code, and what follows from it."""

    code: str
    accepted: bool = False
    final: bool = False
    may_have_arrived: bool = False


ACCEPTED = Outcome("accepted", accepted=True)
BAD_ADDRESS = Outcome("bad_address", final=True)
DEADLINE = Outcome("deadline", may_have_arrived=True)
CUT_OFF = Outcome("cut_off", may_have_arrived=True)
UNREACHABLE = Outcome("unreachable")
FAULT = Outcome("fault")


class MailServer:
    """The operator's mail server. TLS is verified whenever the server offers it."""

    def __init__(
        self, url: str, sender: str, *, deadline_seconds: float = DEADLINE_SECONDS
    ) -> None:
        parts = urlsplit(url)
        self._tls = parts.scheme == "smtps"
        self._host = parts.hostname or ""
        self._port = parts.port or PORTS[parts.scheme]
        self._sender = sender
        self._deadline_seconds = deadline_seconds

    def send(self, letter: Letter) -> Outcome:
        """Hand over a letter; its Message-ID is its message's id, the same at every attempt."""
        try:
            mail = self._mail(letter)
        except (ValueError, IndexError, HeaderParseError):
            return BAD_ADDRESS
        try:
            with eventlet.Timeout(self._deadline_seconds, DeadlinePassed):
                return self._hand_over(mail, letter.address)
        except DeadlinePassed:
            return DEADLINE

    def _hand_over(self, mail: EmailMessage, address: str) -> Outcome:
        try:
            server = self._connect()
        except smtplib.SMTPResponseException as refused:
            return Outcome(f"smtp_{refused.smtp_code}")
        except OSError:
            return UNREACHABLE
        try:
            server.send_message(mail, from_addr=self._sender, to_addrs=[address])
        except (smtplib.SMTPException, OSError) as failure:
            return _outcome_of(failure)
        else:
            _take_leave(server)
            return ACCEPTED
        finally:
            server.close()

    def _connect(self) -> smtplib.SMTP:
        """A session that names itself by the sender's domain, not by this machine's name."""
        options = {
            "local_hostname": self._sender.rpartition("@")[2],
            "timeout": self._deadline_seconds,
        }
        if self._tls:
            return smtplib.SMTP_SSL(self._host, self._port, context=_verified(), **options)
        server = smtplib.SMTP(self._host, self._port, **options)
        try:
            server.ehlo_or_helo_if_needed()
            if server.has_extn("starttls"):
                server.starttls(context=_verified())
        except BaseException:
            server.close()
            raise
        return server

    def _mail(self, letter: Letter) -> EmailMessage:
        mail = EmailMessage()
        mail["From"] = Address(addr_spec=self._sender)
        mail["To"] = Address(addr_spec=letter.address)
        mail["Subject"] = letter.subject
        mail["Date"] = format_datetime(letter.dated)
        mail["Message-ID"] = f"<{letter.message_id}@evenkeel>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(letter.text)
        return mail


@cache
def _verified() -> ssl.SSLContext:
    """Made once: reading the machine's certificates takes longer than sending a letter."""
    return ssl.create_default_context()


def _outcome_of(failure: smtplib.SMTPException | OSError) -> Outcome:
    match failure:
        case smtplib.SMTPRecipientsRefused():
            code, _ = next(iter(failure.recipients.values()))
            return Outcome(f"smtp_{code}", final=code >= 500)
        case smtplib.SMTPDataError():
            return Outcome(f"smtp_{failure.smtp_code}", final=failure.smtp_code >= 500)
        case smtplib.SMTPResponseException():
            return Outcome(f"smtp_{failure.smtp_code}")
        case smtplib.SMTPNotSupportedError():
            return Outcome("not_supported", final=True)
    return CUT_OFF


def _take_leave(server: smtplib.SMTP) -> None:
    """The letter is accepted already; a server that is slow to say goodbye changes nothing."""
    with eventlet.Timeout(FAREWELL_SECONDS, False):
        try:
            server.quit()
        except (smtplib.SMTPException, OSError):
            return
