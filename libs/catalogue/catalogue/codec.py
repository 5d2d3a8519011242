"""From an event to its JSON body and back, through one marshmallow schema for each event class.

Writers emit every field. Readers ignore fields they do not know and refuse a body that lacks one
they need, so a newer writer can add optional fields without anybody noticing.
"""

import json
from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from datetime import UTC, date, datetime
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import marshmallow as ma
from marshmallow import validate

from catalogue.event import Event, declared


class InvalidBody(ValueError):
    """The body does not fit the declared event. `errors` maps field to messages."""

    def __init__(self, type_: str, errors: dict[str, Any]) -> None:
        super().__init__(f"{type_}: {', '.join(sorted(map(str, errors)))}")
        self.errors = errors


class UnsupportedField(TypeError):
    """An event declares a field of a type that may not ride on events."""


class _Instant(ma.fields.Field):
    """An aware instant, written in UTC as RFC 3339 with microseconds."""

    def _serialize(self, value: datetime, attr, obj, **kwargs) -> str | None:
        return None if value is None else instant(value)

    def _deserialize(self, value: Any, attr, data, **kwargs) -> datetime:
        return _instant_of(value)


def _instant_of(value: Any) -> datetime:
    try:
        read = datetime.fromisoformat(value)
        in_utc = read.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise ma.ValidationError("Not an RFC 3339 instant.") from None
    if read.tzinfo is None:
        raise ma.ValidationError("An instant needs its offset.")
    return in_utc


class _Pattern(validate.Regexp):
    """Matches the whole value: `$` alone would let a code end with a line break."""

    def __call__(self, value: Any) -> Any:
        if self.regex.fullmatch(value) is None:
            raise ma.ValidationError(self._format_error(value))
        return value


FIELD_TYPES: dict[Any, Callable[..., ma.fields.Field]] = {
    UUID: ma.fields.UUID,
    bool: ma.fields.Boolean,
    int: lambda **options: ma.fields.Integer(strict=True, **options),
    date: ma.fields.Date,
    datetime: _Instant,
}


def instant(value: datetime) -> str:
    """RFC 3339 in UTC, always with six decimals, so that text order is time order."""
    if value.tzinfo is None:
        raise ma.ValidationError("An instant needs its offset.")
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


@cache
def schema_of(cls: type[Event]) -> ma.Schema:
    """The marshmallow schema of an event class, built once. Raises UnsupportedField."""
    hints = get_type_hints(cls, include_extras=True)
    declared_fields = {f.name: _field(cls, f, hints[f.name]) for f in fields(cls)}
    schema_class = ma.Schema.from_dict(declared_fields, name=cls.__name__)
    return schema_class(unknown=ma.EXCLUDE)


def encode(event: Event) -> bytes:
    """The JSON body of an event. Raises InvalidBody when a value does not fit its declaration."""
    body, errors = {}, {}
    for name, field in schema_of(type(event)).fields.items():
        try:
            body[name] = _written(field, getattr(event, name))
        except ma.ValidationError as wrong:
            errors[name] = wrong.messages
    if errors:
        raise InvalidBody(event.type, errors)
    return json.dumps(body, separators=(",", ":"), sort_keys=True).encode()


def decode(type_: str, body: bytes) -> Event:
    """The event of a JSON body. Raises UndeclaredEvent or InvalidBody."""
    cls = declared(type_)
    schema = schema_of(cls)
    try:
        content = json.loads(body)
        values: Any = _plainly_read(schema, content) or schema.load(content)
        return cls(**values)
    except ma.ValidationError as wrong:
        raise InvalidBody(type_, wrong.normalized_messages()) from None
    except (ValueError, RecursionError):
        raise InvalidBody(type_, {"body": ["Not JSON."]}) from None


def optional(f: Field) -> bool:
    """Whether readers accept a body without this field."""
    return f.default is not MISSING or f.default_factory is not MISSING


def _field(cls: type[Event], f: Field, hint: Any) -> ma.fields.Field:
    made = _of_hint(hint, required=not optional(f))
    if made is None:
        raise UnsupportedField(f"{cls.__name__}.{f.name}: {hint} may not ride on an event")
    if optional(f):
        made.load_default = f.default
    return made


def _of_hint(hint: Any, **options: Any) -> ma.fields.Field | None:
    if hint in FIELD_TYPES:
        return FIELD_TYPES[hint](**options)
    arguments = get_args(hint)
    match get_origin(hint):
        case origin if origin in (Union, UnionType) and NoneType in arguments:
            (inner,) = set(arguments) - {NoneType}
            return _of_hint(inner, allow_none=True, **options)
        case origin if origin is Literal:
            return ma.fields.String(validate=validate.OneOf(arguments), **options)
        case origin if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
            inner = _of_hint(arguments[0])
            return inner and _Tuple(inner, **options)
        case _ if hasattr(hint, "__metadata__") and arguments[0] is str:
            return ma.fields.String(validate=_Pattern(hint.__metadata__[0]), **options)
    return None


class _Tuple(ma.fields.List):
    """A list on the wire, a tuple in a frozen event."""

    def _deserialize(self, value, attr, data, **kwargs):
        return tuple(super()._deserialize(value, attr, data, **kwargs))


_READS: dict[type, tuple[type, Callable[[Any], Any]]] = {
    ma.fields.UUID: (str, UUID),
    ma.fields.Integer: (int, int),
    ma.fields.String: (str, str),
    _Instant: (str, _instant_of),
}
"""What a field is in JSON, exactly, and how that is read where nothing is unusual about it."""


def _plainly_read(schema: ma.Schema, content: Any) -> dict[str, Any] | None:
    """What `schema.load` gives for a body that is just as our writers write it, in a third of the
    time; None for any other, which the schema then accepts or refuses."""
    try:
        return {name: _read(field, content[name]) for name, field in schema.fields.items()}
    except (KeyError, TypeError, ValueError, ma.ValidationError):
        return None


def _read(field: ma.fields.Field, value: Any) -> Any:
    standing, read = _READS.get(type(field), (None, None))
    if read is None or type(value) is not standing:
        return field.deserialize(value)
    for validate_ in field.validators:
        validate_(value)
    return read(value)


_WRITES: dict[type, tuple[type, Callable[[Any], Any]]] = {
    ma.fields.UUID: (UUID, str),
    ma.fields.Boolean: (bool, bool),
    ma.fields.Integer: (int, int),
    ma.fields.String: (str, str),
    ma.fields.Date: (date, date.isoformat),
    _Instant: (datetime, instant),
    _Tuple: (tuple, list),
}
"""What a field holds in an event, exactly, and how that is written."""


def _written(field: ma.fields.Field, value: Any) -> Any:
    if value is None and field.allow_none:
        return None
    held, write = _WRITES[type(field)]
    if type(value) is not held:
        raise ma.ValidationError(f"Not a {held.__name__}.")
    if isinstance(field, _Tuple):
        return [_written(field.inner, inner) for inner in value or ()]
    for validate_ in field.validators or ():
        validate_(value)
    return write(value)
