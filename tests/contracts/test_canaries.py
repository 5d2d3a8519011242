"""Personal data stays where it is sealed: planted in every writable text, found nowhere else.

Events, logs, metrics, problem answers and plain columns are searched for strings that were
written into names, addresses, numbers and whereabouts; and one that is leaked on purpose is found.
"""

import dataclasses
import io
from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
import structlog

import catalogue.events  # noqa: F401 - it fills the registry
from catalogue.event import REGISTRY
from chassis import logs
from evenkeel_ops.provision import SERVICES
from tests.journeys.person import PHONE, PLAN, Clinic
from web.hosting import service_class
from web.openapi import document

PLANTED_AS = {
    "given_name", "family_name", "email", "phone", "address", "number",
    "location", "callback_number", "present", "name", "relation", *PLAN,
}  # fmt: skip
"""Free text and contacts that people may write, and that the journey plants."""

CLOSED = {
    "zone", "state", "licence", "due_local", "starts_local", "quiet_from", "quiet_to", "items",
    "safe_from", "safe_to", "starts_at", "ends_at", "version",
}  # fmt: skip
"""Fields whose text is of a closed form: two letters, a clock time, a name of a time zone, the
digits of a version."""

KEPT_AS_CODES = {"code", "privacy_plan", "sender_name", "calendar_title"}
"""A programme's code and the codes of a privacy plan: a pattern without spaces, kept as they are
where they were written, on no event. So are the names that a clinic gives itself, which are
nobody's own. Every other code is one of a list, which refuses a canary."""


@pytest.fixture
def log_lines():
    """Everything logged during the test."""
    stream = io.StringIO()
    logs.configure(stream=stream, level=10)
    yield stream
    structlog.reset_defaults()


def lived_through(house: Any) -> Clinic:
    clinic = Clinic(house)
    person, session = clinic.open_day()
    person.log_in(session)
    person.check_in(session, safe=False)
    house.advance(timedelta(minutes=5))
    return clinic


def test_canaries_are_found_in_no_event_log_metric_or_plain_column(house, log_lines):
    clinic = lived_through(house)
    planted = {**clinic.canary.planted, "phone": PHONE}
    places = {
        "metrics": metrics(house),
        "log": log_lines.getvalue(),
        **{f"{service}'s database": everything_in(house, service) for service in SERVICES},
    }
    assert len(places["log"]) > 500, "the log was really written"
    assert leaks(planted, places) == []


def test_a_canary_that_is_leaked_is_found(house, log_lines):
    clinic = Clinic(house)
    planted = clinic.canary.planted
    logs.log.warning("leaked_on_purpose", reason=planted["lead.given_name"])
    assert leaks(planted, {"log": log_lines.getvalue()}) == [("lead.given_name", "log")]


def test_a_field_that_is_not_allowed_in_logs_loses_its_value(log_lines):
    logs.log.warning("hello", given_name="Kanarie")
    assert "Kanarie" not in log_lines.getvalue()
    assert "given_name" in log_lines.getvalue()


@pytest.mark.parametrize("service", SERVICES)
def test_every_writable_text_of_the_openapi_document_is_planted(service):
    """A new free-text field must be added to the journey, or be given a closed form."""
    closed = CLOSED | KEPT_AS_CODES
    assert free_texts(document(service_class(service))) - closed <= PLANTED_AS


def test_a_text_that_only_looks_like_a_code_is_noticed():
    spoken = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}$"}
    body = {"type": "object", "properties": {"reason": spoken}}
    content = {"application/json": {"schema": body}}
    paths = {"/discharge": {"post": {"requestBody": {"content": content}}}}
    assert free_texts({"components": {"schemas": {}}, "paths": paths}) == {"reason"}


def test_no_text_on_an_event_was_typed_by_anybody():
    """Planted fault: an event with the field `code` or `given_name`."""
    carried = {field.name for event in REGISTRY.values() for field in dataclasses.fields(event)}
    assert carried & (PLANTED_AS | KEPT_AS_CODES) == set()


PUBLIC = {"lead.number", "backup.number"}
"""Licence numbers stand in public registers; scheduling keeps them as they are."""


def leaks(planted: dict[str, str], places: dict[str, str]) -> list[tuple[str, str]]:
    return [
        (field, place)
        for place, text in places.items()
        for field, canary in planted.items()
        if canary.lower() in text.lower()
        and not (field in PUBLIC and place == "scheduling's database")
    ]


def metrics(house: Any) -> str:
    return httpx.get(f"http://127.0.0.1:{house.process.front.internal_port}/metrics").text


def everything_in(house: Any, service: str) -> str:
    """Every value of every column of a service's database, as text; sealed ones are bytes."""
    found = []
    with house.runtime(service).database.look() as connection:
        inspector = sa.inspect(connection)
        for table in inspector.get_table_names():
            for row in connection.exec_driver_sql(f"SELECT * FROM {table}"):
                found += [text_of(value) for value in row]
    return "\n".join(found)


def text_of(value: Any) -> str:
    if isinstance(value, bytes | memoryview):
        return bytes(value).decode("utf-8", errors="replace")
    return str(value)


def free_texts(openapi: dict[str, Any]) -> set[str]:
    """Names of string properties in request bodies that neither enum nor format binds."""
    schemas = openapi["components"]["schemas"]
    seen: set[str] = set()
    names: set[str] = set()
    for path in openapi["paths"].values():
        for operation in path.values():
            body = operation.get("requestBody", {}).get("content", {})
            for content in body.values():
                walk(content["schema"], "", schemas, seen, names)
    return names


def walk(node: Any, name: str, schemas: dict, seen: set[str], names: set[str]) -> None:
    if "$ref" in node:
        reference = node["$ref"].rsplit("/", 1)[1]
        if reference not in seen:
            seen.add(reference)
            walk(schemas[reference], name, schemas, seen, names)
        return
    kinds = node.get("type", [])
    bound = {"enum", "format"} & set(node) and node.get("format") != "email"
    if "string" in ([kinds] if isinstance(kinds, str) else kinds) and not bound:
        names.add(name)
    for key, inner in node.get("properties", {}).items():
        walk(inner, key, schemas, seen, names)
    for inner in (node.get("items"), *node.get("allOf", ()), *node.get("anyOf", ())):
        if inner:
            walk(inner, name, schemas, seen, names)
