"""Metrics of the ladder and its pages. Labels are of closed lists, never of people or cases."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge, Histogram

from crisis.rules import DRILL, Call, Lapse, Rise, Skip, Step

if TYPE_CHECKING:
    from crisis.case import Case

SEVERITY = {
    "T1": "imminent", "T2": "urgent", "T3": "same_day", "T4": "follow_up", DRILL: "drill",
}  # fmt: skip

_P = "evenkeel_crisis_"

CASES = Counter(f"{_P}alerts_total", "Cases, by what happened to them.", ["severity", "outcome"])
ACKNOWLEDGED_AFTER = Histogram(
    f"{_P}time_to_acknowledge_seconds",
    "From the raise of the case's tier to its acknowledgement.",
    ["severity"],
    buckets=(15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0),
)
OLDEST = Gauge(
    f"{_P}oldest_unacknowledged_age_seconds", "Age of the oldest case nobody has.", ["severity"]
)
RUNGS = Counter(
    f"{_P}rungs_total", "What ladders did: paged, overdue, empty, lapsed, raised.", ["outcome"]
)
LATENESS = Histogram(
    f"{_P}rung_lateness_seconds",
    "From a rung's deadline to its pages in the database.",
    buckets=(0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 600.0),
)
STUCK = Counter(f"{_P}stuck_cases_total", "Cases whose ladder could not be climbed this time.")
HEARTBEAT = Gauge(f"{_P}sweeper_heartbeat_timestamp_seconds", "When the sweeper last was through.")
PAGES = Counter(
    f"{_P}pages_total", "Pages to staff, by what became of them.", ["channel", "outcome"]
)
PAGE_DISPATCH = Histogram(
    f"{_P}page_dispatch_duration_seconds",
    "From the call of a rung to the provider's acceptance of a page.",
    ["channel"],
    buckets=(0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0, 600.0),
)


def count_steps(steps: Iterable[Step | Lapse], at: datetime) -> None:
    """Count what a ladder did."""
    for step in steps:
        match step:
            case Skip():
                RUNGS.labels(step.reason).inc(step.times)
            case Call():
                RUNGS.labels("paged").inc()
                LATENESS.observe((at - step.due_at).total_seconds())
            case Lapse():
                RUNGS.labels("lapsed").inc()
            case Rise():
                RUNGS.labels("raised").inc()


def count_taken(outcome: str, tier: str, steps: Iterable[Step | Lapse], at: datetime) -> None:
    """Count what became of a risk."""
    CASES.labels(SEVERITY[tier], outcome).inc()
    count_steps(steps, at)


def count_acknowledged(case: "Case", at: datetime) -> None:
    """Count an acknowledgement, and how long it took; of a drill as of a drill."""
    severity = SEVERITY[case.counted_as]
    CASES.labels(severity, "acknowledged").inc()
    ACKNOWLEDGED_AFTER.labels(severity).observe((at - case.raised_at).total_seconds())


def count_concluded(tier: str, state: str) -> None:
    """Count a case that is closed, or in follow-up from now on."""
    CASES.labels(SEVERITY[tier], state).inc()
