"""What messages are for, and by which channels they go: what people consent to, one by one.

A consent to one purpose says nothing of another, nor one channel of another.
"""

from itertools import product

from channels.outgoing import EMAIL, SMS

DAYS, HOMEWORK = "days", "homework"
"""Their place and its days; what they took home."""

PURPOSES = (DAYS, HOMEWORK)

CHANNELS = (SMS, EMAIL)
"""In the order in which they are tried: what is looked at soonest comes first."""

BY_PHONE = (SMS,)
"""The channels that the telephone rules are about."""

Key = tuple[str, str]
KEYS: tuple[Key, ...] = tuple(product(PURPOSES, CHANNELS))

OF_TEMPLATE = {
    "seat_offered": DAYS,
    "tomorrow": DAYS,
    "day_before": DAYS,
    "day_begins": DAYS,
    "day_is_near": DAYS,
    "missed_you": DAYS,
    "homework_due": HOMEWORK,
}
"""A template that is not here cannot be sent: nobody was asked about it."""
