"""Attempts side by side in a process of their own, in plain threads or in green ones; says what
came of each.

Arguments: plain or green, the deadline in seconds, the providers' URLs.
"""

import sys

if sys.argv[1] == "green":
    import eventlet

    eventlet.monkey_patch()

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from channels.carrier_url import email, telephone
from channels.outgoing import Outgoing
from channels.smtp import MailServer
from channels.twilio import Twilio


def tried(url: str, seconds: float) -> dict[str, Any]:
    if url.startswith("twilio"):
        provider, to = Twilio(telephone(url)[0], "sms"), "+12125550144"
    else:
        provider, to = MailServer(email(url)[0], "us@evenkeel.example"), "someone@post.example"
    began = time.monotonic()
    outcome = provider.send(
        Outgoing(to=to, text="Hello."), key="1", seconds=seconds, may_go=lambda: True
    )
    took = time.monotonic() - began
    return {"result": outcome.result, "code": outcome.code, "took": took}


def main(seconds: float, *urls: str) -> None:
    with ThreadPoolExecutor(len(urls)) as side_by_side:
        print(json.dumps(list(side_by_side.map(lambda url: tried(url, seconds), urls))))


if __name__ == "__main__":
    main(float(sys.argv[2]), *sys.argv[3:])
