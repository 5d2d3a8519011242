"""A wrong receiver: what it is given counts as acknowledged before its effects are committed."""

from functools import partial

from chassis import consume
from evenkeel_ops.drills import receiver


def run(ground: dict[str, str], log_road: bool) -> None:
    consume.Consumer = partial(consume.Consumer, no_ack=True)
    consume._Subscription._acknowledge = lambda *_: None
    receiver.run(ground, log_road)
