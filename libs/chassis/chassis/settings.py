"""Settings, read once at start from the environment, with every mistake reported together.

Each is looked up as EVENKEEL_{SERVICE}_{NAME} and then as EVENKEEL_{NAME}, so that services in
one process can differ.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, Self

PRODUCTION, DEMO, TEST = "production", "demo", "test"
DETAILS_KEY_BYTES = 32
DEMO_ISSUER = "evenkeel:demo"


class WrongSettings(Exception):
    """The process must not start. `mistakes` are sentences that name the variable."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


def setting(parse: Callable[[str], Any], default: Any = MISSING, *, means: str) -> Any:
    """A field of a settings class: how it is read, and what it means."""
    return field(default=default, metadata={"parse": parse, "means": means})


def _one_of(*allowed: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return value

    return parse


def _url(*schemes: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value.split(":", 1)[0].split("+", 1)[0] not in schemes:
            raise ValueError(f"must be a URL of scheme {' or '.join(schemes)}")
        return value

    return parse


def port_number(value: str) -> int:
    if not value.isdigit() or not 0 <= int(value) < 65536:
        raise ValueError("must be a port number")
    return int(value)


def _key(value: str) -> bytes:
    try:
        key = base64.b64decode(value, validate=True)
    except binascii.Error:
        raise ValueError("must be base64") from None
    if len(key) != DETAILS_KEY_BYTES:
        raise ValueError(f"must be {DETAILS_KEY_BYTES} bytes in base64")
    return key


def _key_file(value: str) -> bytes:
    return _key(private_file(value).read_text().strip())


def private_file(value: str) -> Path:
    """A file that nobody but its owner reads. Raises ValueError."""
    path = _file(value)
    if path.stat().st_mode & 0o077:
        raise ValueError(f"{value} may be read by others; set its mode to 0600")
    return path


def _file(value: str) -> Path:
    path = Path(value)
    if not path.is_file():
        raise ValueError(f"there is no file {value}")
    return path


def _origin(value: str) -> str:
    scheme, _, host = value.partition("://")
    if scheme not in ("https", "http") or not host or set(host) & set("/?#@ "):
        raise ValueError("must be https://host, without a path")
    return value


environment_name = _one_of(PRODUCTION, DEMO, TEST)
database_url = _url("postgresql", "sqlite")
broker_url = _url("amqp", "amqps", "memory")


@dataclass(frozen=True, kw_only=True)
class FromEnvironment:
    """Settings of some process, each a `setting`."""

    def mistakes(self) -> list[str]:
        """What is wrong though each could be read. Whatever could not be is None here, so that
        all mistakes are told at once."""
        return []

    @classmethod
    def read(cls, service: str, environ: Mapping[str, str]) -> Self:
        """The settings of a service. Raises WrongSettings with all mistakes."""
        values: dict[str, Any] = {one.name: None for one in fields(cls) if one.default is MISSING}
        mistakes: list[str] = []
        for one in fields(cls):
            general = f"EVENKEEL_{one.name.upper()}"
            own = f"EVENKEEL_{service.upper()}_{one.name.upper()}"
            name = own if own in environ else general
            if name in environ:
                try:
                    values[one.name] = one.metadata["parse"](environ[name])
                except (ValueError, OSError) as wrong:
                    values[one.name] = None
                    mistakes.append(f"{name} {wrong}")
            elif one.default is MISSING:
                mistakes.append(f"{general} is missing: {one.metadata['means']}")
        settings = cls(**values)
        if mistakes := mistakes + settings.mistakes():
            raise WrongSettings(mistakes)
        return settings


@dataclass(frozen=True, kw_only=True)
class Settings(FromEnvironment):
    """What every service needs to know."""

    environment: str = setting(environment_name, PRODUCTION, means="production, demo or test")
    work_database_url: str = setting(database_url, means="the database, as the _work role")
    http_database_url: str = setting(database_url, means="the database, as the _http role")
    broker_url: str = setting(broker_url, means="the RabbitMQ of the house")
    details_key: bytes = setting(
        _key_file, means="file (mode 0600) with the key-encryption key: 32 bytes in base64"
    )
    service_key: Path = setting(
        private_file, means="file (mode 0600) with this service's Ed25519 private key, PEM"
    )
    issuers: Path = setting(
        _file, means="file with the trusted issuers and the services' public keys"
    )
    peers: Path | None = setting(_file, None, means="file with the other services' addresses, JSON")
    origin: str | None = setting(
        _origin, None, means="where people and providers reach this house: https://host"
    )
    host: str = setting(str, "127.0.0.1", means="address to listen on")
    port: int = setting(port_number, 8080, means="port to listen on")
    internal_host: str = setting(str, "127.0.0.1", means="address of metrics, health and drain")
    internal_port: int = setting(port_number, 9090, means="port of metrics, health and drain")

    def mistakes(self) -> list[str]:
        """What contradicts the environment. Services add their own."""
        if self.environment != PRODUCTION:
            return []
        wrong = [
            f"EVENKEEL_{name.upper()} is SQLite, which production refuses"
            for name in ("work_database_url", "http_database_url")
            if str(getattr(self, name)).startswith("sqlite")
        ]
        if str(self.broker_url).startswith("memory"):
            wrong.append("EVENKEEL_BROKER_URL is memory://, which production refuses")
        if str(self.origin).startswith("http:"):
            wrong.append("EVENKEEL_ORIGIN is http://, which production refuses")
        if self.issuers and DEMO_ISSUER.encode() in self.issuers.read_bytes():
            wrong.append("EVENKEEL_ISSUERS trusts the demo's issuer, which production refuses")
        return wrong
