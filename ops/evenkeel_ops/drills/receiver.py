"""A program: a replica of the consumer, with its timers and, unless told otherwise, the log road."""

from chassis.backbone import Parts
from evenkeel_ops.drills.ground import Ground, host
from evenkeel_ops.drills.tables import CONSUMER


def run(ground: dict[str, str], log_road: bool = True) -> None:
    host(Ground.of(ground).runtime(CONSUMER, Parts(relay=False, log_road=log_road)))
