"""What the simulated telephone company posts to callbacks: receipts and replies, signed.

The signature is written down here once more, by Twilio's page, so that both sides are checked.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from contextlib import suppress
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen
from uuid import uuid4

from evenkeel_ops.providers.faults import Faults

PATIENCE_SECONDS = 10.0
COURSES = {
    "sms": ("queued", "sent", "delivered"),
    "voice": ("initiated", "ringing", "completed"),
}
UNDELIVERED = {"sms": ("queued", "sent"), "voice": ("initiated", "ringing")}
SOMEBODY_ELSE = "AC" + "f" * 32


def receipts(
    url: str, channel: str, account: str, token: str, reference: str, faults: Faults
) -> None:
    """Post what becomes of one message, as truthfully as the faults allow."""
    if faults.receipts == "foreign":
        account = SOMEBODY_ELSE
    kind = "Call" if channel == "voice" else "Message"
    for status in _course(channel, faults):
        fields = {"AccountSid": account, f"{kind}Sid": reference, f"{kind}Status": status}
        post(url, fields, "not the token" if faults.receipts == "forged" else token)


def reply(url: str, account: str, token: str, *, from_: str, to: str, text: str) -> None:
    """Post what somebody wrote back."""
    fields = {"AccountSid": account, "MessageSid": f"SM{uuid4().hex}"}
    post(url, {**fields, "From": from_, "To": to, "Body": text}, token)


def post(url: str, fields: dict[str, str], token: str) -> None:
    """One signed request. Whoever does not answer is not told again."""
    headers = {"X-Twilio-Signature": signature(url, fields, token)}
    with suppress(URLError, TimeoutError):
        request = Request(url, urlencode(fields).encode(), headers)
        urlopen(request, timeout=PATIENCE_SECONDS).close()


def signature(url: str, fields: dict[str, str], token: str) -> str:
    content = url + "".join(name + value for name, value in sorted(fields.items()))
    made = hmac.new(token.encode(), content.encode(), hashlib.sha1)
    return base64.b64encode(made.digest()).decode()


def _course(channel: str, faults: Faults) -> Iterable[str]:
    course = UNDELIVERED[channel] if faults.delivers == "never" else COURSES[channel]
    match faults.receipts:
        case "none":
            return ()
        case "doubled":
            return [status for status in course for _ in range(2)]
        case "reversed":
            return course[::-1]
    return course
