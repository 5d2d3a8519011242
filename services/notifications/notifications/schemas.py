"""Bodies, queries and answers of the routes. Unknown fields are refused."""

import marshmallow as ma
from marshmallow import fields, validate

from notifications import rules
from notifications.brands import LONGEST
from web.fields import Flag, Id, Instant, Text


class PreferencesBody(ma.Schema):
    """What a person wishes. Equal bounds mean no quiet hours."""

    email = Flag(required=True)
    quiet_from = fields.Time(format="%H:%M", load_default=rules.QUIET_FROM)
    quiet_to = fields.Time(format="%H:%M", load_default=rules.QUIET_TO)


class Preferences(ma.Schema):
    """What a person wishes, as kept."""

    person_id = fields.UUID()
    email = fields.Boolean()
    quiet_from = fields.Time(format="%H:%M")
    quiet_to = fields.Time(format="%H:%M")


class BrandBody(ma.Schema):
    """As whose a clinic's messages appear. What is left out stays discreet: no name at all."""

    sender_name = Text(LONGEST, load_default=None)
    calendar_title = Text(LONGEST, load_default=None)


class Brand(ma.Schema):
    """As whose a clinic's messages appear now."""

    clinic_id = Id(required=True)
    sender_name = fields.String(required=True, allow_none=True)
    calendar_title = fields.String(required=True, allow_none=True)


class MessagesQuery(ma.Schema):
    """Whose messages, and how many of the newest."""

    recipient_id = fields.UUID(load_default=None)
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))


class MessageShown(ma.Schema):
    """A message: what it was about, where it stands, and why it was not sent."""

    message_id = Id(required=True)
    recipient_id = Id(required=True)
    template = fields.String(required=True)
    about_id = Id(required=True)
    about_at = Instant(required=True)
    state = fields.String(required=True)
    reason = fields.String(required=True, allow_none=True)
    not_before = Instant(required=True)
    attempts = fields.Integer(required=True)
    may_repeat = fields.Boolean(required=True)
    consent_version = fields.String(required=True, allow_none=True)
    planned_by = Id(required=True)
    sent_at = Instant(required=True, allow_none=True)


class Messages(ma.Schema):
    """Messages, newest last."""

    items = fields.List(fields.Nested(MessageShown), required=True)
