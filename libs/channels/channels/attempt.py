"""One attempt: a total deadline that no slow peer stretches, and a last moment to call it off.

It runs in a thread of its own, since a name that does not resolve cannot be hurried. The same code
serves threads and, where eventlet has patched the standard library, green threads.
"""

import socket
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import cache

from channels.outcome import Outcome, refused, unknown

SPARE_SECONDS = 1.0
"""By which one step may outlast the deadline. It ends what cannot be hung up: a connection that
is being made."""

Talk = Callable[["Attempt"], Outcome]


class CalledOff(Exception):
    """The deadline passed, or whoever wanted it sent no longer does: nothing has gone."""


class Attempt:
    """What the talking side tells of itself, so that it can be ended from outside."""

    def __init__(self, seconds: float, may_go: Callable[[], bool]) -> None:
        self.step_seconds = seconds + SPARE_SECONDS
        self.has_gone = False
        self._may_go = may_go
        self._is_over = False
        self._lines: list[socket.socket] = []
        self._turn = threading.Lock()

    def go(self) -> None:
        """Called right before what cannot be called back. Raises CalledOff."""
        wanted = self._may_go()
        with self._turn:
            if self._is_over or not wanted:
                raise CalledOff
            self.has_gone = True

    def hold(self, line: socket.socket) -> None:
        """Have a connection hung up at the end; a duplicate, since TLS takes the original away."""
        with self._turn:
            self._lines.append(line.dup())
            is_over = self._is_over
        if is_over:
            self.end()

    def end(self) -> None:
        """Hang up. What has not gone by now never will."""
        with self._turn:
            self._is_over = True
            lines, self._lines = self._lines, []
        for line in lines:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()

    def lost(self) -> Outcome:
        """What a broken connection means."""
        return unknown("cut_off") if self.has_gone else refused("unreachable")

    def timed_out(self) -> Outcome:
        """What the deadline means; from now on nothing goes."""
        self.end()
        return unknown("deadline") if self.has_gone else refused("deadline")


def attempt(talk: Talk, *, seconds: float, may_go: Callable[[], bool]) -> Outcome:
    """What came of `talk`, within so many seconds. Raises what it raises."""
    one = Attempt(seconds, may_go)
    coming: Future[Outcome] = Future()
    threading.Thread(target=_run, args=(talk, one, coming), daemon=True).start()
    try:
        return coming.result(seconds)
    except TimeoutError:
        return one.timed_out()
    finally:
        one.end()


@cache
def verified() -> ssl.SSLContext:
    """Made once: reading the machine's certificates takes longer than sending something."""
    return ssl.create_default_context()


def _run(talk: Talk, one: Attempt, coming: Future[Outcome]) -> None:
    try:
        coming.set_result(talk(one))
    except CalledOff:
        coming.set_result(refused("called_off"))
    except BaseException as failure:  # noqa: BLE001 - raised where the attempt was asked for
        coming.set_exception(failure)
