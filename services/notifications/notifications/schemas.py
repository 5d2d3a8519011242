"""Bodies, queries and answers of the routes. Unknown fields are refused."""

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from notifications import rules
from notifications.brands import LONGEST
from notifications.delivery_log import STATUSES
from notifications.purposes import KEYS, Key
from web.fields import Choice, Day, Flag, Id, Instant, Text


def _clock_time(**options: Any) -> fields.Time:
    return fields.Time(format="%H:%M", **options)


def safe_hours_make_sense(content: dict[str, Any]) -> None:
    """Refuse one bound without the other, and a day of which nothing is safe."""
    begin, end = content.get("safe_from"), content.get("safe_to")
    if (begin is None) != (end is None):
        missing = "safe_from" if begin is None else "safe_to"
        raise ma.ValidationError("Say when they begin and when they end.", missing)
    if begin is not None and begin == end:
        raise ma.ValidationError("Must differ from the beginning.", "safe_to")


class PreferencesBody(ma.Schema):
    """What a person wishes. Equal bounds mean no quiet hours. Nothing is sent outside the safe
    hours, if there are any."""

    email = Flag(required=True)
    sms = Flag()
    quiet_from = _clock_time(load_default=rules.QUIET_FROM)
    quiet_to = _clock_time(load_default=rules.QUIET_TO)
    safe_to_text = Flag()
    safe_to_leave_voicemail = Flag()
    safe_from = _clock_time(allow_none=True)
    safe_to = _clock_time(allow_none=True)

    @ma.validates_schema
    def _hours_make_sense(self, content: dict[str, Any], **_: Any) -> None:
        safe_hours_make_sense(content)


class Preferences(ma.Schema):
    """What a person wishes, as kept."""

    person_id = fields.UUID()
    email = fields.Boolean()
    sms = fields.Boolean()
    quiet_from = _clock_time()
    quiet_to = _clock_time()
    safe_to_text = fields.Boolean()
    safe_to_leave_voicemail = fields.Boolean()
    safe_from = _clock_time(allow_none=True)
    safe_to = _clock_time(allow_none=True)


class ConsentShown(ma.Schema):
    """One thing that was said about one purpose and channel, and the words that were read."""

    n = fields.Integer(required=True)
    purpose = fields.String(required=True)
    channel = fields.String(required=True)
    said = fields.String(required=True)
    said_in = fields.String(required=True)
    episode_id = Id(required=True, allow_none=True)
    version = fields.String(required=True, allow_none=True)
    wording = fields.String(required=True, allow_none=True)
    wording_digest = fields.String(required=True, allow_none=True)
    by = fields.String(required=True)
    at = Instant(required=True)


class StandingShown(ma.Schema):
    """Whether one purpose may be told by one channel, by which entry, or why not."""

    purpose = fields.String(required=True)
    channel = fields.String(required=True)
    allowed = fields.Boolean(required=True)
    n = fields.Integer(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)


class Consents(ma.Schema):
    """How things stand, and everything that was said, oldest first."""

    standings = fields.List(fields.Nested(StandingShown), required=True)
    items = fields.List(fields.Nested(ConsentShown), required=True)


class BrandBody(ma.Schema):
    """As whose a clinic's messages appear. What is left out stays discreet: no name at all."""

    clinic_id = Id(required=True)
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


class ReceiptQuery(ma.Schema):
    """The message that a receipt is about."""

    key = fields.UUID(required=True)


def name_of(key: Key) -> str:
    """What a tick for a purpose and channel is called in a form."""
    return "_".join(key)


class SettingsBody(ma.Schema.from_dict({name_of(key): Flag(load_default=False) for key in KEYS})):
    """A person's message settings, all of them."""

    quiet_from = _clock_time(load_default=rules.QUIET_FROM)
    quiet_to = _clock_time(load_default=rules.QUIET_TO)
    safe_to_text = Flag(load_default=False)
    safe_to_leave_voicemail = Flag(load_default=False)
    safe_from = _clock_time(load_default=None)
    safe_to = _clock_time(load_default=None)

    @ma.validates_schema
    def _hours_make_sense(self, content: dict[str, Any], **_: Any) -> None:
        safe_hours_make_sense(content)


class SavedQuery(ma.Schema):
    """Whether the settings have just been saved."""

    saved = fields.Boolean(load_default=False)


class LogQuery(ma.Schema):
    """Whose day, and which of its messages. What is left blank in the form is not asked for."""

    clinic_id = fields.UUID(load_default=None)
    on = Day(load_default=None)
    status = Choice(*STATUSES, load_default=None)

    @ma.pre_load
    def _leave_blanks_out(self, content: Any, **_: Any) -> dict[str, Any]:
        return {name: content[name] for name in content if content[name] != ""}


class AttemptShown(ma.Schema):
    """One attempt: by which channel and whom, what was answered, what was said later."""

    channel = fields.String(required=True)
    begun_at = Instant(required=True)
    outcome = fields.String(required=True, allow_none=True)
    carrier = fields.String(required=True, allow_none=True)
    receipt = fields.String(required=True, allow_none=True)
    receipt_code = fields.String(required=True, allow_none=True)
    receipt_at = Instant(required=True, allow_none=True)


class Why(ma.Schema):
    """Why somebody was told, or was not: the rule, the consent, the attempts, the cause."""

    message_id = Id(required=True)
    clinic_id = Id(required=True)
    recipient_id = Id(required=True)
    template = fields.String(required=True)
    purpose = fields.String(required=True)
    rule = fields.String(required=True)
    about_at = Instant(required=True)
    lead_minutes = fields.Integer(required=True)
    planned_at = Instant(required=True)
    not_before = Instant(required=True)
    sent_at = Instant(required=True, allow_none=True)
    status = fields.String(required=True)
    reason = fields.String(required=True, allow_none=True)
    reason_in_words = fields.String(required=True, allow_none=True)
    may_repeat = fields.Boolean(required=True)
    consent = fields.Nested(ConsentShown, required=True, allow_none=True)
    attempts = fields.List(fields.Nested(AttemptShown), required=True)
    caused_by = Id(required=True)
    correlation_id = Id(required=True)
