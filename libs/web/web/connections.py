"""One HTTP connection under eventlet: limits on what is read, and a polite end."""

import json
import socket
from http import HTTPStatus
from typing import Any

import eventlet
from eventlet import wsgi

from web.problems import PROBLEM_JSON
from web.reading import CLOSE

HEAD_SECONDS = 10
KEEP_ALIVE_SECONDS = 30
STALLED_SECONDS = 30
LINGER_SECONDS = 1.0
LINGER_BYTES = 256 * 1024


class Connection(wsgi.HttpProtocol):
    """Says nothing of its own to logs, and answers what is no HTTP with a problem."""

    lingers = False

    def get_environ(self) -> dict[str, Any]:
        environ = super().get_environ()
        environ[CLOSE] = self._close_after_answer
        return environ

    def parse_request(self) -> bool:
        with eventlet.Timeout(HEAD_SECONDS, False):
            return super().parse_request()
        self.close_connection = True
        return False

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the standard library refuses, without the words of the request."""
        self.close_connection = True
        phrase = HTTPStatus(code).phrase
        name = phrase.lower().replace(" ", "_")
        problem = {
            "type": f"urn:evenkeel:problem:{name}", "title": phrase, "status": int(code),
            "code": name,
        }  # fmt: skip
        body = json.dumps(problem).encode()
        head = (
            f"HTTP/1.1 {int(code)} {phrase}\r\nContent-Type: {PROBLEM_JSON}\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        self.wfile.write(head.encode() + body)

    def log_message(self, *_args: Any) -> None:
        """Lines of the standard library hold paths; requests are counted instead."""

    def finish(self) -> None:
        if self.lingers:
            self._linger()
        super().finish()

    def _close_after_answer(self) -> None:
        self.close_connection = True
        self.lingers = True

    def _linger(self) -> None:
        """Closing over unread bytes resets the connection before the answer has been read."""
        left = LINGER_BYTES
        with eventlet.Timeout(LINGER_SECONDS, False):
            try:
                self.wfile.flush()
                self.connection.shutdown(socket.SHUT_WR)
                while left > 0 and (read := self.connection.recv(16384)):
                    left -= len(read)
            except OSError:
                return
