"""Which changes of an event its readers would not survive, judged against what was published.

`history/` keeps, for every event ever published, one message and the JSON Schema of its body.
Within a major version only one change is allowed: a new optional field. Everything else is a new
major. That goes for a new value of a list too: a reader that runs last month's code would park it.
An event stays declared when nobody announces it any more, because logs keep it.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import catalogue.events  # noqa: F401
from catalogue.codec import schema_of
from catalogue.event import REGISTRY, Event
from catalogue.wire import Json, body_schema, sample

HISTORY = Path("libs/catalogue/catalogue/history")


def freeze(root: Path) -> list[Path]:
    """Writes what is missing in the history and returns it; what is there stays as it is."""
    missing = {
        path: cls
        for type_, cls in sorted(REGISTRY.items())
        if not (path := root / HISTORY / f"{type_}.json").exists()
    }
    for path, cls in missing.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((json.dumps(frozen(cls), indent=2, ensure_ascii=False) + "\n").encode())
    return list(missing)


def frozen(cls: type[Event]) -> Json:
    """What the history keeps of an event."""
    return {"sample": sample(cls), "schema": body_schema(cls)}


def history(root: Path) -> dict[str, Json]:
    """Everything ever published, by type."""
    paths = sorted((root / HISTORY).glob("*.json"))
    return {path.stem: json.loads(path.read_bytes()) for path in paths}


def violations(frozen: Mapping[str, Json], current: Mapping[str, type[Event]]) -> list[str]:
    """One sentence for each promise of the history that today's declarations break."""
    return [
        f"{type_}: {broken}"
        for type_, published in frozen.items()
        for broken in _broken(published, current.get(type_))
    ]


def _broken(published: Json, cls: type[Event] | None) -> list[str]:
    if cls is None:
        return ["is no longer declared"]
    before, now = published["schema"], body_schema(cls)
    found = _travels_otherwise(before, now) + _newly_required(before, now)
    for field, shape in before["properties"].items():
        found += _changed(field, shape, now["properties"].get(field))
    return found or _unreadable(published["sample"]["body"], cls)


def _travels_otherwise(before: Json, now: Json) -> list[str]:
    found = [
        f"its {what} was {before[f'x-{what}']} and is now {now[f'x-{what}']}"
        for what in ("stream", "lane")
        if before[f"x-{what}"] != now[f"x-{what}"]
    ]
    was, is_now = before["x-dataclassification"], now["x-dataclassification"]
    if is_now < was:
        found.append(f"its privacy class was lowered from {was} to {is_now}")
    silent = set(before["x-publishers"]) - set(now["x-publishers"])
    return found + [f"{service} no longer announces it" for service in sorted(silent)]


def _newly_required(before: Json, now: Json) -> list[str]:
    added = [field for field in now["required"] if field not in before["required"]]
    return [f"{field} is newly required" for field in added]


def _changed(field: str, before: Json, now: Json | None) -> list[str]:
    if now is None:
        return [f"{field} was removed or renamed"]
    was, is_now = _promise(before), _promise(now)
    if was != is_now:
        return [f"{field} was retyped from {was} to {is_now}"]
    if "default" in before and before["default"] != now.get("default", before["default"]):
        return [f"{field} has another default: what was said without it would change its meaning"]
    return []


def _promise(shape: Json) -> Json:
    """What readers rely on: not the wording, not the order of the values."""
    promised = {key: shape[key] for key in shape if key not in ("description", "default")}
    if "enum" in promised:
        promised["enum"] = sorted(promised["enum"], key=str)
    return promised


def _unreadable(body: Json, cls: type[Event]) -> list[str]:
    errors = schema_of(cls).validate(body)
    return [f"{field} of the frozen sample no longer decodes" for field in sorted(errors)]
