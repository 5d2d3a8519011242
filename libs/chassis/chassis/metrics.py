"""Metrics of the plumbing. Labels are of closed lists: services, lanes, event types, outcomes."""

from prometheus_client import Counter, Gauge, Histogram

_P = "evenkeel_"

PUBLISHED = Counter(
    f"{_P}events_published_total", "Events the broker confirmed.", ["service", "lane"]
)
CONSUMED = Counter(
    f"{_P}events_consumed_total",
    "Events received, by what became of them.",
    ["service", "lane", "event_type", "outcome"],
)
DELIVERY = Histogram(
    f"{_P}event_delivery_duration_seconds",
    "From the instant an event happened to its committed effect.",
    ["service", "lane"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 60.0, 600.0),
)
NACKS = Counter(f"{_P}outbox_nacks_total", "Publishes the broker refused.", ["service"])
REOPENS = Counter(f"{_P}outbox_channel_reopens_total", "Publishing channels given up.", ["service"])
RELAY_LEADER = Gauge(f"{_P}outbox_relay_leader", "1 in the process that leads.", ["service"])
IN_FLIGHT = Gauge(
    f"{_P}consumer_in_flight_messages", "Messages taken and not yet acknowledged.",
    ["service", "lane"],
)  # fmt: skip
CONSUMER_READY = Gauge(
    f"{_P}consumer_ready", "1 while the lane's consumer takes messages.", ["service", "lane"]
)
RESTORED = Gauge(
    f"{_P}producer_restored", "1 while a producer's log ends before what was read of it.",
    ["service", "source"],
)  # fmt: skip
PARKED = Counter(f"{_P}parked_total", "Events set aside, by reason.", ["service", "reason"])
TIMERS = Counter(f"{_P}timers_fired_total", "Timers, by outcome.", ["service", "kind", "outcome"])
REQUESTS = Histogram(
    f"{_P}http_request_duration_seconds",
    "Requests answered.",
    ["service", "route", "method", "status_class"],
)
FAULTS = Counter(f"{_P}http_faults_total", "Requests that ended in a 500.", ["service", "route"])
DETAILS = Counter(f"{_P}details_fetched_total", "Details fetched.", ["service", "outcome"])
