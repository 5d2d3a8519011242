import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, FormatChecker, ValidationError

from catalogue.asyncapi import FOLDER, asyncapi, documents, write
from catalogue.channels import channels
from catalogue.event import REGISTRY
from catalogue.streams import ANNOUNCES, HEARS
from catalogue.wire import attributes_schema, body_schema, header_schema, sample

ROOT = Path(__file__).parents[3]
OFFICIAL = Draft7Validator(
    json.loads((Path(__file__).parent / "asyncapi-3.0.0.schema.json").read_text())
)
EVERY_EVENT = pytest.mark.parametrize("cls", [REGISTRY[type_] for type_ in sorted(REGISTRY)])


def conforms(instance: Any, schema: dict) -> None:
    Draft7Validator(schema, format_checker=FormatChecker()).validate(instance)


def references(document: Any) -> Iterator[str]:
    if isinstance(document, list):
        for part in document:
            yield from references(part)
    elif isinstance(document, dict):
        if "$ref" in document:
            yield document["$ref"]
        yield from references(list(document.values()))


def resolve(document: dict, reference: str) -> Any:
    found = document
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def test_the_files_are_what_the_declarations_say():
    written = {path.relative_to(ROOT) for path in (ROOT / FOLDER).rglob("*.*")}
    assert written == set(documents()), "run ./evenkeel docs"
    stale = [path for path, content in documents().items() if (ROOT / path).read_bytes() != content]
    assert stale == [], "run ./evenkeel docs"


def test_writing_again_changes_nothing_and_removes_what_is_no_longer_declared(tmp_path):
    write(tmp_path)
    (tmp_path / FOLDER / "schemas" / "evenkeel.intake.forgotten.v1.json").write_text("{}")
    write(tmp_path)
    written = {p.relative_to(tmp_path): p.read_bytes() for p in tmp_path.rglob("*.*")}
    assert written == documents()


def test_the_document_is_valid_asyncapi():
    OFFICIAL.validate(json.loads(documents()[FOLDER / "asyncapi.json"]))


@pytest.mark.parametrize(
    ("place", "fault"),
    [
        ("asyncapi", "2.6.0"),
        ("operations/intake_announces_episode/action", "announce"),
        ("channels/intake_episode/bindings/amqp/exchange/type", "fan"),
        ("components/messages/evenkeel.crisis.case_opened.v1/payload", "an object"),
        ("components/schemas/evenkeel.crisis.case_opened.v1/type", "thing"),
    ],
)
def test_a_fault_in_the_document_is_found(place, fault):
    document = deepcopy(asyncapi())
    parent, _, name = place.rpartition("/")
    (resolve(document, parent) if parent else document)[name] = fault
    with pytest.raises(ValidationError):
        OFFICIAL.validate(document)


def test_every_reference_leads_somewhere_in_the_document():
    document = asyncapi()
    assert all(resolve(document, reference) for reference in references(document))


def test_every_event_is_announced_on_a_channel_of_each_of_its_publishers():
    on_channels = {(channel.service, cls) for channel in channels() for cls in channel.events}
    assert on_channels == {(s, cls) for cls in REGISTRY.values() for s in cls.publishers}


def test_whoever_hears_a_stream_receives_it_from_each_publisher():
    receives = {name for name, o in asyncapi()["operations"].items() if o["action"] == "receive"}
    assert receives == {
        f"{hearer}_hears_{publisher}_{stream.name}"
        for hearer, heard in HEARS.items()
        for stream in heard
        for publisher, announced in ANNOUNCES.items()
        if stream in announced
    }


def test_a_channel_lists_the_routing_keys_of_its_events():
    for channel in channels():
        described = asyncapi()["channels"][channel.name]
        keys = [
            described["address"].replace("{event}", event)
            for event in described["parameters"]["event"]["enum"]
        ]
        assert keys == [cls.routing_key for cls in channel.events]


@EVERY_EVENT
def test_every_example_fits_its_own_schema(cls):
    Draft7Validator.check_schema(body_schema(cls))
    conforms(sample(cls)["body"], body_schema(cls))
    conforms(sample(cls)["headers"], attributes_schema())
    conforms(sample(cls)["headers"], header_schema(cls))


@EVERY_EVENT
def test_an_example_with_a_field_of_another_type_does_not_fit(cls):
    for field in body_schema(cls)["properties"]:
        with pytest.raises(ValidationError):
            conforms(sample(cls)["body"] | {field: {"of": "another type"}}, body_schema(cls))


def test_the_page_tells_of_every_event_and_who_hears_it():
    page = documents()[FOLDER / "README.md"].decode()
    assert all(f"\n#### {cls.__name__}\n" in page for cls in REGISTRY.values())
    assert "urgent lane, heard by crisis." in page


def test_a_field_that_nobody_explained_is_named(declare):
    cls = declare(fields={"seat_id": int, "colour": int})
    with pytest.raises(LookupError, match="field colour means"):
        body_schema(cls)
