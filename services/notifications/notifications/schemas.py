"""Bodies and queries of the routes. Unknown fields are refused."""

import marshmallow as ma
from marshmallow import fields, validate

from notifications import rules


class PreferencesBody(ma.Schema):
    """What a person wishes. Equal bounds mean no quiet hours."""

    email = fields.Boolean(required=True)
    quiet_from = fields.Time(format="%H:%M", load_default=rules.QUIET_FROM)
    quiet_to = fields.Time(format="%H:%M", load_default=rules.QUIET_TO)


class Preferences(ma.Schema):
    """What a person wishes, as kept."""

    person_id = fields.UUID()
    email = fields.Boolean()
    quiet_from = fields.Time(format="%H:%M")
    quiet_to = fields.Time(format="%H:%M")


class MessagesQuery(ma.Schema):
    """Whose messages, and how many of the newest."""

    recipient_id = fields.UUID(load_default=None)
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))
