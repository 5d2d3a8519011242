"""How a provider is named in a setting: a URL with its place, our name there and the secret."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.headerregistry import Address
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

IN_THE_CLEAR = ("smtp", "twilio+http")
MAIL_SCHEMES = ("smtp", "smtp+starttls", "smtps")
PHONE_SCHEMES = ("twilio+https", "twilio+http")


@dataclass(frozen=True)
class CarrierUrl:
    """Where a provider is, and as whom it knows us. `from_` is the number we send from."""

    scheme: str
    host: str
    port: int | None
    user: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    from_: str = field(default="", repr=False)

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}" if self.port else self.host

    @property
    def origin(self) -> str:
        """Where requests go to."""
        return f"{self.scheme.partition('+')[2]}://{self.name}"


def email(value: str) -> tuple[CarrierUrl, ...]:
    """Mail servers, in the order in which they are tried, separated by spaces: `smtps://host`,
    `smtp+starttls://user:password@host:587`, or `smtp://host`, in the clear unless the server
    offers STARTTLS. Raises ValueError with all mistakes, and never with a part of a URL."""
    return _read(value, MAIL_SCHEMES, _wrong_with_any)


def telephone(value: str) -> tuple[CarrierUrl, ...]:
    """Providers of text messages or calls, in the order in which they are tried, separated by
    spaces: `twilio+https://account:token@host/?from=%2B12025550100`. Raises as `email` does."""
    return _read(value, PHONE_SCHEMES, _wrong_with_phone)


def email_address(value: str) -> str:
    """An address that letters come from or go to. Raises ValueError."""
    try:
        Address(addr_spec=value)
    except (ValueError, IndexError, HeaderParseError):
        raise ValueError("must be a plain e-mail address") from None
    return value


def in_the_clear(variable: str, carriers: Iterable[CarrierUrl]) -> list[str]:
    """What production refuses: a sentence for each provider that would be spoken to without TLS."""
    return [
        f"{variable} speaks {one.scheme}:// with {one.name}, which production refuses: demand TLS"
        for one in carriers
        if one.scheme in IN_THE_CLEAR
    ]


def _read(
    value: str, schemes: tuple[str, ...], wrong_with: Callable[[CarrierUrl], list[str]]
) -> tuple[CarrierUrl, ...]:
    carriers, mistakes = [], []
    for place, url in enumerate(value.split(), start=1):
        try:
            carriers.append(one := _split(url, schemes))
            wrong = wrong_with(one)
        except ValueError as mistake:
            wrong = [str(mistake)]
        mistakes += [f"number {place} {said}" for said in wrong]
    names = [one.name for one in carriers]
    if len(set(names)) < len(names):
        mistakes.append("names a provider twice")
    if mistakes or not carriers:
        raise ValueError("; ".join(mistakes) or "names no provider")
    return tuple(carriers)


def _split(url: str, schemes: tuple[str, ...]) -> CarrierUrl:
    scheme = url.partition("://")[0]
    if scheme not in schemes:
        raise ValueError(f"must be a URL of scheme {' or '.join(schemes)}")
    try:
        parts = urlsplit(url)
        return _carrier(parts)
    except ValueError:
        raise ValueError("is no URL") from None


def _carrier(parts: SplitResult) -> CarrierUrl:
    return CarrierUrl(
        parts.scheme,
        parts.hostname or "",
        parts.port,
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        parse_qs(parts.query).get("from", [""])[0],
    )


def _wrong_with_any(one: CarrierUrl) -> list[str]:
    wrong = [] if one.host else ["has no host"]
    if bool(one.user) != bool(one.secret):
        wrong.append("has a user or a password, but not both")
    return wrong


def _wrong_with_phone(one: CarrierUrl) -> list[str]:
    wrong = _wrong_with_any(one)
    if not one.user and not one.secret:
        wrong.append("has no account and token")
    if not one.from_:
        wrong.append("has no number to send from: ?from=…")
    return wrong
