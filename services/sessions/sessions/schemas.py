"""HTTP bodies and queries; unknown fields are refused."""

from typing import Any

import marshmallow as ma
from marshmallow import validate

from sessions.rules import HOMEWORK_TEMPLATES
from web.fields import Choice, Day, Flag, Id, Text, Whole

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


class SegmentBody(Strict):
    position = Whole(0, 100, required=True)


class HomeworkBody(Strict):
    template = Choice(*HOMEWORK_TEMPLATES, required=True)
    due_on = Day(required=True)
    due_local = ma.fields.String(required=True, validate=validate.Regexp(LOCAL_TIME))


class SubmissionBody(Strict):
    """What was written is not taken: the fact that it was handed in is."""


class DaysQuery(Strict):
    on = ma.fields.Date(required=True)
    cohort_id = ma.fields.UUID()
    limit = ma.fields.Integer(load_default=100, validate=validate.Range(1, 500))


class DayQuery(Strict):
    on = ma.fields.Date(required=True)
