"""One listening socket, served by green threads, that outlives running out of files."""

import errno
from collections.abc import Callable, Iterable
from typing import Any, cast

import eventlet
from eventlet import wsgi
from eventlet.event import Event
from eventlet.greenpool import GreenPool

from chassis.logs import log, where
from web.connections import KEEP_ALIVE_SECONDS, STALLED_SECONDS, Connection

CONNECTIONS = 1000
BACKLOG = 256
PAUSE_SECONDS = 1

WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]


class PortInUse(Exception):
    """Another process listens there already."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(f"{host}:{port} is in use by another process")


class Listener:
    """A port and the connections to it."""

    def __init__(self, host: str, port: int, app: WsgiApp) -> None:
        self.host, self.port = host, port
        self._app = app
        self._pool = GreenPool(CONNECTIONS)
        self._open: dict[Any, list[Any]] = {}
        self._stopping = False
        self._quiet = Event()

    def start(self) -> None:
        """Listen and serve. Raises PortInUse."""
        try:
            # eventlet's default shares the port with whoever listens there already
            self._socket = eventlet.listen(
                (self.host, self.port), backlog=BACKLOG, reuse_port=False
            )
        except OSError as failure:
            if failure.errno != errno.EADDRINUSE:
                raise
            raise PortInUse(self.host, self.port) from None
        self.port = self._socket.getsockname()[1]
        self._server = wsgi.Server(
            self._socket,
            self._socket.getsockname(),
            self._app,
            protocol=Connection,
            log_output=False,
            debug=False,
            keepalive=cast(bool, KEEP_ALIVE_SECONDS),
            socket_timeout=STALLED_SECONDS,
        )
        self._accepting = eventlet.spawn(self._accept)

    def stop(self, deadline: float) -> int:
        """Take no more, let requests finish. Returns how many were cut off at the deadline."""
        self._stopping = True
        self._socket.close()
        self._accepting.kill()  # closing does not wake it, and its file number is used again
        self._server.keepalive = False
        for state in list(self._open.values()):
            if state[2] == wsgi.STATE_IDLE:
                _shut(state[1])
        if self._open:
            self._quiet.wait(timeout=deadline)
        left = list(self._open.values())
        for state in left:
            _shut(state[1])
        return len(left)

    def _accept(self) -> None:
        while not self._stopping:
            try:
                connection, address = self._socket.accept()
            except OSError as failure:
                if self._stopping:
                    return
                # out of files, or a client gone before it was taken: neither ends the service
                log.warning("not_accepted", port=self.port, error=where(failure))
                eventlet.sleep(PAUSE_SECONDS)
                continue
            connection.settimeout(STALLED_SECONDS)
            state = [address, connection, wsgi.STATE_IDLE]
            self._open[connection] = state
            self._pool.spawn_n(self._serve, state)

    def _serve(self, state: list[Any]) -> None:
        connection = state[1]
        try:
            self._server.process_request(state)
        except OSError:
            return  # the client went away: there is nobody to tell
        except Exception as failure:  # noqa: BLE001 - one connection must not end the others
            log.error("connection_failed", port=self.port, error=where(failure))
        finally:
            connection.close()
            del self._open[connection]
            if self._stopping and not self._open and not self._quiet.ready():
                self._quiet.send()


def _shut(connection: Any) -> None:
    try:
        connection.shutdown(2)
    except OSError:
        return
