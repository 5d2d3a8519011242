"""Running simulated providers, seen from the process that started them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

from evenkeel_ops.providers import ledger
from evenkeel_ops.providers.faults import Faults

PROCESS = "evenkeel_ops.providers.process"
NUMBER = "+12025550100"
"""From which all of them send."""


@dataclass(frozen=True)
class Providers:
    """Where they are, what they were told to do, and what they did."""

    ports: dict[str, int]
    directory: Path
    process: subprocess.Popen[bytes]

    def smtp_url(self, name: str = "mail_a") -> str:
        return f"smtp://127.0.0.1:{self.ports[name]}"

    def twilio_url(self, name: str = "phone_a") -> str:
        account = f"AC{name[-1] * 32}:token-of-{name}"
        return f"twilio+http://{account}@127.0.0.1:{self.ports[name]}/?from={quote(NUMBER)}"

    def accepted(self) -> list[dict[str, Any]]:
        """Everything accepted so far, in order."""
        return ledger.read(self.directory, "accepted")

    def delivered(self) -> list[dict[str, Any]]:
        """Everything delivered so far, in order, a second delivery once more."""
        return ledger.read(self.directory, "delivered")

    def fail(self, name: str, **faults: Any) -> None:
        """Have a provider behave so from now on; without faults, as it should."""
        self._ask("/faults", {"name": name, "faults": asdict(Faults(**faults))})

    def reply(self, name: str, url: str, *, from_: str, text: str) -> None:
        """Have somebody write back; the provider posts it to the URL."""
        self._ask("/replies", {
            "name": name, "url": url, "from_": from_, "to": NUMBER, "text": text,
        })  # fmt: skip

    def _ask(self, path: str, body: dict[str, Any]) -> None:
        url = f"http://127.0.0.1:{self.ports['control']}{path}"
        urlopen(Request(url, json.dumps(body).encode()), timeout=10).close()


@contextmanager
def providers(
    directory: Path, *, mail_port: int = 0, clock: Path | None = None, **mail_faults: Any
) -> Iterator[Providers]:
    """Providers in a process that ends with the block, or with this process, or this thread.

    `clock` is the ledger of a demo by whose clock they note instants; `mail_faults` are of the
    first mail server, from the start.
    """
    faults = {"mail_a": asdict(Faults(**mail_faults))}
    command = [sys.executable, "-m", PROCESS, "--directory", str(directory)]
    command += ["--mail-port", str(mail_port), "--parent", str(os.getpid())]
    command += ["--clock", str(clock)] if clock else []
    command += ["--faults", json.dumps(faults)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            yield Providers(json.loads(process.stdout.readline()), directory, process)
        finally:
            process.kill()
