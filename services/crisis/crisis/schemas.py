"""HTTP bodies and queries of crisis; unknown fields are refused."""

import marshmallow as ma
from marshmallow import validate

from crisis.case import SAFETY_PLANS, STATES
from crisis.rules import TIERS
from web.fields import Choice, Id

LONGEST_LIST = 500

Code = validate.Regexp(r"^[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}\Z")


class CaseBody(ma.Schema):
    """A case opened by hand."""

    clinic_id = Id(required=True)
    participant_id = Id(required=True)
    tier = Choice(*TIERS, required=True)
    trigger = ma.fields.String(required=True, validate=Code)


class NothingBody(ma.Schema):
    """A body that says no more than its path."""


class ClosureBody(ma.Schema):
    """How a case ended."""

    disposition = ma.fields.String(required=True, validate=Code)
    safety_plan = Choice(*SAFETY_PLANS, required=True)


class RotaBody(ma.Schema):
    """Who is called at each rung, the first rung first."""

    clinic_id = Id(required=True)
    rungs = ma.fields.List(
        ma.fields.List(Id(), validate=validate.Length(max=50)),
        required=True,
        validate=validate.Length(1, 20),
    )


class CasesQuery(ma.Schema):
    """Which cases to list."""

    state = Choice(*STATES.states)
    clinic_id = Id()
    limit = ma.fields.Integer(load_default=100, validate=validate.Range(1, LONGEST_LIST))
