"""Bodies and answers of the packet."""

import marshmallow as ma
from marshmallow import validate

from crisis.packet.packet import NEEDED, TOLD_TO
from crisis.plan.schemas import PlanShown
from crisis.rules import ALL_TIERS, BASES
from web.fields import Choice, Id, Instant

STATE = r"^[A-Z]{2}$(?!\n)"
TEN_DIGITS = r"^(\+1[ .-]?)?[0-9]{3}[ .-]?[0-9]{3}[ .-]?[0-9]{4}$(?!\n)"


class CallCentreBody(ma.Schema):
    """The ten-digit number of the emergency call centre for a state."""

    clinic_id = Id(required=True)
    state = ma.fields.String(required=True, validate=validate.Regexp(STATE))
    number = ma.fields.String(required=True, validate=validate.Regexp(TEN_DIGITS))


class CallCentreShown(ma.Schema):
    """A number that a clinic entered."""

    clinic_id = Id(required=True)
    state = ma.fields.String(required=True)
    number = ma.fields.String(required=True)
    entered_at = Instant(required=True)


class CallCentresShown(ma.Schema):
    """Numbers of emergency call centres."""

    items = ma.fields.List(ma.fields.Nested(CallCentreShown), required=True)


class CallCentresQuery(ma.Schema):
    """Whose numbers."""

    clinic_id = Id()


class ToldBody(ma.Schema):
    """To whom the packet was read out, and on what basis."""

    to = Choice(*TOLD_TO, required=True)
    basis = Choice(*BASES, required=True)


class RiskShown(ma.Schema):
    """A sign of danger."""

    tier = Choice(*ALL_TIERS, required=True)
    trigger = ma.fields.String(required=True)
    noticed_at = Instant(required=True)


class Contact(ma.Schema):
    """Whom the participant wants to be called."""

    name = ma.fields.String(required=True)
    phone = ma.fields.String(required=True)
    relation = ma.fields.String()


class PacketShown(ma.Schema):
    """What a call centre must be told. `missing` names what is not known here."""

    case_id = Id(required=True)
    clinic_id = Id(required=True)
    participant_id = Id(required=True)
    code = ma.fields.String(required=True)
    tier = Choice(*ALL_TIERS, required=True)
    state = ma.fields.String(required=True)
    opened_at = Instant(required=True)
    risks = ma.fields.List(ma.fields.Nested(RiskShown), required=True)
    name = ma.fields.String(required=True, allow_none=True)
    birth_on = ma.fields.String(required=True, allow_none=True)
    phone = ma.fields.String(required=True, allow_none=True)
    home_address = ma.fields.String(required=True, allow_none=True)
    emergency_contact = ma.fields.Nested(Contact, required=True, allow_none=True)
    place = ma.fields.String(required=True, allow_none=True)
    place_state = ma.fields.String(required=True, allow_none=True)
    callback_number = ma.fields.String(required=True, allow_none=True)
    present = ma.fields.List(ma.fields.String(), required=True)
    confirmed_at = Instant(required=True, allow_none=True)
    place_age_minutes = ma.fields.Integer(required=True, allow_none=True)
    place_is_old = ma.fields.Boolean(required=True)
    plan = ma.fields.Nested(PlanShown, required=True, allow_none=True)
    call_centre_state = ma.fields.String(required=True, allow_none=True)
    call_centre = ma.fields.String(required=True, allow_none=True)
    missing = ma.fields.List(Choice(*NEEDED), required=True)
