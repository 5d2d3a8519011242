"""No provider takes longer than it may, whatever it does, in plain threads and in green ones."""

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from itertools import chain, repeat

import eventlet
import pytest
from eventlet.green import socket

from libs.channels.tests.builders import tried, twilio_url

DEADLINE_SECONDS = 2.0
SHORTEST, LONGEST = DEADLINE_SECONDS - 0.1, DEADLINE_SECONDS + 2.0
HTTP = b"HTTP/1.1 201 Created\r\nContent-Length: 100000\r\n\r\n"
TLS = b"\x16\x03\x03\x3f\xff"

DRIPS = {
    "http-headers": ("twilio+http", b"HTTP/1.1 201 Created\r\n", b"x", "unknown"),
    "http-body": ("twilio+http", HTTP, b" ", "unknown"),
    "http-nothing": ("twilio+http", b"", b"", "unknown"),
    "http-handshake": ("twilio+https", TLS, b"\x02", "refused"),
    "smtp-greeting": ("smtp", b"2", b"2", "refused"),
    "smtp-nothing": ("smtp", b"", b"", "refused"),
    "smtp-handshake": ("smtps", TLS, b"\x02", "refused"),
}
"""How the server begins, what it goes on with a byte at a time, and what came of the attempt."""

worlds = pytest.mark.parametrize("world", ["plain", "green"])


@worlds
def test_a_server_that_drips_or_says_nothing_cannot_stretch_the_deadline(world):
    """Planted fault: a timeout for each read, as smtplib and httpx have, never fires here."""
    with ExitStack() as servers:
        urls = [
            url_of(scheme, servers.enter_context(dripping(begins, goes_on)))
            for scheme, begins, goes_on, _ in DRIPS.values()
        ]
        outcomes = dict(zip(DRIPS, tried(world, DEADLINE_SECONDS, urls), strict=True))
    for drip, (*_, result) in DRIPS.items():
        assert outcomes[drip]["result"] == result, drip
        assert SHORTEST < outcomes[drip]["took"] < LONGEST, drip


@worlds
def test_a_blackhole_costs_the_deadline_and_has_nothing(world):
    with ExitStack() as open_ones:
        listening = open_ones.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(3):  # its queue is full: the handshake of the next one is not answered
            waiting = open_ones.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
        port = listening.getsockname()[1]
        for outcome in tried(
            world, DEADLINE_SECONDS, [url_of("twilio+http", port), url_of("smtp", port)]
        ):
            assert outcome["result"] == "refused"
            assert outcome["took"] < LONGEST


@worlds
def test_an_endless_reply_is_cut_short(world):
    """Planted fault: reading a reply to its end fills the memory until the deadline."""
    endless = HTTP.replace(b"100000", b"9999999999")
    with (
        dripping(endless, b" " * 65536, pause=0) as web,
        dripping(b"220-hello\r\n", b"220-hello\r\n" * 1000, pause=0) as mail,
    ):
        urls = [url_of("twilio+http", web), url_of("smtp", mail)]
        first, second = tried(world, DEADLINE_SECONDS, urls)
    assert (first["code"], second["code"]) == ("unreadable_reply", "unreachable")
    assert max(first["took"], second["took"]) < SHORTEST


def url_of(scheme: str, port: int) -> str:
    if scheme.startswith("twilio"):
        return twilio_url(port, scheme)
    return f"{scheme}://127.0.0.1:{port}"


class dripping:  # noqa: N801 - reads as what it does
    """A server that begins in one go and goes on piece by piece; entering gives its port."""

    def __init__(self, begins: bytes, goes_on: bytes, *, pause: float = 0.05) -> None:
        self._pieces: Iterator[bytes] = chain([begins], repeat(goes_on))
        self._pause = pause

    def __enter__(self) -> int:
        self._listening = eventlet.listen(("127.0.0.1", 0))
        self._serving = eventlet.spawn(self._serve)
        return self._listening.getsockname()[1]

    def __exit__(self, *_: object) -> None:
        self._serving.kill()
        self._listening.close()

    def _serve(self) -> None:
        line, _ = self._listening.accept()
        with suppress(OSError):
            for piece in self._pieces:
                line.sendall(piece)
                eventlet.sleep(self._pause)
