"""What a provider says later about something it accepted, in our words.

None of them says that anybody has read or heard it: accepted, delivered and acknowledged differ.
"""

from dataclasses import dataclass

UNKNOWN, QUEUED, SENT = "unknown", "queued", "sent"
DELIVERED, FAILED, UNDELIVERABLE = "delivered", "failed", "undeliverable"

_RANKS = {UNKNOWN: 0, QUEUED: 1, SENT: 2, DELIVERED: 3, FAILED: 3, UNDELIVERABLE: 3}


@dataclass(frozen=True)
class Receipt:
    """The status of what the provider knows by `reference`, with its own code for a failure."""

    reference: str
    status: str
    code: str | None = None


def furthest(before: str, now: str) -> str:
    """Of two statuses of one thing, heard in this order, the one that holds: receipts come late,
    twice and in any order, and what is final stays."""
    return now if _RANKS[now] > _RANKS[before] else before
