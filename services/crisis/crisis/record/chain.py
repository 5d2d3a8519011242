"""How an entry of a timeline is bound to all before it. Pure, and frozen: it can only be added to
under another name, since what was chained once must be found unaltered for ever.

The entries of a clinic are one chain, over all its cases. An entry's digest is the SHA-256 of the
canonical JSON (RFC 8785) of an array: the digest before it, then what `Link` lists, in its order.
"""

import hashlib
import json
from typing import Any, NamedTuple

BEGINNING = "0" * 64
"""What stands before the first entry of a clinic."""

_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


class Link(NamedTuple):
    """An entry as it is digested: ids as lower-case text with hyphens, the instant as RFC 3339 in
    UTC with six decimals and a Z."""

    clinic_id: str
    place: int
    case_id: str
    position: int
    at: str
    what: str
    by: str
    facts: dict[str, Any]


def digest_of(before: str, link: Link) -> str:
    """The digest of an entry that follows another, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical([before, *link])).hexdigest()


def canonical(value: Any) -> bytes:
    """Canonical JSON, of texts, whole numbers, truth values, lists and objects."""
    return _canonical(value).encode()
