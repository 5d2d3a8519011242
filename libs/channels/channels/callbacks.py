"""What a provider posts to us: receipts and inbound replies, believed only when it signed them.

The scheme is Twilio's: HMAC-SHA1 under the account's token of the URL and every posted field. The
URL holds our key of the message, so a receipt is of no use for another one.
https://www.twilio.com/docs/usage/security#validating-requests
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from channels import receipt
from channels.carrier_url import CarrierUrl
from channels.receipt import Receipt

STATUSES = {
    "accepted": receipt.QUEUED,
    "scheduled": receipt.QUEUED,
    "queued": receipt.QUEUED,
    "sending": receipt.QUEUED,
    "sent": receipt.SENT,
    "delivered": receipt.DELIVERED,
    "read": receipt.DELIVERED,
    "undelivered": receipt.UNDELIVERABLE,
    "failed": receipt.FAILED,
    "canceled": receipt.FAILED,
    "initiated": receipt.QUEUED,
    "ringing": receipt.SENT,
    "in-progress": receipt.SENT,
    "completed": receipt.DELIVERED,
    "busy": receipt.FAILED,
    "no-answer": receipt.FAILED,
}


class Forged(Exception):
    """Not to be believed; says only what is wrong: the signature, the account or the message."""


@dataclass(frozen=True)
class Reply:
    """Something a person wrote back."""

    reference: str
    from_: str = field(repr=False)
    to: str = field(repr=False)
    text: str = field(repr=False)


class Callbacks:
    """Of one account with a provider."""

    def __init__(self, at: CarrierUrl) -> None:
        self._at = at

    def receipt(
        self, url: str, fields: Mapping[str, str], signature: str, *, about: str | None = None
    ) -> Receipt:
        """The receipt in a request to `url`, exactly as the provider was given it. `about` is the
        reference that it must speak of, once that is known. Raises Forged."""
        self._must_be_ours(url, fields, signature)
        reference = fields.get("MessageSid") or fields.get("CallSid") or ""
        if not reference or (about is not None and reference != about):
            raise Forged("message")
        said = fields.get("MessageStatus") or fields.get("CallStatus") or ""
        return Receipt(
            reference, STATUSES.get(said, receipt.UNKNOWN), fields.get("ErrorCode") or None
        )

    def reply(self, url: str, fields: Mapping[str, str], signature: str) -> Reply:
        """What somebody wrote back. Raises Forged."""
        self._must_be_ours(url, fields, signature)
        reference = fields.get("MessageSid", "")
        if not reference:
            raise Forged("message")
        return Reply(
            reference, fields.get("From", ""), fields.get("To", ""), fields.get("Body", "")
        )

    def _must_be_ours(self, url: str, fields: Mapping[str, str], signature: str) -> None:
        right = signed(url, fields, self._at.secret)
        if not hmac.compare_digest(right.encode(), _bytes(signature)):
            raise Forged("signature")
        if fields.get("AccountSid") != self._at.user:
            raise Forged("account")


def account_of(carriers: Iterable[CarrierUrl], fields: Mapping[str, str]) -> Callbacks:
    """The account of ours that these fields name. Raises Forged."""
    for at in carriers:
        if at.user == fields.get("AccountSid"):
            return Callbacks(at)
    raise Forged("account")


def signed(url: str, fields: Mapping[str, str], token: str) -> str:
    """The signature that goes with these fields to this URL."""
    content = url + "".join(f"{name}{fields[name]}" for name in sorted(fields))
    digest = hmac.new(token.encode(), _bytes(content), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def _bytes(text: str) -> bytes:
    """Also of what is no text: it is then not rightly signed, and nothing worse."""
    return text.encode(errors="surrogatepass")
