"""The catalogue of events as a page to read."""

import json
from collections.abc import Iterable
from typing import get_args

from catalogue.channels import Channel, channels
from catalogue.event import PRIVACY_CLASSES, Code, Event, Zone
from catalogue.streams import ANNOUNCES
from catalogue.wire import (
    ATTRIBUTES,
    MAY_BE_ABSENT,
    PREFIX,
    Json,
    announced_when,
    body_schema,
    sample,
)

INTRODUCTION = """\
# Events

Generated from the declarations in `libs/catalogue` by `./evenkeel docs`; a test fails when stale.
Machines read [asyncapi.json](asyncapi.json) and the JSON Schema of each event in `schemas/`.

Every event is a CloudEvents 1.0 message in AMQP binary mode: attributes are headers, the body is
JSON. Readers ignore unknown fields; within a major version fields are only ever added.
Ids and codes only: no event carries a name, an address, free text or an answer.
"""

_FORMATS = {"uuid": "id", "date": "date", "date-time": "instant, UTC"}
_PATTERNS = {get_args(Code)[1]: "code", get_args(Zone)[1]: "IANA time zone"}
_TYPES = {"boolean": "yes or no", "integer": "whole number"}


def overview() -> str:
    """Markdown: per publisher and stream, every event with its fields and an example."""
    by_service = [_service(service) for service in ANNOUNCES]
    return "\n".join([INTRODUCTION, _attributes(), *by_service])


def _attributes() -> str:
    rows = [
        (f"`{PREFIX}{name}`", "optional" if name in MAY_BE_ABSENT else "", attribute["description"])
        for name, attribute in ATTRIBUTES.items()
    ]
    return f"## Headers\n\n{_table(('header', '', 'meaning'), rows)}"


def _service(service: str) -> str:
    announced = [_channel(channel) for channel in channels() if channel.service == service]
    return "\n".join([f"## {service}\n", *announced])


def _channel(channel: Channel) -> str:
    stream = channel.stream
    heard_by = ", ".join(channel.heard_by) or "nobody yet"
    facts = f"Exchange `{channel.exchange}`, {stream.lane} lane, heard by {heard_by}."
    heading = f"### {stream.name}, announced by {channel.service}\n\n{facts}\n"
    return "\n".join([heading, *(_event(cls) for cls in channel.events)])


def _event(cls: type[Event]) -> str:
    schema = body_schema(cls)
    rows = [
        (f"`{name}`", _kind(shape), "" if name in schema["required"] else "optional",
         shape["description"])
        for name, shape in schema["properties"].items()
    ]  # fmt: skip
    example = json.dumps(sample(cls)["body"], indent=2)
    privacy = f"{cls.privacy}, {PRIVACY_CLASSES[cls.privacy]}"
    return f"""\
#### {cls.__name__}

{announced_when(cls)}

Type `{cls.type}`, routing key `{cls.routing_key}`, privacy class {privacy}.

{_table(("field", "type", "", "meaning"), rows)}
```json
{example}
```
"""


def _kind(shape: Json) -> str:
    match shape:
        case {"items": items}:
            return f"list of {_kind(items)}"
        case {"enum": values}:
            return "one of " + ", ".join(f"`{value}`" for value in values if value is not None)
        case {"format": format_}:
            return _FORMATS[format_]
        case {"pattern": pattern}:
            return _PATTERNS.get(pattern, f"`{pattern}`")
        case {"type": [type_, "null"]} | {"type": type_}:
            return _TYPES[type_]
    raise LookupError(f"no words for {shape}")


def _table(heading: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heading, tuple("---" for _ in heading), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
