"""HTTP bodies, queries and answers; unknown fields are refused."""

from typing import Any

import marshmallow as ma
from marshmallow import validate

from sessions.rules import HOMEWORK_TEMPLATES
from web.fields import Choice, CrisisNumbers, Day, Flag, Id, Instant, Text, Whole

STATE = r"^[A-Z]{2}$(?!\n)"
LOCAL_TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9]$(?!\n)"
NOT_BLANK = r"^\s*\S"
LONGEST_LOCATION, LONGEST_NUMBER, LONGEST_NAME = 300, 32, 80


class Strict(ma.Schema):
    class Meta:
        unknown = ma.RAISE


class OpenBody(Strict):
    """Nothing needs to be said to open a room or to wrap up."""


class LogInBody(Strict):
    participant_id = Id(required=True)
    state = ma.fields.String(required=True, validate=validate.Regexp(STATE))
    location = ma.fields.String(
        required=True,
        validate=[validate.Length(1, LONGEST_LOCATION), validate.Regexp(NOT_BLANK)],
    )
    callback_number = Text(LONGEST_NUMBER, required=True)
    private = Flag(required=True)
    present = ma.fields.List(
        Text(LONGEST_NAME), load_default=list, validate=validate.Length(max=20)
    )


class PersonBody(Strict):
    participant_id = Id(required=True)


class CheckInBody(Strict):
    """Somebody who is not safe is never sent back to answer the rest."""

    participant_id = Id(required=True)
    safe = Flag(required=True)
    urge = Whole(0, 10, load_default=None, allow_none=True)
    mood = Whole(0, 10, load_default=None, allow_none=True)
    sleep_hours = Whole(0, 24, load_default=None, allow_none=True)
    substance = Flag(load_default=None, allow_none=True)

    @ma.validates_schema
    def urge_is_asked_of_the_safe(self, content: dict[str, Any], **_: Any) -> None:
        if content["safe"] and content["urge"] is None:
            raise ma.ValidationError("Missing data for required field.", "urge")


class BodyCheckBody(Strict):
    """Somebody who took too many pills is never sent back to answer the rest."""

    participant_id = Id(required=True)
    more_than_prescribed = Flag(required=True)
    short_nights = Whole(0, 7, load_default=None, allow_none=True)


class SegmentBody(Strict):
    position = Whole(0, 100, required=True)


class HomeworkBody(Strict):
    template = Choice(*HOMEWORK_TEMPLATES, required=True)
    due_on = Day(required=True)
    due_local = ma.fields.String(required=True, validate=validate.Regexp(LOCAL_TIME))


class SubmissionBody(Strict):
    """What was written is not taken: the fact that it was handed in is."""


class DaysQuery(Strict):
    on = Day(required=True)
    cohort_id = ma.fields.UUID()
    limit = ma.fields.Integer(load_default=100, validate=validate.Range(1, 500))


class DayQuery(Strict):
    on = Day(required=True)


def _answer(name: str, **kinds: Any) -> type[ma.Schema]:
    """What is answered: each field is there, of a kind or a list of a schema's."""
    return ma.Schema.from_dict({field: _kind(kind) for field, kind in kinds.items()}, name=name)


def _kind(kind: Any) -> ma.fields.Field:
    if isinstance(kind, list):
        return ma.fields.List(ma.fields.Nested(kind[0]), required=True)
    return kind if isinstance(kind, ma.fields.Field) else kind(required=True)


def _or_none(kind: type[ma.fields.Field]) -> ma.fields.Field:
    return kind(required=True, allow_none=True)


_EXPECTED = {"attendance_id": Id, "participant_id": Id}
_DAY = {
    "occurrence_id": Id,
    "cohort_id": Id,
    "day_on": Day,
    "zone": ma.fields.String,
    "starts_at": Instant,
    "ends_at": Instant,
    "state": ma.fields.String,
    "session_id": _or_none(Id),
    "session_state": _or_none(ma.fields.String),
}

Attendance = _answer(
    "Attendance",
    **_EXPECTED,
    state=ma.fields.String,
    arrived_at=_or_none(Instant),
    late=ma.fields.Boolean,
    absence_announced=ma.fields.Boolean,
    private=_or_none(ma.fields.Boolean),
    minutes=_or_none(ma.fields.Integer),
)
Segment = _answer(
    "Segment",
    kind=ma.fields.String,
    starts_at=Instant,
    ends_at=Instant,
    position=ma.fields.Integer,
    started_at=_or_none(Instant),
)
Homework = _answer(
    "Homework",
    homework_id=Id,
    participant_id=Id,
    template=ma.fields.String,
    state=ma.fields.String,
    due_at=Instant,
)
Days = _answer("Days", items=[_answer("Day", **_DAY)])
Opened = _answer("Opened", session_id=Id, expected=[_answer("Expected", **_EXPECTED)])
Session = _answer(
    "Session",
    **_DAY,
    facilitator_id=Id,
    opened_at=Instant,
    closed_at=_or_none(Instant),
    position=ma.fields.Integer,
    segments=[Segment],
    attendances=[Attendance],
)
DayOfParticipant = _answer(
    "DayOfParticipant",
    participant_id=Id,
    zone=_or_none(ma.fields.String),
    days=[
        _answer(
            "OwnDay",
            **_DAY,
            attendance=ma.fields.Nested(Attendance, required=True, allow_none=True),
        )
    ],
    homework=[Homework],
)
Moved = _answer("Moved", attendance_id=Id, state=ma.fields.String)
Risk = _answer("Risk", tier=ma.fields.String, trigger=ma.fields.String)
CheckedIn = _answer(
    "CheckedIn",
    checkin_id=Id,
    risk=ma.fields.Nested(Risk, required=True, allow_none=True),
    crisis_numbers=ma.fields.Nested(CrisisNumbers, required=True),
)
BodyChecked = _answer(
    "BodyChecked",
    body_check_id=Id,
    risk=ma.fields.Nested(Risk, required=True, allow_none=True),
    crisis_numbers=ma.fields.Nested(CrisisNumbers, required=True),
)
Alarmed = _answer(
    "Alarmed",
    risk=ma.fields.Nested(Risk, required=True),
    crisis_numbers=ma.fields.Nested(CrisisNumbers, required=True),
)
SegmentStarted = _answer(
    "SegmentStarted", session_id=Id, position=ma.fields.Integer, segment=ma.fields.String
)
Assigned = _answer("Assigned", homework=[Homework])
Submitted = _answer("Submitted", homework_id=Id, state=ma.fields.String)
Credit = _answer("Credit", participant_id=Id, minutes=ma.fields.Integer)
Credited = _answer("Credited", credited=[Credit])
