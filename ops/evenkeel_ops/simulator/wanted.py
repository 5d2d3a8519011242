"""What was asked of a show."""

from dataclasses import dataclass
from datetime import time as local_time
from pathlib import Path

from evenkeel_ops.simulator.scenario import Scenario


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the command line asked for. No speed is as fast as everything becomes quiet."""

    seed: int
    clinics: int
    participants: int
    port: int
    resume: bool
    speed: float | None
    until: local_time | None
    outage_seconds: float
    sabotage: str | None
    scenario: Scenario | None
    directory: Path
    started_at: float
