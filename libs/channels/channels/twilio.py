"""Text messages and calls by Twilio's REST interface, which others offer too.

A reply may repeat the number or the text, so only its code and the message's own id are kept.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode
from xml.sax.saxutils import escape

import httpx

from channels.attempt import Attempt, attempt, verified
from channels.carrier_url import CarrierUrl
from channels.outcome import Outcome, accepted, refused, unknown
from channels.outgoing import VOICE, Outgoing

LONGEST_REPLY = 64 * 1024

BAD_NUMBER = refused("bad_number", permanent=True)
OPTED_OUT = refused("opted_out", permanent=True)
ABOUT_THE_NUMBER = {
    **dict.fromkeys((21211, 21214, 21217, 21401, 21614, 13223, 13224), BAD_NUMBER),
    21610: OPTED_OUT,
}
"""Codes that stay true however often one tries. Any other refusal is of us or of the moment:
https://www.twilio.com/docs/api/errors"""

SOMEBODY_BEHIND_IT_MAY_HAVE_IT = (502, 504)


class Twilio:
    """One provider of text messages, or of calls in which the text is read aloud.

    `callback` is where it posts receipts to; the key is added to it, so that a receipt is known
    also when the reply with the message's id was lost.
    """

    def __init__(self, at: CarrierUrl, channel: str, callback: str | None = None) -> None:
        self.name = at.name
        self._at = at
        self._channel = channel
        self._callback = callback
        kind = "Calls" if channel == VOICE else "Messages"
        self._url = f"{at.origin}/2010-04-01/Accounts/{quote(at.user, safe='')}/{kind}.json"

    def send(
        self, outgoing: Outgoing, *, key: str, seconds: float, may_go: Callable[[], bool]
    ) -> Outcome:
        """Hand over a text or a call; the key goes along, for whoever honours one."""
        number = dialled(outgoing.to)
        if number is None:
            return BAD_NUMBER
        form = self._form(number, outgoing.text, key)
        return attempt(lambda one: self._talk(one, form, key), seconds=seconds, may_go=may_go)

    def _form(self, number: str, text: str, key: str) -> dict[str, str]:
        form = {"To": number, "From": self._at.from_}
        if self._channel == VOICE:
            form["Twiml"] = f"<Response><Say>{escape(text)}</Say></Response>"
        else:
            form["Body"] = text
        if self._callback:
            form["StatusCallback"] = f"{self._callback}?{urlencode({'key': key})}"
        return form

    def _talk(self, one: Attempt, form: Mapping[str, str], key: str) -> Outcome:
        try:
            with (
                httpx.Client(verify=verified(), timeout=one.step_seconds) as client,
                client.stream(
                    "POST",
                    self._url,
                    data=form,
                    auth=(self._at.user, self._at.secret),
                    headers={"Idempotency-Key": key, "Accept-Encoding": "identity"},
                    extensions={"trace": partial(_watch, one)},
                ) as reply,
            ):
                return _outcome_of(reply.status_code, reply.headers, _read(reply))
        except httpx.HTTPError:
            return one.lost()


def said_back(texts: Iterable[str]) -> str:
    """What a callback with a reply is answered with, so that these go back to who wrote it."""
    said = "".join(f"<Message>{escape(text)}</Message>" for text in texts)
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{said}</Response>'


def dialled(number: str) -> str | None:
    """A number as it is dialled from anywhere, or None where it is none."""
    bare = re.sub(r"[ ().-]", "", number)
    return bare if re.fullmatch(r"\+[1-9][0-9]{6,14}", bare) else None


def _watch(one: Attempt, step: str, told: Mapping[str, Any]) -> None:
    """What httpx tells of its connection. Each request has one of its own."""
    if step == "connection.connect_tcp.complete":
        one.hold(told["return_value"].get_extra_info("socket"))
    elif step == "http11.send_request_headers.started":
        one.go()


def _read(reply: httpx.Response) -> dict[str, Any]:
    """The reply's JSON object; an empty one where there is none, or it is too long."""
    body = b""
    for piece in reply.iter_raw():
        body += piece
        if len(body) > LONGEST_REPLY:
            return {}
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _outcome_of(status: int, headers: httpx.Headers, said: Mapping[str, Any]) -> Outcome:
    if 200 <= status < 300:
        reference = said.get("sid")
        return accepted(reference) if isinstance(reference, str) else unknown("unreadable_reply")
    code = said.get("code")
    if isinstance(code, int) and code in ABOUT_THE_NUMBER:
        return ABOUT_THE_NUMBER[code]
    if status in SOMEBODY_BEHIND_IT_MAY_HAVE_IT:
        return unknown(f"http_{status}")
    later = headers.get("Retry-After", "")
    seconds = float(later) if re.fullmatch(r"[0-9]{1,6}", later) else None
    return refused(f"http_{status}", retry_after_seconds=seconds)
