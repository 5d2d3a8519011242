"""What is counted, apart from what is decided."""

from prometheus_client import Counter

FORGED = Counter(
    "evenkeel_notifications_forged_total", "Callbacks that no telephone company of ours signed."
)
