"""Keys that sign and check tokens: a service's own Ed25519 key, and the key sets of issuers."""

import base64
import hashlib
import json
import os
import stat
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chassis.logs import log, where

AUDIENCE = "evenkeel"
TOKEN_TYPE = "at+jwt"
SERVICE_TOKEN_SECONDS = 120
REFRESH_SECONDS = 300
UNKNOWN_KEY_SECONDS = 60
FETCH_TIMEOUT_SECONDS = 3


class UnsafeKeyFile(Exception):
    """Others than its owner can read the file of a private key."""


class KeySet(Protocol):
    """The public keys of one issuer."""

    def key(self, kid: str) -> jwt.PyJWK | None: ...


class StaticKeys:
    """A key set that is configuration: peers' keys, and those of tests."""

    def __init__(self, jwks: Mapping[str, Any]) -> None:
        self._keys = _by_kid(jwks)

    def key(self, kid: str) -> jwt.PyJWK | None:
        return self._keys.get(kid)


class RemoteKeys:
    """A key set behind a URL.

    Asked again every five minutes, and for a key id nobody knows once a minute at most, failures
    counted. What was fetched last stays good while the issuer is away.
    """

    def __init__(self, url: str) -> None:
        self._client = jwt.PyJWKClient(url, cache_jwk_set=False, timeout=FETCH_TIMEOUT_SECONDS)
        self._keys: dict[str, jwt.PyJWK] = {}
        self._asked_at = float("-inf")

    def key(self, kid: str) -> jwt.PyJWK | None:
        age = time.monotonic() - self._asked_at
        if age > (REFRESH_SECONDS if kid in self._keys else UNKNOWN_KEY_SECONDS):
            self._ask()
        return self._keys.get(kid)

    def _ask(self) -> None:
        self._asked_at = time.monotonic()
        try:
            self._keys = _by_kid(self._client.fetch_data())
        except (jwt.PyJWTError, OSError, ValueError) as failure:
            log.warning("keys_not_fetched", error=where(failure))


class ServiceKey:
    """The Ed25519 key by which other services know this one."""

    def __init__(self, service: str, private: Ed25519PrivateKey) -> None:
        self.service = service
        self._private = private
        raw = private.public_key().public_bytes_raw()
        public = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(raw)}
        thumbprint = hashlib.sha256(json.dumps(public, separators=(",", ":")).encode()).digest()
        self._public = {**public, "kid": _base64url(thumbprint), "alg": "EdDSA", "use": "sig"}

    @classmethod
    def generate(cls, service: str) -> "ServiceKey":
        """A fresh key, kept nowhere."""
        return cls(service, Ed25519PrivateKey.generate())

    @classmethod
    def load(cls, service: str, path: Path) -> "ServiceKey":
        """The key in a PEM file, made with mode 0600 if there is none.

        Raises UnsafeKeyFile, or ValueError when it holds no such key.
        """
        if not path.exists():
            _write_new_key(path)
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise UnsafeKeyFile(f"{path} must be readable by its owner only (chmod 600)")
        try:
            private = serialization.load_pem_private_key(path.read_bytes(), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            private = None
        if not isinstance(private, Ed25519PrivateKey):
            raise ValueError("no unencrypted Ed25519 private key in PEM")
        return cls(service, private)

    def public_jwk(self) -> dict[str, str]:
        """What peers are configured with, as one JWK (RFC 8037)."""
        return dict(self._public)

    def token(self, audience: str = AUDIENCE) -> str:
        """A short-lived token that proves which service asks."""
        now = int(time.time())
        claims = {
            "iss": f"evenkeel:{self.service}",
            "sub": self.service,
            "aud": audience,
            "role": "service",
            "iat": now,
            "nbf": now,
            "exp": now + SERVICE_TOKEN_SECONDS,
            "jti": str(uuid4()),
        }
        headers = {"kid": self._public["kid"], "typ": TOKEN_TYPE}
        return jwt.encode(claims, self._private, algorithm="EdDSA", headers=headers)


def _by_kid(jwks: Mapping[str, Any]) -> dict[str, jwt.PyJWK]:
    return {key.key_id: key for key in jwt.PyJWKSet.from_dict(dict(jwks)).keys if key.key_id}


def _write_new_key(path: Path) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
