"""Fields of HTTP bodies that accept exactly what the OpenAPI description says, and nothing near.

marshmallow's own take "yes" for true, "12" for 12, and instants without an offset. Queries, where
everything is text, use marshmallow's own `Integer` and `Boolean`.
"""

import re
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import marshmallow as ma
from marshmallow import validate

from catalogue.codec import instant

LARGEST_WHOLE = 2**31 - 1
YEARS = range(1900, 2200)
OF_THESE_YEARS = "^(19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}$"

_UNSEEN = r"\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff"
A_LINE = rf"^(?!\s*$)[^{_UNSEEN}]+$(?!\n)"

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_INSTANT = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE
)


class Id(ma.fields.UUID):
    """A UUID in its usual writing."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> UUID:
        if not isinstance(value, str) or not _UUID.fullmatch(value):
            raise self.make_error("invalid_uuid")
        return UUID(value)


class Day(ma.fields.Date):
    """A local date, `2026-11-23`, of a year in `YEARS`: a week or a zone away is a date too."""

    def __init__(self, **options: Any) -> None:
        super().__init__(metadata={"pattern": OF_THESE_YEARS}, **options)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> date:
        if not isinstance(value, str) or not _DAY.fullmatch(value):
            raise self.make_error("invalid", input=value, obj_type="date")
        day = super()._deserialize(value, attr, data, **kwargs)
        if day.year not in YEARS:
            raise ma.ValidationError(f"Must be of the years {YEARS[0]} to {YEARS[-1]}.")
        return day


class Instant(ma.fields.AwareDateTime):
    """An RFC 3339 instant with its offset, in UTC once loaded."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> datetime:
        if not isinstance(value, str) or not _INSTANT.fullmatch(value):
            raise self.make_error("invalid", input=value, obj_type="instant")
        try:
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            raise self.make_error("invalid", input=value, obj_type="instant") from None

    def _serialize(self, value: datetime | None, attr: Any, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else instant(value)


class Whole(ma.fields.Integer):
    """A whole number from `least` to `most`, both included."""

    def __init__(self, least: int = 0, most: int = LARGEST_WHOLE, **options: Any) -> None:
        super().__init__(strict=True, validate=validate.Range(least, most), **options)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        if isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)  # to JSON, 3.0 is a whole number
        return super()._deserialize(value, attr, data, **kwargs)


class Flag(ma.fields.Boolean):
    """True or false."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class Text(ma.fields.String):
    """Words of a person on one line, of `longest` characters at most.

    What is not seen is refused: blanks alone, control characters, and those that turn the
    direction of whatever stands beside them.
    """

    def __init__(self, longest: int, *, least: int = 1, **options: Any) -> None:
        line = validate.Regexp(A_LINE, error="Must be words on one line, all of them visible.")
        super().__init__(validate=[validate.Length(least, longest), line], **options)


class Choice(ma.fields.String):
    """One of a published list of codes."""

    def __init__(self, *codes: str, **options: Any) -> None:
        super().__init__(validate=validate.OneOf(codes), **options)


class CrisisNumbers(ma.Schema):
    """Whom to call or text in danger."""

    call = ma.fields.String(required=True)
    text = ma.fields.String(required=True)
    emergency = ma.fields.String(required=True)


def each_once(values: list[Any]) -> None:
    """Refuse a list that names something twice."""
    if len(set(values)) != len(values):
        raise ma.ValidationError("Named twice.")
