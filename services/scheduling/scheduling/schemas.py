"""What may be sent to scheduling, and what it answers. A field that is not here is refused."""

from datetime import time
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from scheduling.rules import (
    CANCELLATION_REASONS,
    LARGEST_GROUP,
    LONGEST_SERIES,
    MINUTES_A_DAY,
    SEGMENT_KINDS,
    STATES,
    WEEKDAYS,
    zone_names,
)
from web.fields import Choice, Day, Id, Instant, Text, Whole, each_once

ROLES = ("clinician", "supervisor", "crisis_lead")
CODE = validate.Regexp(r"^[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}$(?!\n)")
PHONE = validate.Regexp(r"^\+?[0-9][0-9 ().-]{4,30}$(?!\n)")
CLOCK = validate.Regexp(r"^([01][0-9]|2[0-3]):[0-5][0-9]$(?!\n)")
MOST_SEGMENTS = 24
MOST_LICENCES = 60


def _known_zone(name: str) -> None:
    if name not in zone_names():
        raise ma.ValidationError("Not a time zone of the IANA database.")


def _each_licence_once(licences: list[dict[str, Any]]) -> None:
    each_once([(licence["state"], licence["number"]) for licence in licences])


def _zone() -> fields.String:
    return fields.String(required=True, validate=_known_zone)


class DetailsBody(ma.Schema):
    """A clinician's details, all of them."""

    given_name = Text(120, required=True)
    family_name = Text(120, required=True)
    email = fields.Email(required=True, validate=validate.Length(max=254))
    phone = fields.String(required=True, validate=PHONE)
    zone = _zone()


class LicenceBody(ma.Schema):
    """A licence to practise in a state."""

    state = Choice(*STATES, required=True)
    number = Text(64, required=True)
    expires_on = Day(required=True)


class ClinicianBody(DetailsBody):
    """A clinician to register."""

    clinic_id = Id(required=True)
    roles = fields.List(Choice(*ROLES), required=True, validate=[validate.Length(1), each_once])
    licences = fields.List(
        fields.Nested(LicenceBody),
        required=True,
        validate=[validate.Length(max=MOST_LICENCES), _each_licence_once],
    )


class SegmentBody(ma.Schema):
    """A part of a programme day."""

    kind = Choice(*SEGMENT_KINDS, required=True)
    minutes = Whole(1, MINUTES_A_DAY[1], required=True)


class ProgrammeBody(ma.Schema):
    """A programme to publish."""

    clinic_id = Id(required=True)
    code = fields.String(required=True, validate=CODE)
    zone = _zone()
    weekdays = fields.List(
        Choice(*WEEKDAYS), required=True, validate=[validate.Length(1), each_once]
    )
    starts_local = fields.String(required=True, validate=CLOCK)
    segments = fields.List(
        fields.Nested(SegmentBody), required=True, validate=validate.Length(1, MOST_SEGMENTS)
    )

    @ma.post_load
    def _read_clock(self, content: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        return {**content, "starts_local": time.fromisoformat(content["starts_local"])}


class CohortBody(ma.Schema):
    """A cohort to open with the series of its days."""

    clinic_id = Id(required=True)
    programme_id = Id(required=True)
    facilitator_id = Id(required=True)
    capacity = Whole(1, LARGEST_GROUP, required=True)
    first_on = Day(required=True)
    count = Whole(1, LONGEST_SERIES, required=True)


class SeatBody(ma.Schema):
    """A participant to seat."""

    participant_id = Id(required=True)


class CancellationBody(ma.Schema):
    """Why a day is called off."""

    reason = Choice(*CANCELLATION_REASONS, required=True)


class ListQuery(ma.Schema):
    """Which rows of a list, newest last."""

    clinic_id = Id()
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))


class OccurrenceQuery(ma.Schema):
    """Which days: of a cohort, and between two local dates, both included."""

    cohort_id = Id()
    from_on = Day(data_key="from")
    to_on = Day(data_key="to")
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))


def _answer(name: str, **kinds: Any) -> type[ma.Schema]:
    """What is answered: each field is there, of a kind or a list of a schema's."""
    return ma.Schema.from_dict({field: _kind(kind) for field, kind in kinds.items()}, name=name)


def _kind(kind: Any) -> fields.Field:
    if isinstance(kind, list):
        (item,) = kind
        of_schemas = issubclass(item, ma.Schema)
        return fields.List(fields.Nested(item) if of_schemas else item(), required=True)
    return kind(required=True)


_STAFF = {"clinician_id": Id, "clinic_id": Id, "zone": fields.String}
_DAY = {"occurrence_id": Id, "day_on": Day, "starts_at": Instant, "ends_at": Instant}
_PLANNED = _DAY | {
    "cohort_id": Id,
    "clinic_id": Id,
    "facilitator_id": Id,
    "zone": fields.String,
    "state": fields.String,
}
_COHORT = {
    "cohort_id": Id,
    "clinic_id": Id,
    "programme_id": Id,
    "programme": fields.String,
    "facilitator_id": Id,
    "capacity": fields.Integer,
    "taken": fields.Integer,
    "zone": fields.String,
    "weekdays": [fields.String],
    "starts_local": fields.String,
}

ClinicianMade = _answer("ClinicianMade", clinician_id=Id)
Clinician = _answer("Clinician", **_STAFF, roles=[fields.String], states=[fields.String])
Clinicians = _answer("Clinicians", items=[Clinician])
DetailsChanged = _answer("DetailsChanged", clinician_id=Id, details_version=fields.Integer)
Details = _answer(
    "Details",
    **_STAFF,
    details_version=fields.Integer,
    given_name=fields.String,
    family_name=fields.String,
    email=fields.String,
    phone=fields.String,
)
ProgrammeMade = _answer("ProgrammeMade", programme_id=Id, weekly_minutes=fields.Integer)
CohortMade = _answer("CohortMade", cohort_id=Id, occurrences=[_answer("Day", **_DAY)])
Cohorts = _answer("Cohorts", items=[_answer("Cohort", **_COHORT)])
Taken = _answer("TakenSeat", seat_id=Id, participant_id=Id, offered_at=Instant)
Roster = _answer(
    "Roster", **_COHORT, seats=[Taken], occurrences=[_answer("PlannedDay", **_PLANNED)]
)
Segment = _answer("Segment", kind=fields.String, starts_at=Instant, ends_at=Instant)
Occurrences = _answer("Occurrences", items=[_answer("Occurrence", **_PLANNED, segments=[Segment])])
ClockChange = _answer(
    "ClockChange", starts_at=Instant, local_before=fields.String, local_after=fields.String
)
SeatMade = _answer(
    "SeatMade",
    seat_id=Id,
    occurrences=fields.Integer,
    first_starts_at=Instant,
    zone=fields.String,
    clock_changes=[ClockChange],
)
SeatReleased = _answer("SeatReleased", seat_id=Id, state=fields.String)
OccurrenceCancelled = _answer("OccurrenceCancelled", occurrence_id=Id, state=fields.String)
