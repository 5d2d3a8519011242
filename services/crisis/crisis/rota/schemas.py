"""HTTP bodies, queries and answers about rotas; unknown fields are refused."""

from datetime import time
from typing import Any

import marshmallow as ma
from marshmallow import validate

from crisis.rota.shifts import (
    LONG_AGO,
    WEEKDAYS,
    Override,
    Rotation,
    instant_of,
    zone_names,
)
from crisis.rota.times import LONGEST, SHORTEST_SECONDS, Times
from crisis.rules import HOUR, MINUTE
from web.fields import Choice, Day, Id, Instant, Whole, each_once

CLOCK = validate.Regexp(r"^([01][0-9]|2[0-3]):[0-5][0-9]$(?!\n)")
TURNS = {"together": 0, "day": 1, "week": 7, "fortnight": 14}
"""How long a turn lasts, in days; together there are no turns."""

DRILL_TIERS = ("T1", "T2")

MOST_RUNGS, MOST_ROTATIONS, MOST_TURNS, MOST_PEOPLE = 20, 6, 50, 50


def _known_zone(name: str) -> None:
    if name not in zone_names():
        raise ma.ValidationError("Not a time zone of the IANA database.")


def _clock() -> ma.fields.String:
    return ma.fields.String(load_default="00:00", validate=CLOCK)


class RotationBody(ma.Schema):
    """People who take turns on a rung, by the clock of a zone."""

    turns = ma.fields.List(
        ma.fields.List(Id(), validate=validate.Length(max=MOST_PEOPLE)),
        required=True,
        validate=validate.Length(1, MOST_TURNS),
    )
    zone = ma.fields.String(required=True, validate=_known_zone)
    first_on = Day(load_default=LONG_AGO)
    last_on = Day(load_default=None, allow_none=True)
    starts_at = _clock()
    ends_at = _clock()
    weekdays = ma.fields.List(
        Choice(*WEEKDAYS), load_default=WEEKDAYS, validate=[validate.Length(1), each_once]
    )
    turn_days = Whole(1, 366, load_default=7)

    @ma.post_load
    def rotation(self, given: dict[str, Any], **_: Any) -> Rotation:
        """The rotation that is meant."""
        return Rotation(
            **{
                **given,
                "turns": tuple(tuple(dict.fromkeys(people)) for people in given["turns"]),
                "starts_at": time.fromisoformat(given["starts_at"]),
                "ends_at": time.fromisoformat(given["ends_at"]),
                "weekdays": tuple(given["weekdays"]),
            }
        )


class RotaBody(ma.Schema):
    """Who is called at each rung, the first first: layers, or people who are on call always."""

    clinic_id = Id(required=True)
    rungs = ma.fields.List(
        ma.fields.List(Id(), validate=validate.Length(max=MOST_PEOPLE)),
        validate=validate.Length(1, MOST_RUNGS),
    )
    layers = ma.fields.List(
        ma.fields.List(ma.fields.Nested(RotationBody), validate=validate.Length(1, MOST_ROTATIONS)),
        validate=validate.Length(1, MOST_RUNGS),
    )

    @ma.validates_schema
    def either(self, given: dict[str, Any], **_: Any) -> None:
        """Layers or rungs, not both and not neither."""
        if ("rungs" in given) == ("layers" in given):
            raise ma.ValidationError("Give either rungs or layers.", "layers")


class OverrideBody(ma.Schema):
    """Somebody stands in for somebody else."""

    clinic_id = Id(required=True)
    clinician_id = Id(required=True)
    instead_of = Id(required=True)
    starts_at = Instant(required=True)
    ends_at = Instant(required=True)


class TimesBody(ma.Schema):
    """How long each step of a tier's ladder takes, in seconds; the last interval repeats."""

    intervals = ma.fields.List(Whole(), required=True, validate=validate.Length(1, MOST_RUNGS))
    contact_seconds = Whole(required=True, allow_none=True)
    disposition_seconds = Whole(required=True)

    @ma.post_load
    def times(self, given: dict[str, Any], **_: Any) -> Times:
        """The times that are meant."""
        return Times(**{**given, "intervals": tuple(given["intervals"])})


class PolicyBody(ma.Schema):
    """How fast the ladders of a clinic climb."""

    clinic_id = Id(required=True)
    T1 = ma.fields.Nested(TimesBody, required=True)
    T2 = ma.fields.Nested(TimesBody, required=True)
    T3 = ma.fields.Nested(TimesBody, required=True)


class RotaPublished(ma.Schema):
    """The rota now in force."""

    rota_id = Id(required=True)
    edition = ma.fields.Integer(required=True)


class OverrideMade(ma.Schema):
    """The override that was made."""

    override_id = Id(required=True)


class OnRung(ma.Schema):
    """Who stands on a rung now."""

    clinic_id = Id(required=True)
    rung = ma.fields.Integer(required=True)
    people = ma.fields.List(Id(), required=True)


class OnCallListed(ma.Schema):
    """Who is on call at an instant. A clinic not listed calls all its staff, and the desk."""

    at = Instant(required=True)
    items = ma.fields.List(ma.fields.Nested(OnRung), required=True)


class DrillForm(ma.Schema):
    """A drill, as urgent as a tier."""

    tier = Choice(*DRILL_TIERS, required=True)


class DrillBody(DrillForm):
    """A drill in a clinic."""

    clinic_id = Id(required=True)


class TestPageBody(ma.Schema):
    """A test page to somebody of a clinic's staff."""

    clinic_id = Id(required=True)
    person_id = Id(required=True)


class DrillShown(ma.Schema):
    """A drill, or with `person_id` a test page. Without an answer nobody acknowledged it."""

    case_id = Id(required=True)
    clinic_id = Id(required=True)
    code = ma.fields.String(required=True)
    tier = ma.fields.String(required=True)
    person_id = Id(required=True, allow_none=True)
    begun_at = Instant(required=True)
    begun_by = ma.fields.String(required=True)
    ended_at = Instant(required=True, allow_none=True)
    answered_by = Id(required=True, allow_none=True)
    answered_after_seconds = ma.fields.Float(required=True, allow_none=True)


class DrillsListed(ma.Schema):
    """Drills and test pages, the newest first."""

    items = ma.fields.List(ma.fields.Nested(DrillShown), required=True)


class RehearsalQuery(ma.Schema):
    """How many days back."""

    days = ma.fields.Integer(load_default=30, validate=validate.Range(1, 366))


class LoadShown(ma.Schema):
    """What somebody bore in a week, which begins on a Monday of their own clock."""

    clinic_id = Id(required=True)
    person_id = Id(required=True)
    week_on = Day(required=True)
    pages = ma.fields.Integer(required=True)
    at_night = ma.fields.Integer(required=True)
    taken_by_others = ma.fields.Integer(required=True)


class LoadListed(ma.Schema):
    """Load on people, the newest week first."""

    items = ma.fields.List(ma.fields.Nested(LoadShown), required=True)


class HandOverShown(ma.Schema):
    """A case whose holder's shift is over, and who is on call now, the first rung first."""

    clinic_id = Id(required=True)
    case_id = Id(required=True)
    code = ma.fields.String(required=True)
    holder = Id(required=True)
    to = ma.fields.List(Id(), required=True)


class HandOversListed(ma.Schema):
    """Cases that somebody should take over, the oldest first."""

    items = ma.fields.List(ma.fields.Nested(HandOverShown), required=True)


class TimesShown(ma.Schema):
    """How long each step of a tier's ladder takes, in seconds."""

    intervals = ma.fields.List(ma.fields.Integer(), required=True)
    contact_seconds = ma.fields.Integer(required=True, allow_none=True)
    disposition_seconds = ma.fields.Integer(required=True)


class PolicyShown(ma.Schema):
    """A policy of a clinic; the one with the highest edition holds for cases opened now."""

    clinic_id = Id(required=True)
    edition = ma.fields.Integer(required=True)
    published_at = Instant(required=True)
    T1 = ma.fields.Nested(TimesShown, required=True)
    T2 = ma.fields.Nested(TimesShown, required=True)
    T3 = ma.fields.Nested(TimesShown, required=True)


class PoliciesListed(ma.Schema):
    """Policies, the newest first."""

    items = ma.fields.List(ma.fields.Nested(PolicyShown), required=True)


class OverrideForm(ma.Schema):
    """Somebody stands in, by the clock of a zone."""

    clinician_id = Id(required=True)
    instead_of = Id(required=True)
    from_on = Day(required=True)
    from_at = ma.fields.String(required=True, validate=CLOCK)
    until_on = Day(required=True)
    until_at = ma.fields.String(required=True, validate=CLOCK)
    zone = ma.fields.String(required=True, validate=_known_zone)

    @ma.post_load
    def override(self, given: dict[str, Any], **_: Any) -> dict[str, Override]:
        """The override that is meant."""
        edges = [
            instant_of(given[f"{edge}_on"], time.fromisoformat(given[f"{edge}_at"]), given["zone"])
            for edge in ("from", "until")
        ]
        return {"override": Override(given["clinician_id"], given["instead_of"], *edges)}


class RotationForm(ma.Schema):
    """People who take turns on a rung; `together` they are all on call at once."""

    people = ma.fields.List(
        Id(), required=True, validate=[validate.Length(1, MOST_TURNS), each_once]
    )
    turn = Choice(*TURNS, required=True)
    zone = ma.fields.String(required=True, validate=_known_zone)
    first_on = Day(required=True)
    last_on = Day(load_default=None)
    starts_at = ma.fields.String(required=True, validate=CLOCK)
    ends_at = ma.fields.String(required=True, validate=CLOCK)
    weekdays = ma.fields.List(Choice(*WEEKDAYS), required=True, validate=each_once)

    @ma.post_load
    def rotation(self, given: dict[str, Any], **_: Any) -> dict[str, Rotation]:
        """The rotation that is meant."""
        people, days = given["people"], TURNS[given["turn"]]
        rotation = Rotation(
            turns=tuple((person,) for person in people) if days else (tuple(people),),
            zone=given["zone"],
            first_on=given["first_on"],
            last_on=given["last_on"],
            starts_at=time.fromisoformat(given["starts_at"]),
            ends_at=time.fromisoformat(given["ends_at"]),
            weekdays=tuple(day for day in WEEKDAYS if day in given["weekdays"]),
            turn_days=days or 7,
        )
        return {"rotation": rotation}


def _figure(longest: int, unit: int, word: str) -> ma.fields.Float:
    most = longest / unit
    told = f"From {SHORTEST_SECONDS / unit:.2g} to {most:g} {word}."
    bounds = validate.Range(SHORTEST_SECONDS / unit, most, error=told)
    return ma.fields.Float(required=True, validate=bounds, metadata={"unit": unit})


def _figures() -> dict[str, ma.fields.Field]:
    """A field for each figure of a policy: minutes, and hours up to the disposition."""
    figures: dict[str, ma.fields.Field] = {}
    for tier, longest in LONGEST.items():
        for n, seconds in enumerate(longest.intervals, start=1):
            figures[f"{tier}_{n}"] = _figure(seconds, MINUTE, "minutes")
        if longest.contact_seconds:
            figures[f"{tier}_contact"] = _figure(longest.contact_seconds, MINUTE, "minutes")
        figures[f"{tier}_disposition"] = _figure(longest.disposition_seconds, HOUR, "hours")
    return figures


class PolicyForm(ma.Schema.from_dict(_figures())):
    """How fast ladders climb."""

    @ma.post_load
    def times(self, given: dict[str, Any], **_: Any) -> dict[str, dict[str, Times]]:
        """The times that are meant."""
        seconds = {
            name: round(value * self.fields[name].metadata["unit"]) for name, value in given.items()
        }
        times = {
            tier: Times(
                tuple(seconds[f"{tier}_{n}"] for n in range(1, len(longest.intervals) + 1)),
                seconds.get(f"{tier}_contact"),
                seconds[f"{tier}_disposition"],
            )
            for tier, longest in LONGEST.items()
        }
        return {"times": times}
