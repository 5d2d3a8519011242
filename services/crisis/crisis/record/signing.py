"""Ed25519: what crisis signs of its timelines, and who can check it.

A signature is over canonical JSON, so that anybody can make the same bytes with a library of
their own. A key is known by its RFC 7638 thumbprint, as the keys of services are.
"""

import base64
import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from chassis.settings import private_file
from crisis.record.chain import canonical


class SigningKey:
    """The private key of the timelines. It does not show in a log, whoever prints it."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = private.public_key()
        self.id = key_id(self.public)

    @classmethod
    def generate(cls) -> Self:
        """A fresh key, kept nowhere."""
        return cls(Ed25519PrivateKey.generate())

    def sign(self, said: Any) -> str:
        """The signature of what is said, in base64url."""
        return base64.urlsafe_b64encode(self._private.sign(canonical(said))).decode()


class PublicKeys:
    """The keys whose signatures count, by their ids: the present one, and those before it."""

    def __init__(self, keys: Iterable[Ed25519PublicKey]) -> None:
        self._keys = {key_id(key): key for key in keys}

    def signed(self, said: Any, key: str, signature: str) -> bool:
        """Whether one of these keys signed just that."""
        try:
            self._keys[key].verify(base64.urlsafe_b64decode(signature), canonical(said))
        except (KeyError, ValueError, InvalidSignature):
            return False
        return True


def signing_key(value: str) -> SigningKey:
    """A setting: the path of a file that only its owner reads. Raises ValueError."""
    private = _loaded(serialization.load_pem_private_key, private_file(value), password=None)
    if not isinstance(private, Ed25519PrivateKey):
        raise ValueError("holds no unencrypted Ed25519 private key in PEM")
    return SigningKey(private)


def public_key(path: Path) -> Ed25519PublicKey:
    """The public key in a PEM file. Raises ValueError."""
    public = _loaded(serialization.load_pem_public_key, path)
    if not isinstance(public, Ed25519PublicKey):
        raise ValueError(f"{path} holds no Ed25519 public key in PEM")
    return public


def pem_of(public: Ed25519PublicKey) -> str:
    """A public key for whoever checks, in PEM."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return public.public_bytes(serialization.Encoding.PEM, form).decode()


def key_id(public: Ed25519PublicKey) -> str:
    """The thumbprint of a key."""
    jwk = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(public.public_bytes_raw())}
    return _base64url(hashlib.sha256(canonical(jwk)).digest())


def _loaded(load: Any, path: Path, **how: Any) -> Any:
    try:
        return load(path.read_bytes(), **how)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
