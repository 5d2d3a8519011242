"""Days on which something goes wrong on purpose: nobody answers, every provider refuses, or the
broker is away while somebody says that they are not safe."""

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from evenkeel_ops.outage import Outage
from evenkeel_ops.providers.running import Providers
from evenkeel_ops.simulator.course import Course
from evenkeel_ops.simulator.day import AWAY_BEFORE, Plan

ANSWERS = ("acknowledgement", "contact", "conclusion")
CLIMBS, REFUSE, AWAY, GOES_ON = (timedelta(minutes=minutes) for minutes in (30, 11, 7, 20))
SPEED_WHILE_AWAY = 5.0
"""Slow, since what is late by a second of real time is late by so many of simulated time."""

REFUSALS = {"mail_a": 451, "mail_b": 451, "phone_a": 503, "phone_b": 503}


class Scenario(StrEnum):
    """What goes wrong."""

    NOBODY_ANSWERS = "nobody-answers"
    PROVIDERS_DOWN = "providers-down"
    BROKER_OFF = "broker-off"


def planned(day: Plan, scenario: Scenario | None) -> Plan:
    """The day as a scenario has it: who does not answer, and when it ends."""
    said_at = _said_at(day)
    match scenario:
        case Scenario.NOBODY_ANSWERS:
            acts = [act for act in day.day if act.step not in ANSWERS]
            return replace(day, day=acts, ends_at=said_at + CLIMBS)
        case Scenario.PROVIDERS_DOWN:
            late = {a.about for a in day.day if a.step == ANSWERS[0] and a.at >= said_at}
            acts = [a for a in day.day if a.about not in late or a.step not in ANSWERS]
            return replace(day, day=acts, ends_at=said_at + CLIMBS)
        case Scenario.BROKER_OFF:
            return replace(day, ends_at=said_at + GOES_ON)
    return day


def play(
    scenario: Scenario,
    course: Course,
    day: Plan,
    until: datetime,
    outage: Outage,
    outside: Providers,
) -> int:
    """The day with its misfortune in it. Returns how often the broker was away."""
    course.run(day, min(day.outage_at, until), None)
    match scenario:
        case Scenario.PROVIDERS_DOWN:
            for name, code in REFUSALS.items():
                outside.fail(name, refuse=code)
            course.run(day, min(day.outage_at + REFUSE, until), None)
            for name in REFUSALS:
                outside.fail(name)
        case Scenario.BROKER_OFF:
            with outage:
                course.run(day, min(day.outage_at + AWAY, until), SPEED_WHILE_AWAY)
    course.run(day, until, None)
    return int(scenario is Scenario.BROKER_OFF)


def _said_at(day: Plan) -> datetime:
    """When somebody says that they are not safe."""
    return day.outage_at + AWAY_BEFORE
