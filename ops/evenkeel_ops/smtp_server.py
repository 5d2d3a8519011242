"""A mail server for tests and the demo: keeps every message it accepts, sends none on.

`python -m evenkeel_ops.smtp_server --port 0 --directory DIR` prints `{"port": 40123}` and listens
on the loopback address until its parent dies. Each accepted message is one JSON line of
`DIR/accepted.jsonl`, on the disk before the sender hears "250": `message_id` (the header without
its angle brackets), `to`, `sender`, `subject`, `accepted_at`, `text`.

It is a process of its own because asyncio and eventlet do not mix in one.
"""

import argparse
import asyncio
import ctypes
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
ACCEPTED = "accepted.jsonl"


@dataclass(frozen=True)
class SmtpServer:
    """A running server, seen from the process that started it."""

    port: int
    directory: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def accepted(self) -> list[dict[str, Any]]:
        """Every message accepted so far, in order."""
        path = self.directory / ACCEPTED
        if not path.exists():
            return []
        lines = path.read_bytes().split(b"\n")[:-1]  # a line that is being written does not count
        return [json.loads(line) for line in lines]


@contextmanager
def smtp_server(
    directory: Path, *, port: int = 0, refuse: int | None = None, hang: str | None = None
) -> Iterator[SmtpServer]:
    """A server in a process that ends with the block, or with this process, or this thread.

    `refuse` and `hang` are those of the command line.
    """
    command = [sys.executable, "-m", __name__, "--port", str(port), "--directory", str(directory)]
    command += ["--parent", str(os.getpid())]
    command += ["--refuse", str(refuse)] if refuse else []
    command += ["--hang", hang] if hang else []
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            listens_on = json.loads(process.stdout.readline())["port"]
            yield SmtpServer(listens_on, directory, process)
        finally:
            process.kill()


class Mailbox:
    """What becomes of a message: kept, refused with a code, or left without an answer."""

    def __init__(self, directory: Path, refuse: int | None, hang: str | None) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._file = (directory / ACCEPTED).open("ab")
        self._refuse = refuse
        self._hang = hang

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        if self._refuse:
            return f"{self._refuse} refused"
        if self._hang == "message":
            await asyncio.Event().wait()
        self._keep(_line(envelope))
        if self._hang == "answer":
            await asyncio.Event().wait()
        return "250 accepted"

    def _keep(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def _line(envelope: Any) -> dict[str, Any]:
    message = message_from_bytes(envelope.content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    body = message.get_body(("plain",))
    return {
        "message_id": (message["Message-ID"] or "").strip().strip("<>"),
        "to": ", ".join(envelope.rcpt_tos),
        "sender": envelope.mail_from,
        "subject": str(message["Subject"] or ""),
        "accepted_at": datetime.now(UTC).isoformat(),
        "text": body.get_content() if body else "",
    }


async def serve(port: int, mailbox: Mailbox) -> None:
    """Listen on the loopback address, say on which port, and go on for ever."""
    # Whoever only starts this program is spared the import: it may be a process of green threads.
    from aiosmtpd.smtp import SMTP

    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(mailbox, enable_SMTPUTF8=True, ident="evenkeel", loop=loop),
        "127.0.0.1",
        port,
    )
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()


def die_with(parent: int | None) -> None:
    """Have the kernel kill this process when its parent dies; `parent` tells if it has already."""
    if ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError("needs Linux: PR_SET_PDEATHSIG was refused")
    if parent is not None and os.getppid() != parent:
        sys.exit("the parent is gone")


def main() -> None:
    read = argparse.ArgumentParser(prog="evenkeel_ops.smtp_server", description=__doc__)
    read.add_argument("--port", type=int, default=0, help="0: any free one")
    read.add_argument("--directory", type=Path, required=True, help="where messages are kept")
    read.add_argument("--parent", type=int, help="who started this; the process dies with it")
    read.add_argument(
        "--refuse", type=int, nargs="?", const=451, help="answer every message with this code"
    )
    read.add_argument(
        "--hang", choices=("message", "answer"), nargs="?", const="message",
        help="never answer a message; with 'answer' it is kept, only the reply never comes",
    )  # fmt: skip
    given = read.parse_args()
    die_with(given.parent)
    asyncio.run(serve(given.port, Mailbox(given.directory, given.refuse, given.hang)))


if __name__ == "__main__":
    main()
