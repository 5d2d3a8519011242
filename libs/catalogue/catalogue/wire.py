"""What a message of an event looks like on the wire: JSON Schemas and a sample.

The schemas are draft-07, because AsyncAPI 3 extends that draft. They describe what writers send;
readers are more patient and ignore what they do not know.
"""

from collections.abc import Iterable
from datetime import date, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import marshmallow as ma
from marshmallow import validate

from catalogue.codec import FIELD_TYPES, schema_of
from catalogue.event import Event
from catalogue.words import EXAMPLES, meaning

Json = dict[str, Any]

PREFIX = "cloudEvents_"
_INSTANT = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$"
_UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_TRACE = "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"
_DIGITS_6, _DIGITS_12 = {"pattern": "^[0-9]{6}$"}, {"pattern": "^[0-9]{12}$"}
_BEGAN, _BEGAN_MS = "2026-01-05T17:00:00.000000Z", 1767632400000

ATTRIBUTES: dict[str, Json] = {
    "specversion": {"const": "1.0", "description": "The version of CloudEvents, `1.0`."},
    "id": {"pattern": f"^{_UUID}$", "description": "The same on every retry and replay."},
    "source": {"description": "`/evenkeel/` and the service that announced it."},
    "type": {"description": "The event and its major version."},
    "subject": {"description": "`stream/id`: what it is about. Order holds within one subject."},
    "time": {"pattern": _INSTANT, "description": "When it was announced, UTC."},
    "sequence": _DIGITS_12 | {"description": "The subject's version: 1, 2, 3 without gaps."},
    "epoch": _DIGITS_6 | {"description": "Which life of the producer's database."},
    "position": _DIGITS_12 | {"description": "Place in the producer's log of this lane."},
    "correlationid": {"pattern": f"^{_UUID}$", "description": "What all this began with."},
    "causationid": {"pattern": f"^{_UUID}$", "description": "The event that caused this one."},
    "traceparent": {"pattern": _TRACE, "description": "W3C trace context."},
    "clinicid": {"pattern": f"^{_UUID}$", "description": "The clinic it happened in."},
    "dataclassification": {"pattern": "^[0-5]$", "description": "Privacy class."},
    "synthetic": {"enum": ["true", "false"], "description": "Whether it is a drill or a canary."},
}
"""The CloudEvents attributes that every message carries as headers; all are strings."""

MAY_BE_ABSENT = {"causationid", "traceparent", "synthetic"}

_SHAPES: dict[type, Json] = {
    type(FIELD_TYPES[declared]()): shape
    for declared, shape in {
        UUID: {"type": "string", "format": "uuid"},
        bool: {"type": "boolean"},
        int: {"type": "integer"},
        date: {"type": "string", "format": "date"},
        datetime: {"type": "string", "format": "date-time", "pattern": _INSTANT},
    }.items()
}


def attributes_schema() -> Json:
    """JSON Schema of the headers that all messages have in common."""
    return {
        "type": "object",
        "properties": _as_headers({a: {"type": "string"} | ATTRIBUTES[a] for a in ATTRIBUTES}),
        "required": [PREFIX + name for name in ATTRIBUTES if name not in MAY_BE_ABSENT],
    }


def body_schema(cls: type[Event]) -> Json:
    """JSON Schema of an event's body. `x-` keys say where it travels and how private it is."""
    declared = schema_of(cls).fields
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": cls.__name__,
        "description": announced_when(cls),
        "type": "object",
        "properties": {name: _property(name, field) for name, field in declared.items()},
        "required": [name for name, field in declared.items() if field.required],
        "x-stream": cls.stream.name,
        "x-lane": cls.stream.lane,
        "x-dataclassification": cls.privacy,
        "x-publishers": list(cls.publishers),
    }


def header_schema(cls: type[Event]) -> Json:
    """JSON Schema of what is particular to an event among `ATTRIBUTES`."""
    attributes = {
        "source": {"enum": [f"/evenkeel/{service}" for service in cls.publishers]},
        "type": {"const": cls.type},
        "subject": {"pattern": f"^{cls.stream.name}/{_UUID}$"},
    }
    return {"type": "object", "properties": _as_headers(attributes)}


def sample(cls: type[Event]) -> Json:
    """Headers and body of one message, the same at every call."""
    properties = body_schema(cls)["properties"]
    body = {name: _example(name, shape) for name, shape in properties.items()}
    attributes = {
        "specversion": "1.0",
        "id": _id_of(cls.type),
        "source": f"/evenkeel/{cls.publishers[0]}",
        "type": cls.type,
        "subject": f"{cls.stream.name}/{body[cls.stream.name + '_id']}",
        "time": _BEGAN,
        "sequence": f"{1:012d}",
        "epoch": f"{1:06d}",
        "position": f"{1:012d}",
        "correlationid": _id_of("correlation"),
        "clinicid": body["clinic_id"],
        "dataclassification": str(cls.privacy),
        "synthetic": "true",
    }
    return {"headers": _as_headers(attributes), "body": body}


def announced_when(cls: type[Event]) -> str:
    """The docstring of an event on one line."""
    return " ".join((cls.__doc__ or "").split())


def _property(name: str, field: ma.fields.Field) -> Json:
    described = _shape(field) | {"description": meaning(name)}
    if not field.required:
        described["default"] = field.serialize(name, {name: field.load_default})
    return described


def _shape(field: ma.fields.Field) -> Json:
    match field:
        case ma.fields.List():
            shape = {"type": "array", "items": _shape(field.inner)}
        case ma.fields.String():
            shape = {"type": "string"} | _limit(field.validators)
        case _:
            shape = dict(_SHAPES[type(field)])
    return _or_null(shape) if field.allow_none else shape


def _limit(validators: Iterable[Any]) -> Json:
    (limit,) = validators
    if isinstance(limit, validate.OneOf):
        return {"enum": list(limit.choices)}
    return {"pattern": limit.regex.pattern}


def _or_null(shape: Json) -> Json:
    nullable = shape | {"type": [shape["type"], "null"]}
    return nullable | {"enum": [*shape["enum"], None]} if "enum" in shape else nullable


def _example(name: str, shape: Json) -> Any:
    match shape:
        case {"items": items}:
            return [_example(name, items)]
        case {"enum": [first, *_]}:
            return first
        case {"format": "uuid"}:
            return _id_of(name)
        case {"format": "date"}:
            return _BEGAN[:10]
        case {"format": "date-time"}:
            return _BEGAN
        case {"type": "boolean" | ["boolean", _]}:
            return True
    return EXAMPLES.get(name, 1 if "integer" in shape["type"] else "example")


def _id_of(words: str) -> str:
    """A UUIDv7 that depends on nothing but the words."""
    digits = sha256(words.encode()).hexdigest()
    moment = f"{_BEGAN_MS:012x}"
    return f"{moment[:8]}-{moment[8:]}-7{digits[:3]}-8{digits[3:6]}-{digits[6:18]}"


def _as_headers(attributes: Json) -> Json:
    return {PREFIX + name: value for name, value in attributes.items()}
