"""Metrics of the watchdog, for whoever watches it from outside."""

from prometheus_client import Gauge

_P = "evenkeel_crisis_watchdog_"

ALARM = Gauge(f"{_P}alarm", "1 while the alarm is on.", ["alarm"])
LOOKED = Gauge(f"{_P}looked_timestamp_seconds", "When it last saw something.")
