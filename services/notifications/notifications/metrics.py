"""What is counted, apart from what is decided."""

from prometheus_client import Counter

REPLIES = Counter(
    "evenkeel_notifications_replies_total",
    "Texts that people wrote back, by whether their number is known and they may mean danger.",
    ["sender", "kind"],
)

FORGED = Counter(
    "evenkeel_notifications_forged_total", "Callbacks that no telephone company of ours signed."
)
