"""Forms and answers of the safety plan."""

from typing import Any

import marshmallow as ma
from marshmallow import validate

from crisis.plan.wording import CODES, LONGEST_STEP
from web.fields import Flag, Id, Instant, Whole


def _steps(**options: Any) -> dict[str, Any]:
    longest = validate.Length(max=LONGEST_STEP)
    return {code: ma.fields.String(validate=longest, **options) for code in CODES}


Steps = ma.Schema.from_dict(_steps(required=True), name="Steps")

PlanBody = ma.Schema.from_dict(
    {
        **_steps(load_default=""),
        "replaces": Whole(0, 1_000_000, required=True),
        "together": Flag(required=True),
    },
    name="PlanBody",
)
"""A plan as it is written down together. `replaces` is the version its writers saw; 0 for none."""


class PlanShown(ma.Schema):
    """A participant's plan as it is now."""

    version = ma.fields.Integer(required=True)
    written_at = Instant(required=True)
    written_by = ma.fields.String(required=True)
    steps = ma.fields.Nested(Steps, required=True)


class PlanWritten(ma.Schema):
    """Which version it is."""

    participant_id = Id(required=True)
    version = ma.fields.Integer(required=True)


class PlanOfParticipant(ma.Schema):
    """A participant's plan, or null."""

    plan = ma.fields.Nested(PlanShown, required=True, allow_none=True)
