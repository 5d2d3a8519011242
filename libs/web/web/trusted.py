"""The files that settings name: whom a service believes, where its peers are, its own key."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt

from chassis.settings import Settings
from web.callers import Callers, Door, Issuer
from web.keys import RemoteKeys, ServiceKey, StaticKeys, UnsafeKeyFile

WRONG = (ValueError, TypeError, AttributeError, LookupError, jwt.PyJWTError, UnsafeKeyFile, OSError)
"""What is raised by reading files that somebody wrote by hand."""


def callers_of(settings: Settings) -> Callers:
    """Whom the issuers file trusts: people's issuers, and services by their own keys."""
    trusted = json.loads(settings.issuers.read_text())
    people = [_issuer(one) for one in trusted["issuers"]]
    services = [Issuer.of_service(name, jwk) for name, jwk in trusted["services"].items()]
    return Callers([*people, *services])


def peers_of(settings: Settings) -> dict[str, str]:
    """The addresses of the other services."""
    addresses = json.loads(settings.peers.read_text()) if settings.peers else {}
    for service, address in addresses.items():
        if not address.startswith(("http://", "https://")):
            raise ValueError(f"{service} has no http:// or https:// address")
    return addresses


def mistakes_in_files(service: str, settings: Settings) -> list[str]:
    """A sentence for each file that cannot be used, with the variable that names it."""
    checks: list[tuple[str, Path | None, Callable[[], Any]]] = [
        ("ISSUERS", settings.issuers, lambda: callers_of(settings)),
        ("PEERS", settings.peers, lambda: peers_of(settings)),
        ("SERVICE_KEY", key := settings.service_key, lambda: ServiceKey.load(service, key)),
    ]
    found = [(name, path, _mistake(read)) for name, path, read in checks]
    return [f"EVENKEEL_{name} {path} {mistake}" for name, path, mistake in found if mistake]


def _issuer(one: dict[str, Any]) -> Issuer:
    keys = StaticKeys(one["jwks"]) if "jwks" in one else RemoteKeys(one["jwks_url"])
    door = Door(**one["sign_in"]) if "sign_in" in one else None
    return Issuer(one["name"], keys, algorithm=one["algorithm"], door=door)


def _mistake(read: Callable[[], Any]) -> str:
    try:
        read()
    except json.JSONDecodeError as failure:
        return f"is no JSON: {failure.msg} in line {failure.lineno}"
    except KeyError as failure:
        return f"lacks {failure.args[0]!r}"
    except (TypeError, AttributeError):
        return "is not of the form that deploy/README.md describes"
    except WRONG as failure:
        return f"cannot be used: {' '.join(str(failure).split())}"
    return ""
