"""Who is calling: people by tokens of their issuer, services by tokens they sign themselves.

Each issuer has its own keys, one algorithm, and says either people or one service, never both.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import jwt

from chassis.refusals import NotFound
from web.keys import AUDIENCE, TOKEN_TYPE, KeySet, StaticKeys
from web.problems import Problem

PEOPLE = (
    "participant", "clinician", "supervisor", "crisis_lead", "scheduler", "clinic_admin",
    "auditor", "sre",
)  # fmt: skip
SERVICE = "service"
ROLES = (*PEOPLE, SERVICE)
ANYONE_ROLE = "anyone"

ALGORITHMS = {"EdDSA": "OKP", "RS256": "RSA"}
HEADERS = frozenset({"alg", "kid", "typ", "x5t"})
LEEWAY_SECONDS = 10
PERSON_TOKEN_SECONDS = 600
SERVICE_TOKEN_SECONDS = 300
LONGEST_TOKEN = 8192
NOT_VOUCHED_FOR = (
    jwt.PyJWTError, ValueError, TypeError, LookupError, ArithmeticError, RecursionError,
)  # fmt: skip
"""What PyJWT and our own checks raise over a token that somebody made up."""

REQUIRED = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"]
ID_REQUIRED = ["iss", "sub", "aud", "exp", "iat", "nonce"]
ID_TOKEN_TYPES = ("JWT", None)

_BEARER = re.compile(r"Bearer +([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)", re.IGNORECASE)
_KID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class Caller:
    """Somebody who may ask: a person of some clinics, or a service."""

    id: UUID | str
    role: str
    clinics: frozenset[UUID] = frozenset()
    person_id: UUID | None = None
    issuer: str = ""

    @property
    def by(self) -> str:
        """How writes and audits name the caller."""
        return f"{self.role}:{self.id}"

    def must_be(self, person_id: UUID) -> None:
        """A participant reaches own records only; those of others are not there for them."""
        if self.role == "participant" and self.person_id != person_id:
            raise NotFound("not_found")


ANYONE = Caller(ANYONE_ROLE, ANYONE_ROLE)
"""Whoever calls an open route without a token."""


@dataclass(frozen=True)
class Door:
    """Where people sign in with an issuer, and what it knows us as.

    `discovery` is the address of its OpenID configuration, `origin` where it sends people back to:
    the address they know us by, unless it is that of the request.
    """

    client_id: str
    discovery: str
    title: str = "your account"
    origin: str | None = None


@dataclass(frozen=True)
class Issuer:
    """Who may sign tokens, with which keys and algorithm. `service` names the only one it is."""

    name: str
    keys: KeySet
    algorithm: str = "RS256"
    service: str | None = None
    token_type: str = TOKEN_TYPE
    door: Door | None = None

    def __post_init__(self) -> None:
        if self.algorithm not in ALGORITHMS:
            raise ValueError(f"{self.name}: no tokens signed with {self.algorithm}")

    @classmethod
    def of_service(cls, service: str, public_jwk: dict[str, str]) -> "Issuer":
        """A peer service, known by its public key."""
        keys = StaticKeys({"keys": [public_jwk]})
        return cls(f"evenkeel:{service}", keys, algorithm="EdDSA", service=service)


class Callers:
    """Tells from a token who calls. Raises a 401 Problem for whatever it cannot vouch for."""

    def __init__(self, issuers: Iterable[Issuer]) -> None:
        self._issuers = {issuer.name: issuer for issuer in issuers}

    @property
    def doors(self) -> list[Issuer]:
        """The issuers that people can sign in with."""
        return [issuer for issuer in self._issuers.values() if issuer.door]

    def verify(self, authorization: str | None) -> Caller:
        """The caller of an `Authorization` header."""
        if not authorization:
            raise Problem(401, "not_signed_in", headers=_challenge())
        try:
            return self._caller(_token(authorization))
        except NOT_VOUCHED_FOR:
            challenge = _challenge(', error="invalid_token"')
            raise Problem(401, "invalid_token", headers=challenge) from None

    def _caller(self, token: str) -> Caller:
        unverified = jwt.decode(token, options={"verify_signature": False})
        issuer = self._issuers[unverified["iss"]]
        claims = _claims(token, issuer, AUDIENCE, (issuer.token_type,), REQUIRED)
        return _service(issuer, claims) if issuer.service else _person(issuer, claims)


def signed_in_by(issuer: Issuer, door: Door, id_token: str, nonce: str) -> str:
    """Whom an ID token names. Raises a 401 Problem unless it was made for this sign-in."""
    try:
        claims = _claims(id_token, issuer, door.client_id, ID_TOKEN_TYPES, ID_REQUIRED)
        if claims["nonce"] != nonce:
            raise ValueError("made for another sign-in")
        return claims["sub"]
    except NOT_VOUCHED_FOR:
        raise Problem(401, "invalid_token") from None


def _claims(
    token: str, issuer: Issuer, audience: str, types: tuple[str | None, ...], required: list[str]
) -> dict[str, Any]:
    return jwt.decode(
        token,
        _key(issuer, jwt.get_unverified_header(token), types),
        algorithms=[issuer.algorithm],
        audience=audience,
        issuer=issuer.name,
        leeway=LEEWAY_SECONDS,
        options={
            "require": required,
            "strict_aud": True,
            "enforce_minimum_key_length": True,
        },
    )


def _token(authorization: str) -> str:
    found = _BEARER.fullmatch(authorization)
    if found is None or len(authorization) > LONGEST_TOKEN:
        raise ValueError("not a bearer token")
    return found[1]


def _key(issuer: Issuer, header: dict[str, Any], types: tuple[str | None, ...]) -> jwt.PyJWK:
    """The issuer's key that the header names; the header decides nothing else."""
    kid = header["kid"]
    expected = header["alg"] == issuer.algorithm and header.get("typ") in types
    if not expected or not set(header) <= HEADERS or not _KID.fullmatch(kid):
        raise ValueError("unexpected header")
    key = issuer.keys.key(kid)
    if key is None or key.key_type != ALGORITHMS[issuer.algorithm]:
        raise ValueError("unknown key")
    return key


def _person(issuer: Issuer, claims: dict[str, Any]) -> Caller:
    _must_be_short(claims, PERSON_TOKEN_SECONDS)
    person_id = UUID(claims["sub"])
    role = claims["role"]
    listed = claims.get("clinics", [])
    if role not in PEOPLE or not isinstance(listed, list):
        raise ValueError("not a role of people")
    return Caller(person_id, role, frozenset(map(UUID, listed)), person_id, issuer.name)


def _service(issuer: Issuer, claims: dict[str, Any]) -> Caller:
    _must_be_short(claims, SERVICE_TOKEN_SECONDS)
    if claims["sub"] != issuer.service or claims.get("role", SERVICE) != SERVICE:
        raise ValueError("not this issuer's service")
    return Caller(claims["sub"], SERVICE, issuer=issuer.name)


def _must_be_short(claims: dict[str, Any], seconds: int) -> None:
    if not claims["jti"] or not 0 < claims["exp"] - claims["iat"] <= seconds:
        raise ValueError("lives too long")


def _challenge(error: str = "") -> dict[str, str]:
    return {"WWW-Authenticate": f'Bearer realm="evenkeel"{error}'}
