"""The simulated providers as a process.

`python -m evenkeel_ops.providers.process --directory DIR` prints the ports of two mail servers, of
two telephone companies and of `control` as one line of JSON, and listens until its parent dies.
`control` takes POST /faults `{"name": "phone_a", "faults": {…}}` and POST /replies
`{"name": …, "url": …, "from_": …, "to": …, "text": …}`.

It is a process of its own because asyncio and eventlet do not mix in one.
"""

import argparse
import asyncio
import ctypes
import json
import os
import signal
import sys
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from evenkeel_ops.providers import posting
from evenkeel_ops.providers.carrier import Carrier
from evenkeel_ops.providers.faults import Faults
from evenkeel_ops.providers.ledger import Ledger, clock_kept_in
from evenkeel_ops.providers.mail import MailPort
from evenkeel_ops.providers.telephone import TelephonePort

PR_SET_PDEATHSIG = 1
MAIL = ("mail_a", "mail_b")
PHONE = {"phone_a": "a" * 32, "phone_b": "b" * 32}


class Providers:
    """All of them, with one ledger."""

    def __init__(self, ledger: Ledger, loop: asyncio.AbstractEventLoop, mail_port: int) -> None:
        self._loop = loop
        self.ports: dict[str, MailPort | TelephonePort] = {}
        for name, port in zip(MAIL, (mail_port, 0), strict=True):
            self.ports[name] = MailPort(Carrier(name, ledger, forgetful=True), loop, port)
        for name, hexes in PHONE.items():
            carrier = Carrier(name, ledger, forgetful=False)
            self.ports[name] = TelephonePort(carrier, f"AC{hexes}", f"token-of-{name}")

    def set_faults(self, name: str, faults: dict[str, Any]) -> None:
        """From now on; in force when this returns."""
        coming = asyncio.run_coroutine_threadsafe(self.change(name, Faults(**faults)), self._loop)
        coming.result()

    async def change(self, name: str, faults: Faults) -> None:
        port = self.ports[name]
        before, port.carrier.faults = port.carrier.faults, faults
        if faults.down and not before.down:
            await port.shut()
        elif before.down and not faults.down:
            await port.open()

    def reply(self, name: str, url: str, **said: str) -> None:
        company = self.ports[name]
        assert isinstance(company, TelephonePort)
        posting.reply(url, company.account, company.token, **said)


class _Control(BaseHTTPRequestHandler):
    """What tests and drills ask of the providers."""

    def __init__(self, providers: Providers, *given: Any) -> None:
        self.providers = providers
        super().__init__(*given)

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/faults":
            self.providers.set_faults(asked["name"], asked["faults"])
        else:
            self.providers.reply(**asked)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing: standard error is the test's."""


async def serve(ledger: Ledger, mail_port: int, faults: dict[str, dict[str, Any]]) -> None:
    """Listen, say on which ports, and go on for ever."""
    providers = Providers(ledger, asyncio.get_running_loop(), mail_port)
    for port in providers.ports.values():
        await port.open()
    for name, given in faults.items():
        await providers.change(name, Faults(**given))
    control = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Control, providers))
    threading.Thread(target=control.serve_forever, daemon=True).start()
    ports = {name: port.port for name, port in providers.ports.items()}
    print(json.dumps({**ports, "control": control.server_port}), flush=True)
    await asyncio.Event().wait()


def die_with(parent: int | None) -> None:
    """Have the kernel kill this process when its parent dies; `parent` tells if it has already."""
    if ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError("needs Linux: PR_SET_PDEATHSIG was refused")
    if parent is not None and os.getppid() != parent:
        sys.exit("the parent is gone")


def main() -> None:
    read = argparse.ArgumentParser(prog="evenkeel_ops.providers.process", description=__doc__)
    read.add_argument("--directory", type=Path, required=True, help="where the ledger is kept")
    read.add_argument("--mail-port", type=int, default=0, help="of mail_a; 0: any free one")
    read.add_argument("--parent", type=int, help="who started this; the process dies with it")
    read.add_argument("--clock", type=Path, help="a demo's ledger: instants are those of its clock")
    read.add_argument("--faults", type=json.loads, default={}, help='{"mail_a": {"refuse": 451}}')
    given = read.parse_args()
    die_with(given.parent)
    ledger = Ledger(given.directory, given.clock and clock_kept_in(given.clock))
    asyncio.run(serve(ledger, given.mail_port, given.faults))


if __name__ == "__main__":
    main()
