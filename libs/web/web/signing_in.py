"""Sign-in: OpenID Connect's authorization code flow with PKCE, in whichever service people came to.

What must be remembered meanwhile travels in a cookie of ten minutes; what comes of it is the
issuer's own signed token, in the one cookie for the origin, and its refresh token in another, where
it gives one: by it somebody who is active stays signed in. No service keeps anything.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import astuple, dataclass
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit
from uuid import UUID

import httpx
from werkzeug.routing import Rule
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from chassis.logs import log, where
from web import rendering
from web.browsers import PROOF, SIGNED_IN, STAYING, Cookies, Visitor, visitor_of
from web.callers import Door, Issuer, signed_in_by
from web.forms import Form
from web.problems import Problem

UNDER_WAY = "signing-in"
UNDER_WAY_SECONDS = 600
STAY_SECONDS = 900
"""Who does nothing for fifteen minutes is signed out."""

ISSUER_SECONDS = 5.0
SCOPE = "openid"
START, BACK = "/", "/sign-in/callback"
STATUS_OF = {"": 200, "lost": 400, "refused": 403, "away": 503}


class NotSignedIn(Exception):
    """Why somebody is not, as the page says it: one of `STATUS_OF`."""


@dataclass(frozen=True)
class UnderWay:
    """A sign-in that has begun: what its end must fit, and where to go then."""

    issuer: str
    state: str
    nonce: str
    verifier: str
    to: str

    @classmethod
    def begin(cls, issuer: str, to: str) -> "UnderWay":
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        return cls(issuer, state, nonce, verifier, to)

    @classmethod
    def of(cls, cookie: str) -> "UnderWay | None":
        try:
            return cls(*json.loads(base64.urlsafe_b64decode(cookie)))
        except (ValueError, TypeError):
            return None

    @property
    def cookie(self) -> str:
        return base64.urlsafe_b64encode(json.dumps(astuple(self)).encode()).decode()

    @property
    def challenge(self) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass(frozen=True)
class Step:
    """One path of the sign-in, for the application to route."""

    method: str
    path: str
    take: Callable[[Request], Response]

    def rule(self, service: str) -> Rule:
        return Rule(f"/{service}{self.path}", methods=[self.method], endpoint=self)

    def answer(self, request: Request, _path: dict[str, Any], _correlation_id: UUID) -> Response:
        return self.take(request)

    def refused(self, problem: Problem, _request: Request, correlation_id: UUID) -> Response:
        return rendering.refusal(problem, correlation_id)


def sign_in(config: Any) -> list[Step]:
    """The paths by which people sign in to a service, and out."""
    desk = SignIn(config)
    return [
        Step("GET", "/sign-in", desk.offer),
        Step("GET", "/sign-in/start", desk.start),
        Step("GET", BACK, desk.come_back),
        Step("GET", "/sign-in/done", desk.done),
        Step("POST", "/sign-in/renewal", desk.stay),
        Step("POST", "/sign-out", desk.sign_out),
    ]


class SignIn:
    """Signs people in to one service."""

    def __init__(self, config: Any) -> None:
        self._config = config
        self._service = config["runtime"].service
        self._cookies = Cookies(config["runtime"].environment)

    def offer(self, request: Request) -> Response:
        """The page that says what signing in is, and leads there."""
        return self._page(request.args.get("to"))

    def start(self, request: Request) -> Response:
        """Send the browser to the issuer."""
        issuer, door = self._door(request.args.get("with"))
        begun = UnderWay.begin(issuer.name, own_path(request.args.get("to")))
        try:
            address = self._known_to(issuer, door, "authorization_endpoint")
        except NotSignedIn as failure:
            return self._page(begun.to, failure.args[0])
        asked = {
            "response_type": "code", "scope": SCOPE, "client_id": door.client_id,
            "redirect_uri": self._callback(request, door),
            "state": begun.state, "nonce": begun.nonce,
            "code_challenge": begun.challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        answer = redirect(f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}", 303)
        self._cookies.put(answer, UNDER_WAY, begun.cookie, UNDER_WAY_SECONDS)
        return answer

    def come_back(self, request: Request) -> Response:
        """The issuer sends the browser here with a code, which is worth one token."""
        begun = UnderWay.of(self._cookies.get(request, UNDER_WAY))
        state = request.args.get("state", "")
        if begun is None or not secrets.compare_digest(state.encode(), begun.state.encode()):
            return self._page(None, "lost")
        try:
            visitor, stays_by = self._redeemed(request, begun)
        except (NotSignedIn, Problem) as failure:
            why = failure.args[0] if isinstance(failure, NotSignedIn) else "refused"
            log.warning("not_signed_in", service=self._service, error=where(failure))
            answer = self._page(begun.to, why)
        else:
            answer = redirect(begun.to, 303)
            self._cookies.put(answer, SIGNED_IN, visitor.token, visitor.left)
            self._stay_by(answer, stays_by)
        self._cookies.drop(answer, UNDER_WAY)
        return answer

    def done(self, request: Request) -> Response:
        """Where a tab ends that was opened to stay signed in; it tells the others."""
        visitor = self._visitor(request)
        if not visitor.token:
            return self._page(None, "refused")
        return rendering.page("web/signed_in.html", {"visitor": visitor, "service": self._service})

    def sign_out(self, request: Request) -> Response:
        """Forget who was signed in here, and have the issuer forget that they might stay."""
        visitor = self._visitor(request)
        visitor.must_have_sent(request, Form.of(request).sent.get(PROOF, ""))
        if visitor.stays:
            self._revoke(visitor, self._cookies.get(request, STAYING))
        answer = redirect(START, 303)
        self._cookies.drop(answer, SIGNED_IN)
        self._cookies.drop(answer, STAYING)
        return answer

    def stay(self, request: Request) -> Response:
        """Another token from the issuer, for somebody who is still signed in and active.

        Only for who has both cookies and the proof; it is refused for anybody else than before.
        """
        visitor = self._visitor(request)
        if not visitor.token:
            raise Problem(401, "not_signed_in")
        visitor.must_have_sent(request, Form.of(request).sent.get(PROOF, ""))
        try:
            again, stays_by = self._renewed(visitor, self._cookies.get(request, STAYING))
        except NotSignedIn as failure:
            away = failure.args[0] == "away"
            raise Problem(503 if away else 409, "sign_in_again") from None
        told = json.dumps({"left": again.left, "proof": again.proof})
        answer = Response(told, content_type="application/json")
        self._cookies.put(answer, SIGNED_IN, again.token, again.left)
        self._stay_by(answer, stays_by)
        return answer

    def _renewed(self, visitor: Visitor, stays_by: str) -> tuple[Visitor, str]:
        """The same person with a later token. Raises NotSignedIn or a Problem."""
        if not stays_by:
            raise NotSignedIn("refused")
        issuer, door = self._door(visitor.caller.issuer)
        address = self._known_to(issuer, door, "token_endpoint")
        asked = {
            "grant_type": "refresh_token", "refresh_token": stays_by, "client_id": door.client_id,
        }  # fmt: skip
        given = _asked("POST", address, data=asked)
        token = str(given.get("access_token", ""))
        caller = self._config["callers"].verify(f"Bearer {token}")
        before = visitor.caller
        if (caller.issuer, caller.person_id) != (before.issuer, before.person_id):
            raise NotSignedIn("refused")
        return Visitor.of(caller, token), str(given.get("refresh_token", stays_by))

    def _stay_by(self, answer: Response, refresh_token: str) -> None:
        """Keep what the issuer gave to stay by; many issuers give nothing."""
        seconds = STAY_SECONDS if refresh_token else 0
        self._cookies.put(answer, STAYING, refresh_token, seconds)

    def _revoke(self, visitor: Visitor, stays_by: str) -> None:
        """An issuer that takes no revocation, or is away, forgets by itself in a while."""
        with suppress(NotSignedIn, Problem):
            issuer, door = self._door(visitor.caller.issuer)
            address = self._known_to(issuer, door, "revocation_endpoint")
            _asked("POST", address, data={"token": stays_by, "client_id": door.client_id})

    def _redeemed(self, request: Request, begun: UnderWay) -> tuple[Visitor, str]:
        """Whom a code is worth, and by what they may stay. Raises NotSignedIn or a Problem."""
        issuer, door = self._door(begun.issuer)
        if (code := request.args.get("code")) is None:
            raise NotSignedIn("refused")
        address = self._known_to(issuer, door, "token_endpoint")
        asked = {
            "grant_type": "authorization_code", "code": code, "client_id": door.client_id,
            "redirect_uri": self._callback(request, door), "code_verifier": begun.verifier,
        }  # fmt: skip
        given = _asked("POST", address, data=asked)
        token, id_token = str(given.get("access_token", "")), str(given.get("id_token", ""))
        caller = self._config["callers"].verify(f"Bearer {token}")
        named = signed_in_by(issuer, door, id_token, begun.nonce)
        if (caller.issuer, str(caller.person_id)) != (issuer.name, named):
            raise NotSignedIn("refused")
        return Visitor.of(caller, token), str(given.get("refresh_token", ""))

    def _door(self, name: str | None) -> tuple[Issuer, Door]:
        for issuer in self._config["callers"].doors:
            if issuer.door and name in (None, issuer.name):
                return issuer, issuer.door
        raise Problem(404, "nowhere_to_sign_in")

    def _callback(self, request: Request, door: Door) -> str:
        return f"{door.origin or request.host_url.rstrip('/')}/{self._service}{BACK}"

    def _known_to(self, issuer: Issuer, door: Door, member: str) -> str:
        """An address from the issuer's OpenID configuration. Raises NotSignedIn.

        The demo's issuer lives behind our own front, and is named relative to it.
        """
        found = _asked(
            "GET", urljoin(f"http://127.0.0.1:{self._config['front'].port}", door.discovery)
        )
        if found.get("issuer") != issuer.name or not isinstance(found.get(member), str):
            raise NotSignedIn("away")
        return found[member]

    def _visitor(self, request: Request) -> Visitor:
        return visitor_of(request, self._config["callers"], self._cookies)

    def _page(self, to: str | None, wrong: str = "") -> Response:
        doors = self._config["callers"].doors
        told = {"service": self._service, "to": own_path(to), "issuers": doors, "wrong": wrong}
        return rendering.page("web/sign_in.html", told, STATUS_OF[wrong])


def own_path(given: str | None) -> str:
    """A path of this origin to go to, or the start: never another site, whoever made the link."""
    path = given or START
    plain = path.startswith("/") and path.isprintable() and path.isascii() and "\\" not in path
    parts = urlsplit(path) if plain and not path.startswith("//") else None
    return path if parts and not parts.scheme and not parts.netloc else START


def _asked(method: str, url: str, **sent: Any) -> dict[str, Any]:
    """The JSON object an issuer answers. Raises NotSignedIn."""
    try:
        answer = httpx.request(method, url, timeout=ISSUER_SECONDS, **sent)
        content = answer.json() if answer.is_success else {}
    except (httpx.HTTPError, ValueError):
        raise NotSignedIn("away") from None
    if answer.status_code in (400, 401):
        raise NotSignedIn("refused")
    if not isinstance(content, dict):
        raise NotSignedIn("away")
    return content
