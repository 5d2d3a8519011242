"""What a simulated provider does wrong, as it is told."""

from dataclasses import dataclass

HANGS = ("message", "answer")
DELIVERIES = {"once": 1, "never": 0, "twice": 2}
RECEIPTS = ("true", "none", "forged", "foreign", "doubled", "reversed")


@dataclass(frozen=True, kw_only=True)
class Faults:
    """Of one provider. Without any it accepts, delivers once, and tells so in signed receipts.

    `refuse` is the code of its answer, `said` the code of Twilio's in it; `hang` leaves a message,
    or the answer to one that was accepted, for ever; `lose_reply` accepts and hangs up; `drip`
    answers a byte at a time. `forgetful` is a provider that honours no keys: mail servers are
    unless they are told otherwise.
    """

    down: bool = False
    refuse: int | None = None
    said: int | None = None
    retry_after: int | None = None
    hang: str | None = None
    lose_reply: bool = False
    drip: bool = False
    delivers: str = "once"
    receipts: str = "true"
    forgetful: bool | None = None
