"""A program: a replica of the consumer with its timers and, unless told otherwise, the log road.

Told to stop, it says last how many messages it was given that were handled before.
"""

from chassis.backbone import Parts
from chassis.metrics import CONSUMED
from evenkeel_ops.drills.ground import Ground, host
from evenkeel_ops.drills.tables import CONSUMER

REPEATED = "given again: "


def run(ground: dict[str, str], log_road: bool = True) -> None:
    host(Ground.of(ground).runtime(CONSUMER, Parts(relay=False, log_road=log_road)))
    print(f"{REPEATED}{_duplicates():.0f}", flush=True)


def _duplicates() -> float:
    counts = [one for metric in CONSUMED.collect() for one in metric.samples
              if one.name.endswith("_total")]  # fmt: skip
    return sum(one.value for one in counts if one.labels["outcome"] == "duplicate")


def given_again(log: str) -> int:
    """What the program said last."""
    said = [line for line in log.splitlines() if line.startswith(REPEATED)]
    return int(said[-1].removeprefix(REPEATED))
