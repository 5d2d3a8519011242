"""Writes `docs/events/` from the declared events: AsyncAPI 3, JSON Schemas and a page to read.

`documents()` depends on the declarations alone, so the files can be compared byte by byte.
"""

import json
from pathlib import Path

from catalogue.channels import Channel, channels
from catalogue.event import REGISTRY, Event
from catalogue.overview import overview
from catalogue.wire import (
    PREFIX,
    Json,
    announced_when,
    attributes_schema,
    body_schema,
    header_schema,
    sample,
)

FOLDER = Path("docs/events")
BINDING = {"bindingVersion": "0.3.0"}


def documents() -> dict[Path, bytes]:
    """Every file of `docs/events/` by its path in the repository."""
    schemas = {f"schemas/{type_}.json": _json(body_schema(REGISTRY[type_])) for type_ in _types()}
    files = {"README.md": overview().encode(), "asyncapi.json": _json(asyncapi()), **schemas}
    return {FOLDER / name: content for name, content in files.items()}


def write(root: Path) -> None:
    """Makes `docs/events/` below the root what the declarations say, nothing more."""
    fresh = {root / path: content for path, content in documents().items()}
    for stale in set((root / FOLDER).rglob("*.*")) - set(fresh):
        stale.unlink()
    for path, content in fresh.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def asyncapi() -> Json:
    """The AsyncAPI document of all services together."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Evenkeel events",
            "version": "1.0.0",
            "description": "CloudEvents 1.0 in AMQP binary mode. Each event has its own major "
            "version; within it fields are only ever added, and readers ignore unknown ones.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {channel.name: _channel(channel) for channel in channels()},
        "operations": _operations(),
        "components": {
            "schemas": {"attributes": attributes_schema()}
            | {type_: body_schema(REGISTRY[type_]) for type_ in _types()},
            "messages": {type_: _message(REGISTRY[type_]) for type_ in _types()},
        },
    }


def _types() -> list[str]:
    return sorted(REGISTRY)


def _channel(channel: Channel) -> Json:
    stream = channel.stream
    exchange = {"name": channel.exchange, "type": "topic", "durable": True, "autoDelete": False}
    keys = [cls.routing_key.removeprefix(f"{stream.name}.") for cls in channel.events]
    return {
        "address": f"{stream.name}.{{event}}",
        "title": f"{stream.name} events of {channel.service}",
        "description": f"Bind `{stream.name}.#` to hear the whole stream. Lane: {stream.lane}.",
        "parameters": {"event": {"description": "Event and major version.", "enum": keys}},
        "messages": {
            cls.type: _reference("components/messages", cls.type) for cls in channel.events
        },
        "bindings": {"amqp": {"is": "routingKey", "exchange": exchange} | BINDING},
        "x-lane": stream.lane,
    }


def _operations() -> Json:
    announced = {
        f"{channel.service}_announces_{channel.stream.name}": _operation("send", channel)
        for channel in channels()
    }
    heard = {
        f"{service}_hears_{channel.name}": _operation("receive", channel)
        for channel in channels()
        for service in channel.heard_by
    }
    return announced | heard


def _operation(action: str, channel: Channel) -> Json:
    binding = {"deliveryMode": 2} if action == "send" else {"ack": True}
    return {
        "action": action,
        "channel": _reference("channels", channel.name),
        "messages": [
            _reference(f"channels/{channel.name}/messages", cls.type) for cls in channel.events
        ],
        "bindings": {"amqp": binding | BINDING},
    }


def _message(cls: type[Event]) -> Json:
    of_every_event = _reference("components/schemas", "attributes")
    shown = sample(cls)
    return {
        "name": cls.type,
        "title": cls.__name__,
        "summary": announced_when(cls),
        "contentType": "application/json",
        "headers": {"allOf": [of_every_event, header_schema(cls)]},
        "payload": _reference("components/schemas", cls.type),
        "correlationId": {"location": f"$message.header#/{PREFIX}correlationid"},
        "tags": [{"name": cls.stream.name}, {"name": cls.stream.lane}],
        "bindings": {"amqp": {"contentEncoding": "utf-8"} | BINDING},
        "examples": [{"headers": shown["headers"], "payload": shown["body"]}],
    }


def _reference(place: str, name: str) -> Json:
    return {"$ref": f"#/{place}/{name}"}


def _json(document: Json) -> bytes:
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()
