"""HTTP bodies, queries and answers of crisis; unknown fields are refused."""

import marshmallow as ma
from marshmallow import validate

from crisis.case import SAFETY_PLANS, STATES
from crisis.paging.page import STATES as PAGE_STATES
from crisis.plan.schemas import PlanShown
from crisis.rules import (
    ALL_TIERS,
    BASES,
    DISPOSITIONS,
    FOLLOW_UPS,
    LOWERED_BECAUSE,
    TAKEN_BY,
    TIERS,
    TRIGGERS_BY_HAND,
)
from web.fields import Choice, Id, Instant, Text

LONGEST_LIST = 500


def _licence() -> ma.fields.String:
    """The state of the licence under which somebody decides."""
    return ma.fields.String(required=True, validate=validate.Regexp("^[A-Z]{2}$"))


class CaseByHandBody(ma.Schema):
    """A case opened by hand for somebody whose clinic is known here."""

    participant_id = Id(required=True)
    tier = Choice(*TIERS, required=True)
    trigger = Choice(*TRIGGERS_BY_HAND, required=True)


class CaseBody(CaseByHandBody):
    """A case opened by hand."""

    clinic_id = Id(required=True)


class OpenedQuery(ma.Schema):
    """The code of the case that was opened just now."""

    opened = ma.fields.String(validate=validate.Regexp("^[0-9A-Z]{4,5}$"))


class NothingBody(ma.Schema):
    """A body that says no more than its path."""


class ConclusionBody(ma.Schema):
    """How a case stands after the assessment, by whose licence, and what contact is kept."""

    disposition = Choice(*DISPOSITIONS, required=True)
    safety_plan = Choice(*SAFETY_PLANS, required=True)
    licence = _licence()
    follow_up = Choice(*FOLLOW_UPS, required=True)


class ContactBody(ma.Schema):
    """Which contact of the follow-up was made: when it was due, as the case says."""

    due_at = Instant(required=True)


class LowerTierBody(ma.Schema):
    """A licensed person's finding that there is less danger."""

    tier = Choice(*TIERS[1:], required=True)
    reason = Choice(*LOWERED_BECAUSE, required=True)
    licence = _licence()


class DispatchBody(ma.Schema):
    """Emergency services were called by a person, on this basis."""

    basis = Choice(*BASES, required=True)


class HandOverBody(ma.Schema):
    """Who has the participant in their care now."""

    to = Choice(*TAKEN_BY, required=True)


class HelpLinkBody(ma.Schema):
    """Whose link it is."""

    clinic_id = Id(required=True)
    participant_id = Id(required=True)


class HelpLinkIssued(ma.Schema):
    """Where a link leads, below the address of the house, and until when."""

    path = ma.fields.String(required=True)
    expires_at = Instant(required=True)


class KeyQuery(ma.Schema):
    """Which message a provider speaks of."""

    key = Id(required=True)


class TakeBody(ma.Schema):
    """Which of the cases that a page named somebody takes."""

    code = Text(5, required=True)


class CasesQuery(ma.Schema):
    """Which cases to list."""

    state = Choice(*STATES.states)
    clinic_id = Id()
    limit = ma.fields.Integer(load_default=100, validate=validate.Range(1, LONGEST_LIST))


class CaseListed(ma.Schema):
    """A case on one line."""

    case_id = Id(required=True)
    clinic_id = Id(required=True)
    participant_id = Id(required=True)
    code = ma.fields.String(required=True)
    tier = Choice(*ALL_TIERS, required=True)
    state = Choice(*STATES.states, required=True)
    opened_at = Instant(required=True)
    rung = ma.fields.Integer(required=True)
    generation = ma.fields.Integer(required=True)
    next_due_at = Instant(required=True, allow_none=True)
    acknowledged_by = Id(required=True, allow_none=True)


class CasesListed(ma.Schema):
    """Cases, newest last."""

    items = ma.fields.List(ma.fields.Nested(CaseListed), required=True)


class PageShown(ma.Schema):
    """A call to somebody. `may_repeat`: an earlier attempt may have arrived. `sent`: a provider
    accepted it; `receipt` is what it said since."""

    page_id = Id(required=True)
    clinician_id = Id(required=True)
    rung = ma.fields.Integer(required=True)
    generation = ma.fields.Integer(required=True)
    channel = ma.fields.String(required=True)
    state = Choice(*PAGE_STATES.states, required=True)
    called_at = Instant(required=True)
    sent_at = Instant(required=True, allow_none=True)
    receipt = ma.fields.String(required=True, allow_none=True)
    receipt_at = Instant(required=True, allow_none=True)
    may_repeat = ma.fields.Boolean(required=True)


class EntryShown(ma.Schema):
    """Something that happened to a case."""

    at = Instant(required=True)
    what = ma.fields.String(required=True)
    by = ma.fields.String(required=True)
    facts = ma.fields.Dict(required=True)


class CaseShown(CaseListed):
    """A case with its pages and everything that happened to it, the safety plan first."""

    plan = ma.fields.Nested(PlanShown, required=True, allow_none=True)
    disposition = ma.fields.String(required=True, allow_none=True)
    safety_plan = Choice(*SAFETY_PLANS, required=True, allow_none=True)
    licence = ma.fields.String(required=True, allow_none=True)
    follow_ups = ma.fields.List(Instant(), required=True)
    previous_case_id = Id(required=True, allow_none=True)
    pages = ma.fields.List(ma.fields.Nested(PageShown), required=True)
    timeline = ma.fields.List(ma.fields.Nested(EntryShown), required=True)


class Acknowledged(ma.Schema):
    """Who has the case, and until when contact must be logged; for a drill, no contact is."""

    case_id = Id(required=True)
    acknowledged_by = Id(required=True)
    contact_due_at = Instant(required=True, allow_none=True)
