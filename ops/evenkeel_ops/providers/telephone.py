"""A simulated telephone company on a port of the loopback address, with Twilio's interface."""

import base64
import json
import threading
import time
from contextlib import suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

from evenkeel_ops.providers import posting
from evenkeel_ops.providers.carrier import Carrier, Tell

DRIP_SECONDS = 0.05
LONGEST_DRIP = 10_000
CHANNELS = {"Messages.json": "sms", "Calls.json": "voice"}


class TelephonePort:
    """Where one telephone company listens, and the account it has for us."""

    def __init__(self, carrier: Carrier, account: str, token: str) -> None:
        self.carrier = carrier
        self.account = account
        self.token = token
        self.port = 0
        self._server: ThreadingHTTPServer | None = None

    async def open(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), partial(_Request, self))
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    async def shut(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()

    def take(self, channel: str, key: str, form: dict[str, str]) -> str:
        """Accept a message or a call. Returns its sid."""
        return self.carrier.accept(
            channel,
            key,
            to=form["To"],
            sender=form["From"],
            text=form["Twiml" if channel == "voice" else "Body"],
            tell=self._teller(channel, form.get("StatusCallback")),
        )

    def _teller(self, channel: str, callback: str | None) -> Tell | None:
        return callback and partial(posting.receipts, callback, channel, self.account, self.token)  # type: ignore[return-value]


class _Request(BaseHTTPRequestHandler):
    """One request; each has a thread and a connection of its own."""

    def __init__(self, company: TelephonePort, *given: Any) -> None:
        self.company = company
        super().__init__(*given)

    def do_POST(self) -> None:
        form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        with suppress(ConnectionError):
            self._answer(form)

    def _answer(self, form: dict[str, str]) -> None:
        company, faults = self.company, self.company.carrier.faults
        if not self._is_signed_in():
            return self._say(401, {"code": 20003, "status": 401})
        if faults.refuse:
            return self._say(faults.refuse, {"code": faults.said, "message": f"No {form['To']}"})
        if faults.hang == "message":
            threading.Event().wait()
        channel = CHANNELS[self.path.rpartition("/")[2]]
        sid = company.take(channel, self.headers.get("Idempotency-Key", ""), form)
        if faults.hang == "answer":
            threading.Event().wait()
        if faults.lose_reply:
            return None
        return self._say(201, {"sid": sid, "status": "queued", "to": form["To"]})

    def _is_signed_in(self) -> bool:
        company = self.company
        right = base64.b64encode(f"{company.account}:{company.token}".encode()).decode()
        path = f"/2010-04-01/Accounts/{company.account}/"
        signed_in = self.headers.get("Authorization") == f"Basic {right}"
        return signed_in and self.path.startswith(path)

    def _say(self, status: int, said: dict[str, Any]) -> None:
        faults = self.company.carrier.faults
        self.send_response(status)
        if faults.retry_after is not None:
            self.send_header("Retry-After", str(faults.retry_after))
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        for _ in range(LONGEST_DRIP if faults.drip else 0):
            self.wfile.write(b" ")
            time.sleep(DRIP_SECONDS)
        self.wfile.write(json.dumps(said).encode())

    def log_message(self, *_: Any) -> None:
        """Nothing: who failed is in the ledger of what was accepted, by its absence."""
