"""The front of a process: one port for its services, one internal port for its keepers.

Requests go by the first segment of their path. Health, readiness and metrics are answered here,
never by a worker, so that a busy service still answers them.
"""

import json
from collections.abc import Callable, Collection, Iterable
from typing import Any
from uuid import uuid4

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response

from web import site
from web.listening import Listener, PortInUse, WsgiApp
from web.problems import Problem

__all__ = ["Front", "PortInUse"]

STOP_SECONDS = 20.0
LOOPBACK = "127.0.0.1"

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
CLOSED_POLICY = "default-src 'none'; frame-ancestors 'none'"
PAGE_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'self'"
)


class Front:
    """Serves the applications mounted on it. Port 0 is any free one; `port` says which.

    `ready(service)` names what a service still lacks before it can take requests; nothing is
    ready. `drain` is called once, when a keeper asks the process to take no more work.
    """

    def __init__(
        self,
        host: str = LOOPBACK,
        port: int = 8000,
        *,
        internal_host: str = LOOPBACK,
        internal_port: int = 0,
        ready: Callable[[str], Collection[str]] = lambda service: (),
        drain: Callable[[], None] = lambda: None,
    ) -> None:
        self.draining = False
        self._apps: dict[str, WsgiApp] = {}
        self._endings: list[Callable[[], None]] = []
        self._ready = ready
        self._drain = drain
        self._public = Listener(host, port, self._answer_public)
        self._internal = Listener(internal_host, internal_port, self._answer_internal)

    @property
    def port(self) -> int:
        return self._public.port

    @property
    def internal_port(self) -> int:
        return self._internal.port

    def mount(self, service: str, app: WsgiApp) -> None:
        """Give an application all paths below `/<service>`."""
        self._apps[service] = app

    def at_stop(self, ending: Callable[[], None]) -> None:
        """Call this once no more requests are taken: what would not end by itself must end."""
        self._endings.append(ending)

    def start(self) -> None:
        """Listen on both ports. Raises PortInUse."""
        self._internal.start()
        self._public.start()

    def stop(self, deadline: float = STOP_SECONDS) -> int:
        """Take no more requests, let those under way finish. Returns how many were cut off."""
        self.draining = True
        for ending in self._endings:
            ending()
        cut_off = self._public.stop(deadline)
        self._internal.stop(0)
        return cut_off

    def _answer_public(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        service, _, rest = path.lstrip("/").partition("/")
        if site.answers(path):
            app = site.application
        elif service in self._apps:
            app = self._app(service, rest)
        else:
            app = site.not_found(environ)
        return app(environ, _guarding(start_response))

    def _app(self, service: str, rest: str) -> WsgiApp:
        if rest == "health":
            return _json(200, {"status": "live"})
        if rest == "ready":
            return self._readiness(service)
        return self._apps[service]

    def _readiness(self, service: str) -> Response:
        lacking = ["draining"] if self.draining else sorted(self._ready(service))
        return _json(503 if lacking else 200, {"ready": not lacking, "lacking": lacking})

    def _answer_internal(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        match environ["PATH_INFO"]:
            case "/metrics":
                answer = Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)
            case "/health":
                answer = _json(200, {"status": "live"})
            case "/drain":
                answer = self._start_draining()
            case _:
                answer = Problem(404, "not_found").response(uuid4())
        return answer(environ, _guarding(start_response))

    def _start_draining(self) -> Response:
        if not self.draining:
            self.draining = True
            self._drain()
        return _json(202, {"status": "draining"})


def _guarding(start_response: Any) -> Any:
    """Add what every answer says to browsers, unless it has said so itself."""

    def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        kept = Headers(headers)
        page = kept.get("Content-Type", "").startswith("text/html")
        kept.setdefault("Content-Security-Policy", PAGE_POLICY if page else CLOSED_POLICY)
        kept.setdefault("Cache-Control", "no-store")
        for name, value in HEADERS.items():
            kept.setdefault(name, value)
        return start_response(status, kept.to_wsgi_list(), exc_info)

    return start


def _json(status: int, content: dict[str, Any]) -> Response:
    return Response(json.dumps(content), status=status, content_type="application/json")
