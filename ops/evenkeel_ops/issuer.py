"""The demo's own issuer of people's tokens: a key made on first run, readable by its owner only.

`DemoDoor` is its OpenID provider: a page on which one picks a synthetic person instead of proving
who one is. It answers on the loopback interface only, and production settings refuse its tokens.
"""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID, uuid4

import jwt
from cryptography.hazmat.primitives import serialization
from werkzeug.wrappers import Request, Response

from chassis.settings import DEMO_ISSUER
from web.keys import AUDIENCE, TOKEN_TYPE, ServiceKey
from web.rendering import page

TOKEN_SECONDS = 600
CODE_SECONDS = 60
IDLE_SECONDS = 900
LONGEST_STAY_SECONDS = 12 * 3600
CLIENT = "evenkeel-pages"
AT = "/issuer"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
SCREENS = Path(__file__).parent / "screens"
ASKED = (
    "client_id", "redirect_uri", "state", "nonce", "code_challenge", "code_challenge_method",
    "response_type", "scope",
)  # fmt: skip


class DemoIssuer:
    """Signs a token for whoever asks. Production settings refuse to trust it."""

    def __init__(self, file: Path) -> None:
        self._key = ServiceKey.load("demo", file)
        self._private: Any = serialization.load_pem_private_key(file.read_bytes(), password=None)

    @property
    def jwks(self) -> dict[str, Any]:
        return {"keys": [self._key.public_jwk()]}

    def trusted(self) -> dict[str, Any]:
        """What the issuers file of a service says about this issuer."""
        door = {
            "client_id": CLIENT,
            "discovery": f"{AT}/.well-known/openid-configuration",
            "title": "a synthetic person of the demo",
        }
        return {"name": DEMO_ISSUER, "jwks": self.jwks, "algorithm": "EdDSA", "sign_in": door}

    def token(self, role: str, person_id: UUID, clinics: Iterable[UUID]) -> str:
        """A token of ten minutes for a person of some clinics."""
        told = {"role": role, "clinics": [str(clinic) for clinic in clinics]}
        return self._signed(person_id, AUDIENCE, TOKEN_TYPE, told)

    def id_token(self, person_id: UUID, nonce: str) -> str:
        """Proof for whoever began a sign-in that this is its end."""
        return self._signed(person_id, CLIENT, "JWT", {"nonce": nonce})

    def _signed(self, person_id: UUID, audience: str, kind: str, told: dict[str, Any]) -> str:
        now = int(time.time())
        claims = {
            "iss": DEMO_ISSUER,
            "sub": str(person_id),
            "aud": audience,
            **told,
            "iat": now,
            "nbf": now,
            "exp": now + TOKEN_SECONDS,
            "jti": str(uuid4()),
        }
        headers = {"kid": self._key.public_jwk()["kid"], "typ": kind}
        return jwt.encode(claims, self._private, algorithm="EdDSA", headers=headers)


@dataclass(frozen=True, kw_only=True)
class Somebody:
    """A synthetic person one can sign in as; people of one clinic are listed together."""

    name: str
    role: str
    id: UUID
    clinics: tuple[UUID, ...]
    listed_under: str = "People"


@dataclass(frozen=True)
class Code:
    """What a code is worth, once: a token for somebody, to whoever knows the verifier."""

    somebody: Somebody
    redirect_uri: str
    nonce: str
    challenge: str
    until: float


@dataclass(frozen=True)
class Stay:
    """What a refresh token is worth, once: another token for somebody who was here lately."""

    somebody: Somebody
    until: float
    ends: float


class DemoDoor:
    """OpenID Connect's authorization code flow, with PKCE demanded, for people of the demo."""

    def __init__(self, issuer: DemoIssuer, people: Callable[[], Iterable[Somebody]]) -> None:
        self._issuer = issuer
        self._people = people
        self._codes: dict[str, Code] = {}
        self._stays: dict[str, Stay] = {}

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        return self._answer(Request(environ))(environ, start_response)

    def _answer(self, request: Request) -> Response:
        if not _is_from_here(request):
            return Response(status=403)
        match request.method, request.path.removeprefix(AT):
            case "GET", "/.well-known/openid-configuration":
                return _json(self._configuration(request.host_url.rstrip("/")))
            case "GET", "/keys":
                return _json(self._issuer.jwks)
            case "GET", "/authorize":
                return self._authorize(request)
            case "POST", "/token":
                return self._redeem(request)
            case "POST", "/revoke":
                self._stays.pop(request.form.get("token", ""), None)
                return Response(status=200)
        return Response(status=404)

    def _configuration(self, origin: str) -> dict[str, Any]:
        return {
            "issuer": DEMO_ISSUER,
            "authorization_endpoint": f"{origin}{AT}/authorize",
            "token_endpoint": f"{origin}{AT}/token",
            "revocation_endpoint": f"{origin}{AT}/revoke",
            "jwks_uri": f"{origin}{AT}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["EdDSA"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
        }

    def _authorize(self, request: Request) -> Response:
        """Let somebody be picked, then send the browser back with a code."""
        asked = {name: request.args.get(name, "") for name in ASKED}
        if not _may_be_answered(asked):
            return _json({"error": "invalid_request"}, 400)
        people = {str(one.id): one for one in self._people()}
        picked = people.get(request.args.get("as", ""))
        if picked is None:
            return _page(list(people.values()), asked)
        code = secrets.token_urlsafe(32)
        self._codes[code] = Code(
            picked,
            asked["redirect_uri"],
            asked["nonce"],
            asked["code_challenge"],
            time.monotonic() + CODE_SECONDS,
        )
        back = urlencode({"code": code, "state": asked["state"]})
        return Response(status=303, headers={"Location": f"{asked['redirect_uri']}?{back}"})

    def _redeem(self, request: Request) -> Response:
        if request.form.get("grant_type") == "refresh_token":
            return self._go_on(request.form)
        sent = request.form
        code = self._codes.pop(sent.get("code", ""), None)
        if code is None or not _is_its_own(code, sent):
            return _json({"error": "invalid_grant"}, 400)
        one = code.somebody
        given = self._given(one, time.monotonic() + LONGEST_STAY_SECONDS)
        return _json({**given, "id_token": self._issuer.id_token(one.id, code.nonce)})

    def _go_on(self, sent: Any) -> Response:
        """Somebody stays signed in; their refresh token is replaced."""
        stay = self._stays.pop(sent.get("refresh_token", ""), None)
        now = time.monotonic()
        if stay is None or now > min(stay.until, stay.ends) or sent.get("client_id") != CLIENT:
            return _json({"error": "invalid_grant"}, 400)
        return _json(self._given(stay.somebody, stay.ends))

    def _given(self, one: Somebody, ends: float) -> dict[str, Any]:
        refresh = secrets.token_urlsafe(32)
        self._stays[refresh] = Stay(one, time.monotonic() + IDLE_SECONDS, ends)
        return {
            "access_token": self._issuer.token(one.role, one.id, one.clinics),
            "refresh_token": refresh,
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
        }


def _is_from_here(request: Request) -> bool:
    """Over loopback, and by a name of it: another site's name may point here, too."""
    named = urlsplit(f"//{request.host}").hostname
    return named in LOOPBACK and ip_address(str(request.remote_addr)).is_loopback


def _may_be_answered(asked: dict[str, str]) -> bool:
    """Only with PKCE, and only towards this machine."""
    back = urlsplit(asked["redirect_uri"])
    return (
        asked["response_type"] == "code"
        and asked["client_id"] == CLIENT
        and asked["code_challenge_method"] == "S256"
        and len(asked["code_challenge"]) == 43
        and bool(asked["state"] and asked["nonce"])
        and back.scheme == "http"
        and back.hostname in LOOPBACK
        and not back.query
    )


def _is_its_own(code: Code, sent: Any) -> bool:
    digest = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return (
        time.monotonic() < code.until
        and secrets.compare_digest(challenge, code.challenge)
        and sent.get("redirect_uri") == code.redirect_uri
        and sent.get("client_id") == CLIENT
        and sent.get("grant_type") == "authorization_code"
    )


def _page(people: list[Somebody], asked: dict[str, str]) -> Response:
    listed = sorted(people, key=lambda one: one.listed_under)
    groups = [(name, list(those)) for name, those in groupby(listed, lambda o: o.listed_under)]
    return page("pick.html", {"groups": groups, "asked": asked}, folder=SCREENS)


def _json(content: dict[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(content), status, content_type="application/json")
