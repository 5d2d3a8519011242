"""What may not ride on an event, judged from the declarations alone."""

from collections.abc import Iterator
from re import search
from typing import Annotated
from uuid import UUID

import pytest

from catalogue.codec import UnsupportedField
from catalogue.event import REGISTRY, Code, Event
from catalogue.wire import Json, body_schema

EVERY_EVENT = pytest.mark.parametrize("cls", [REGISTRY[type_] for type_ in sorted(REGISTRY)])
SENTENCE = "I do not feel safe"
PERSONAL = {
    "name", "surname", "nickname", "alias", "birth", "birthday", "dob", "age", "gender", "sex",
    "email", "mail", "phone", "mobile", "telephone", "fax", "ip", "photo", "ssn",
    "address", "street", "city", "postcode", "zip", "location", "latitude", "longitude",
    "note", "notes", "text", "words", "body", "comment", "narrative", "transcript",
    "answer", "answers", "item", "items", "score", "scores", "diagnosis", "medication",
}  # fmt: skip


def personal_fields(cls: type[Event]) -> list[str]:
    """Fields whose name says that they hold a detail of a person or what a person said."""
    return [field for field in body_schema(cls)["properties"] if PERSONAL & set(field.split("_"))]


def free_text_fields(cls: type[Event]) -> list[str]:
    """Fields in which a sentence would fit."""
    return [
        field
        for field, shape in body_schema(cls)["properties"].items()
        if any(fits_a_sentence(text) for text in texts(shape))
    ]


def texts(shape: Json) -> Iterator[Json]:
    inner = shape.get("items", shape)
    if "string" in inner["type"] and not {"enum", "format"} & set(inner):
        yield inner


def fits_a_sentence(text: Json) -> bool:
    return search(text.get("pattern", ""), SENTENCE) is not None


@EVERY_EVENT
def test_no_event_has_room_for_free_text(cls):
    assert free_text_fields(cls) == []


@EVERY_EVENT
def test_no_event_names_a_detail_of_a_person(cls):
    assert personal_fields(cls) == []


def test_a_type_for_free_text_is_refused(declare):
    with pytest.raises(UnsupportedField, match=r"SeatKept\.reason"):
        body_schema(declare(fields={"seat_id": UUID, "reason": str}))


@pytest.mark.parametrize("field", [Annotated[str, "^.+$"], tuple[Annotated[str, ".*"], ...]])
def test_a_pattern_that_lets_a_sentence_through_is_caught(declare, field):
    cls = declare(fields={"seat_id": UUID, "reason": field})
    assert free_text_fields(cls) == ["reason"]


@pytest.mark.parametrize("field", ["birth_id", "item_by", "home_address_id", "phone_by"])
def test_a_field_named_after_a_detail_of_a_person_is_caught(declare, field):
    assert personal_fields(declare(fields={"seat_id": UUID, field: Code})) == [field]
