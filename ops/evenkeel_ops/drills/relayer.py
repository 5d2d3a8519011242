"""A program: a replica of the producer that stands for the lead and relays."""

from chassis.backbone import Parts
from evenkeel_ops.drills.ground import Ground, host
from evenkeel_ops.drills.tables import PRODUCER


def run(ground: dict[str, str]) -> None:
    host(Ground.of(ground).runtime(PRODUCER, Parts(lanes=(), timers=False)))
