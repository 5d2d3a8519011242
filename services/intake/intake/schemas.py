"""What may be sent to intake, and what it answers. A field that is not here is refused."""

import dataclasses
from typing import Any
from zoneinfo import available_timezones

import marshmallow as ma
from marshmallow import fields, validate

from intake.delivery import ADMISSION, LEVELS, Recommendation
from intake.episode import CLOSURE_REASONS, DEPARTURE_REASONS, DISCHARGE_REASONS
from intake.facts import FACTS
from intake.instruments import INSTRUMENTS
from intake.level_of_care import OVERRIDE_EVIDENCE
from web.fields import Choice, CrisisNumbers, Day, Flag, Id, Instant, Text, Whole, each_once

CODE = validate.Regexp(r"^[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}$(?!\n)")
VERSION = validate.Regexp(r"^[0-9]{4}-[0-9]{1,2}$(?!\n)")
"""Year and number of a consent form; digits only, since it rides on an event."""

PHONE = validate.Regexp(r"^\+?[0-9][0-9 ().-]{4,30}$(?!\n)")
ZONES = available_timezones()
STATES = (
    "AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "DC", "FL", "GA", "HI", "ID", "IL", "IN", "IA",
    "KS", "KY", "LA", "ME", "MD", "MA", "MI", "MN", "MS", "MO", "MT", "NE", "NV", "NH", "NJ", "NM",
    "NY", "NC", "ND", "OH", "OK", "OR", "PA", "PR", "RI", "SC", "SD", "TN", "TX", "UT", "VT", "VA",
    "WA", "WV", "WI", "WY", "AS", "GU", "MP", "VI",
)  # fmt: skip
"""USPS codes of states, the District of Columbia and territories."""

LANGUAGES = ("en", "es")
"""What a participant may be written to in."""

KINDS = ("self", "professional", "step_down")
MESSAGES = (
    "days.email", "days.sms", "homework.email", "homework.sms", "email",
)  # fmt: skip
"""Purpose and channel, one by one; `email` is e-mail of every purpose."""

ENDS = {"rejected": "close", "withdrawn": "close", "referred_out": "refer_out"}
"""How a referral may end without admission, and the step each takes."""


def _known_zone(name: str) -> None:
    if name not in ZONES:
        raise ma.ValidationError("Not a time zone of the IANA database.")


def _code(**options: Any) -> fields.String:
    return fields.String(validate=CODE, **options)


def _some_of(*codes: str, **options: Any) -> fields.List:
    return fields.List(Choice(*codes), validate=each_once, **options)


class ContactBody(ma.Schema):
    """Whom to call when the participant is in danger; they have agreed to it."""

    name = Text(120, required=True)
    phone = fields.String(required=True, validate=PHONE)
    relation = Text(60)


class DetailsBody(ma.Schema):
    """A participant's details, all of them."""

    given_name = Text(120, required=True)
    family_name = Text(120, required=True)
    birth_on = Day(required=True)
    email = fields.Email(required=True, validate=validate.Length(max=254))
    phone = fields.String(validate=PHONE)
    address = Text(400)
    emergency_contact = fields.Nested(ContactBody)
    state = Choice(*STATES, required=True)
    zone = fields.String(required=True, validate=_known_zone)
    language = Choice(*LANGUAGES, load_default="en")


class ReferralBody(ma.Schema):
    """Somebody asks for admission of a participant."""

    clinic_id = Id(required=True)
    kind = Choice(*KINDS, required=True)
    discharged_on = Day()
    participant = fields.Nested(DetailsBody, required=True)


class ScreenBody(ma.Schema):
    instrument = Choice(*INSTRUMENTS, required=True)


class AnswersBody(ma.Schema):
    """Answers by item code; those of a whole instrument or of one item."""

    answers = fields.Dict(
        keys=_code(), values=Whole(0, 3), required=True, validate=validate.Length(1, 32)
    )


def _fact(kind: type | tuple[str, ...]) -> fields.Field:
    if isinstance(kind, tuple):
        return Choice(*kind)
    return {
        bool: lambda: Flag(),
        int: lambda: Whole(0, 1000),
        float: lambda: fields.Float(validate=validate.Range(0, 100_000)),
        list: lambda: fields.List(_code(), validate=validate.Length(max=10)),
    }[kind]()


def _facts_schema() -> type[ma.Schema]:
    """The facts that the rules read, nested by their dots."""
    plain: dict[str, Any] = {}
    groups: dict[str, dict[str, Any]] = {}
    for name, kind in FACTS.items():
        group, _, last = name.rpartition(".")
        (groups.setdefault(group, {}) if group else plain)[last] = _fact(kind)
    for group, inside in groups.items():
        plain[group] = fields.Nested(ma.Schema.from_dict(inside, name=f"Facts_{group}"))
    return ma.Schema.from_dict(plain, name="Facts")


class RecommendationBody(ma.Schema):
    facts = fields.Nested(_facts_schema(), required=True)


class LevelBody(ma.Schema):
    """A level, with a reason when it departs from the recommendation or overrides a gate."""

    level = Choice(*LEVELS, required=True)
    reason = Choice(*DEPARTURE_REASONS)
    overrides = _some_of(*ADMISSION, load_default=list)
    evidence = _some_of(*OVERRIDE_EVIDENCE, load_default=list)


class ConsentBody(ma.Schema):
    version = fields.String(required=True, validate=VERSION)
    messages = _some_of(*MESSAGES, required=True)


class NothingBody(ma.Schema):
    """An empty object."""


class DischargeBody(ma.Schema):
    """Why an episode of care ends."""

    reason = Choice(*DISCHARGE_REASONS, required=True)


class EndBody(ma.Schema):
    """How and why a referral ends without admission."""

    outcome = Choice(*ENDS, required=True)
    reason = Choice(*CLOSURE_REASONS, required=True)


class EpisodesQuery(ma.Schema):
    clinic_id = fields.UUID()
    state = _code()
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))


class RiskShown(ma.Schema):
    tier = fields.String(required=True)
    trigger = fields.String(required=True)


class ScreenPut(ma.Schema):
    screen_id = Id(required=True)
    instrument = fields.String(required=True)
    state = fields.String(required=True)
    items = fields.List(fields.String(), required=True)
    must_end_by = Instant(required=True)
    crisis_numbers = fields.Nested(CrisisNumbers, required=True)


class Answered(ma.Schema):
    screen_id = Id(required=True)
    state = fields.String(required=True)
    missing = fields.List(fields.String(), required=True)
    risk = fields.Nested(RiskShown, required=True, allow_none=True)
    crisis_numbers = fields.Nested(CrisisNumbers, required=True)


class ScreenShown(ma.Schema):
    screen_id = Id(required=True)
    instrument = fields.String(required=True)
    state = fields.String(required=True)
    total = fields.Integer(allow_none=True)
    band = fields.String(allow_none=True)
    risk = fields.Nested(RiskShown, allow_none=True)


def _recommendation_schema() -> type[ma.Schema]:
    """All that a recommendation says."""
    said: dict[str, Any] = {
        "recommendation_id": Id(required=True),
        "made_at": Instant(required=True),
        "rules": fields.List(fields.String(), required=True),
        "admission": fields.String(required=True),
    }
    for one in dataclasses.fields(Recommendation):
        if isinstance(one.default, tuple):
            said[one.name] = fields.List(fields.String(), required=True)
        elif isinstance(one.default, bool):
            said[one.name] = fields.Boolean(required=True)
        elif one.name == "row":
            said[one.name] = fields.Integer(required=True, allow_none=True)
        else:
            said[one.name] = fields.String(required=True, allow_none=True)
    return ma.Schema.from_dict(said, name="Recommendation")


RecommendationShown = _recommendation_schema()


class EpisodeListed(ma.Schema):
    episode_id = Id(required=True)
    participant_id = Id(required=True)
    clinic_id = Id(required=True)
    state = fields.String(required=True)
    kind = fields.String(required=True)
    referred_at = Instant(required=True)
    level = fields.String(allow_none=True)
    attended_minutes = fields.Integer(required=True)


class EpisodesListed(ma.Schema):
    items = fields.List(fields.Nested(EpisodeListed), required=True)


class EpisodeShown(EpisodeListed):
    screens = fields.List(fields.Nested(ScreenShown), required=True)
    recommendation = fields.Nested(RecommendationShown, allow_none=True)
    confirmed_level = fields.String(allow_none=True)
    consent_version = fields.String(allow_none=True)
    first_day_due_on = fields.Date(allow_none=True)


class ConsentShown(EpisodeListed):
    consent_id = Id(required=True)
    version = fields.String(required=True)


class DetailsShown(DetailsBody):
    participant_id = Id(required=True)
    clinic_id = Id(required=True)
    details_version = fields.Integer(required=True)
