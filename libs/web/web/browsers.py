"""What a browser brings: the cookie that says who is signed in, and proof that a form is ours.

It holds the issuer's own signed token and nothing else, so no service keeps a session.
"""

import hashlib
import hmac
import time
from dataclasses import dataclass

import jwt
from werkzeug.wrappers import Request, Response

from chassis.settings import PRODUCTION
from web.callers import ANYONE, SERVICE, Caller, Callers
from web.problems import Problem

PROOF = "proof"
"""The hidden field of a form that another site cannot know."""

OUT_OF_DATE = "form_out_of_date"
"""What is wrong with a form that was shown before its sender signed in anew."""


@dataclass(frozen=True)
class Visitor:
    """Who looks at a page, until when, in seconds since 1970, and whether they may stay longer."""

    caller: Caller = ANYONE
    token: str = ""
    until: int = 0
    stays: bool = False

    @classmethod
    def of(cls, caller: Caller, token: str, *, stays: bool = False) -> "Visitor":
        """Somebody whose token has been verified."""
        claims = jwt.decode(token, options={"verify_signature": False})
        return cls(caller, token, int(claims["exp"]), stays)

    @property
    def left(self) -> int:
        """The seconds for which this is still so."""
        return max(self.until - int(time.time()), 0)

    @property
    def proof(self) -> str:
        """What a form of this visitor carries; only who has the cookie can know it."""
        return hmac.new(self.token.encode(), b"form", hashlib.sha256).hexdigest()

    def must_have_sent(self, request: Request, proof: str) -> None:
        """Raises 403 for a form that another site had sent.

        Who is not signed in brings nothing that another site could abuse.
        """
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
            raise Problem(403, "sent_from_elsewhere")
        if self.token and not hmac.compare_digest(proof.encode(), self.proof.encode()):
            raise Problem(403, OUT_OF_DATE)


class Cookies:
    """Cookies for the whole origin, which no script can read. Only the demo's are not Secure."""

    def __init__(self, environment: str) -> None:
        self._secure = environment == PRODUCTION

    def get(self, request: Request, name: str) -> str:
        return request.cookies.get(self._named(name), "")

    def put(self, response: Response, name: str, value: str, seconds: int) -> None:
        kind = {"path": "/", "httponly": True, "samesite": "Lax", "secure": self._secure}
        response.set_cookie(self._named(name), value, max_age=seconds, **kind)

    def drop(self, response: Response, name: str) -> None:
        self.put(response, name, "", 0)

    def _named(self, name: str) -> str:
        """The prefix has browsers refuse one that was not set by us over TLS."""
        return f"__Host-evenkeel-{name}" if self._secure else f"evenkeel-{name}"


SIGNED_IN, STAYING = "signed-in", "staying"
"""The cookies with the issuer's access token, and with its refresh token."""


def visitor_of(request: Request, callers: Callers, cookies: Cookies) -> Visitor:
    """Who looks; somebody whose token is no longer good is anybody."""
    token = cookies.get(request, SIGNED_IN)
    try:
        caller = callers.verify(f"Bearer {token}")
    except Problem:
        return Visitor()
    if caller.role == SERVICE:
        return Visitor()
    return Visitor.of(caller, token, stays=bool(cookies.get(request, STAYING)))
