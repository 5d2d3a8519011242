"""The demo's own issuer of people's tokens: a key made on first run, readable by its owner only."""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import jwt
from cryptography.hazmat.primitives import serialization

from chassis.settings import DEMO_ISSUER
from web.keys import AUDIENCE, TOKEN_TYPE, ServiceKey

TOKEN_SECONDS = 600


class DemoIssuer:
    """Signs a token for whoever asks. Production settings refuse to trust it."""

    def __init__(self, file: Path) -> None:
        self._key = ServiceKey.load("demo", file)
        self._private: Any = serialization.load_pem_private_key(file.read_bytes(), password=None)

    def trusted(self) -> dict[str, Any]:
        """What the issuers file of a service says about this issuer."""
        jwks = {"keys": [self._key.public_jwk()]}
        return {"name": DEMO_ISSUER, "jwks": jwks, "algorithm": "EdDSA"}

    def token(self, role: str, person_id: UUID, clinics: Iterable[UUID]) -> str:
        """A token of ten minutes for a person of some clinics."""
        now = int(time.time())
        claims = {
            "iss": DEMO_ISSUER,
            "sub": str(person_id),
            "aud": AUDIENCE,
            "role": role,
            "clinics": [str(clinic) for clinic in clinics],
            "iat": now,
            "nbf": now,
            "exp": now + TOKEN_SECONDS,
            "jti": str(uuid4()),
        }
        headers = {"kid": self._key.public_jwk()["kid"], "typ": TOKEN_TYPE}
        return jwt.encode(claims, self._private, algorithm="EdDSA", headers=headers)
