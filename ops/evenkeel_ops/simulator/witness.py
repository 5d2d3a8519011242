"""Who watches the demo may do something on its pages. Whatever is pressed there and granted is
written into the ledger on its way through the front, before and apart from what a service keeps.
"""

from collections.abc import Iterable
from typing import Any

import jwt
from werkzeug.wrappers import Request

from evenkeel_ops.simulator.ledger import Ledger
from web.server import Front

WATCHED = "crisis"
COOKIE = "evenkeel-signed-in"
GRANTED = "303 "
"""How a page answers a form that it took."""


class WitnessedFront(Front):
    """A front whose ledger knows what people pressed on the pages of crisis."""

    def __init__(self, ledger: Ledger, **options: Any) -> None:
        super().__init__(**options)
        self._ledger = ledger

    def mount(self, service: str, app: Any) -> None:
        super().mount(service, self._witnessed(app) if service == WATCHED else app)

    def _witnessed(self, app: Any) -> Any:
        def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            def started(status: str, *more: Any) -> Any:
                if environ["REQUEST_METHOD"] == "POST" and status.startswith(GRANTED):
                    self._note(Request(environ))
                return start_response(status, *more)

            return app(environ, started)

        return answer

    def _note(self, request: Request) -> None:
        """Who pressed what; the service has believed the token, since it granted it."""
        token = request.cookies.get(COOKIE, "")
        if not token:
            return
        claims = jwt.decode(token, options={"verify_signature": False})
        self._ledger.pressed(claims["role"], claims["sub"], request.path)
