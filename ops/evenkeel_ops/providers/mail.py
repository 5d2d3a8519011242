"""A simulated mail server on a port of the loopback address."""

import asyncio
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP

from evenkeel_ops.providers.carrier import Carrier

DRIP_SECONDS = 0.05


class MailPort:
    """Where one mail server listens. Its methods are called by the thread of `loop`."""

    def __init__(self, carrier: Carrier, loop: asyncio.AbstractEventLoop, port: int = 0) -> None:
        self.carrier = carrier
        self.port = port
        self._loop = loop
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        self._server = await self._loop.create_server(self._session, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        if self._server:
            self._server.close()

    def _session(self) -> SMTP:
        return SMTP(self, enable_SMTPUTF8=True, ident="evenkeel", loop=self._loop)

    async def handle_DATA(self, server: SMTP, _session: Any, envelope: Any) -> str:  # noqa: N802
        faults = self.carrier.faults
        if faults.refuse:
            return f"{faults.refuse} refused"
        if faults.hang == "message":
            await asyncio.Event().wait()
        self._keep(envelope)
        if faults.hang == "answer":
            await asyncio.Event().wait()
        assert isinstance(server.transport, asyncio.Transport)
        if faults.lose_reply:
            server.transport.abort()
        while faults.drip and not server.transport.is_closing():
            server.transport.write(b"2")
            await asyncio.sleep(DRIP_SECONDS)
        return "250 accepted"

    def _keep(self, envelope: Any) -> None:
        letter = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(letter, EmailMessage)
        body = letter.get_body(("plain",))
        self.carrier.accept(
            "email",
            (letter["Message-ID"] or "").strip().strip("<>"),
            to=", ".join(envelope.rcpt_tos),
            sender=envelope.mail_from,
            subject=str(letter["Subject"] or ""),
            text=body.get_content() if body else "",
        )
