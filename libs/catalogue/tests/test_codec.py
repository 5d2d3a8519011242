import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints
from uuid import UUID, uuid4

import marshmallow as ma
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import catalogue.events  # noqa: F401
from catalogue.codec import InvalidBody, decode, encode, instant, schema_of
from catalogue.event import REGISTRY, Code, Event, UndeclaredEvent
from catalogue.sessions import HomeworkAssigned
from catalogue.wire import sample

EVERY_EVENT = pytest.mark.parametrize("cls", [REGISTRY[type_] for type_ in sorted(REGISTRY)])
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
SIMPLE = {
    UUID: st.uuids(),
    bool: st.booleans(),
    int: st.integers(),
    date: st.dates(),
    datetime: st.builds(
        lambda since, zone: (datetime(1970, 1, 1, tzinfo=UTC) + since).astimezone(zone),
        st.timedeltas(timedelta(0), timedelta(days=100_000)),
        ZONES,
    ),
}


def values(hint: Any) -> st.SearchStrategy:
    """Everything a field of this declaration may hold."""
    arguments = get_args(hint)
    match get_origin(hint):
        case None:
            return SIMPLE[hint]
        case origin if origin in (Union, UnionType):
            return st.one_of(*(values(a) for a in arguments if a is not NoneType), st.none())
        case origin if origin is tuple:
            return st.lists(values(arguments[0]), max_size=5).map(tuple)
        case origin if origin is Literal:
            return st.sampled_from(arguments)
    return st.from_regex(hint.__metadata__[0], fullmatch=True)


def events(cls: type[Event]) -> st.SearchStrategy:
    hints = get_type_hints(cls, include_extras=True)
    return st.builds(cls, **{f: values(hints[f]) for f in schema_of(cls).fields})


def homework(**changed: Any) -> HomeworkAssigned:
    fields: dict[str, Any] = {
        "clinic_id": uuid4(),
        "homework_id": uuid4(),
        "session_id": uuid4(),
        "participant_id": uuid4(),
        "template": "thought_record",
        "due_at": datetime(2026, 3, 8, 17, 0, tzinfo=UTC),
    }
    return HomeworkAssigned(**fields | changed)


def body(**changed: Any) -> bytes:
    return json.dumps(json.loads(encode(homework())) | changed).encode()


@EVERY_EVENT
@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_every_event_arrives_as_it_was_sent(cls, data):
    event = data.draw(events(cls))
    assert decode(cls.type, encode(event)) == event


@EVERY_EVENT
def test_a_field_that_is_missing_is_named(cls):
    for field in schema_of(cls).fields.values():
        content = sample(cls)["body"]
        del content[field.name]
        if not field.required:
            decode(cls.type, json.dumps(content).encode())
            continue
        with pytest.raises(InvalidBody) as refused:
            decode(cls.type, json.dumps(content).encode())
        assert set(refused.value.errors) == {field.name}


@EVERY_EVENT
def test_a_field_of_another_type_is_named(cls):
    for field in schema_of(cls).fields:
        content = sample(cls)["body"] | {field: {"of": "another type"}}
        with pytest.raises(InvalidBody) as refused:
            decode(cls.type, json.dumps(content).encode())
        assert set(refused.value.errors) == {field}


ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=40),
    st.uuids().map(str), st.uuids().map(lambda u: u.hex), st.uuids().map(lambda u: u.urn),
    st.dates().map(str), st.datetimes().map(str), st.sampled_from(["1", "true", "20260308", []]),
    st.lists(st.text(max_size=3), max_size=2),
)  # fmt: skip


@EVERY_EVENT
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_body_is_read_quickly_or_slowly_with_the_same_result(cls, data):
    field = data.draw(st.sampled_from(sorted(schema_of(cls).fields)))
    content = sample(cls)["body"] | {field: data.draw(ODD)}
    quickly = _outcome(lambda: decode(cls.type, json.dumps(content).encode()))
    assert quickly == _outcome(lambda: cls(**schema_of(cls).load(content)))


def _outcome(read: Callable[[], Event]) -> Event | dict[str, Any]:
    try:
        return read()
    except InvalidBody as refused:
        return refused.errors
    except ma.ValidationError as refused:
        return refused.normalized_messages()


def test_unknown_fields_are_ignored():
    event = decode(HomeworkAssigned.type, body(added_next_year=True))
    assert not hasattr(event, "added_next_year")


def test_the_same_event_has_the_same_bytes():
    event = homework()
    assert encode(event) == encode(decode(event.type, encode(event)))


@pytest.mark.parametrize("template", ["", "two words", "line\n", "-5", "x" * 65, None, "naïve"])
def test_words_of_a_person_do_not_pass_for_a_code(template):
    with pytest.raises(InvalidBody, match="template"):
        encode(homework(template=template))
    with pytest.raises(InvalidBody, match="template"):
        decode(HomeworkAssigned.type, body(template=template))


def test_a_naive_instant_is_refused_on_both_sides():
    with pytest.raises(InvalidBody, match="due_at"):
        encode(homework(due_at=datetime(2026, 3, 8, 17, 0)))  # noqa: DTZ001
    with pytest.raises(InvalidBody, match="due_at"):
        decode(HomeworkAssigned.type, body(due_at="2026-03-08T17:00:00"))


@pytest.mark.parametrize("due_at", ["0001-01-01T00:00:00+23:59", "2026-02-30T00:00:00Z", 5, ""])
def test_an_instant_that_never_was_is_refused(due_at):
    with pytest.raises(InvalidBody, match="due_at"):
        decode(HomeworkAssigned.type, body(due_at=due_at))


def test_instants_sort_as_text_as_they_do_in_time():
    second = datetime(2026, 3, 8, 17, 0, tzinfo=UTC)
    later = second + timedelta(microseconds=1)
    assert instant(second) < instant(later) < instant(second + timedelta(seconds=1))


def test_an_instant_of_another_zone_is_written_in_utc():
    pacific = timezone(timedelta(hours=-8))
    event = homework(due_at=datetime(2026, 3, 7, 9, 0, tzinfo=pacific))
    assert b'"due_at":"2026-03-07T17:00:00.000000Z"' in encode(event)


@pytest.mark.parametrize("broken", [b"", b"{", b"\xff", b"[]", b"null", b"[" * 60_000])
def test_what_is_not_a_json_object_is_refused(broken):
    with pytest.raises(InvalidBody, match=r"homework_assigned\.v1"):
        decode(HomeworkAssigned.type, broken)


def test_an_unknown_major_version_is_not_read_as_a_known_one():
    with pytest.raises(UndeclaredEvent, match=r"homework_assigned\.v2"):
        decode("evenkeel.sessions.homework_assigned.v2", body())


def test_an_optional_field_that_is_missing_takes_its_default(declare):
    cls = declare(fields={"seat_id": UUID, "reason": (Code | None, None), "minutes": (int, 5)})
    ids = {"clinic_id": uuid4(), "seat_id": uuid4()}
    event = decode(cls.type, json.dumps(ids, default=str).encode())
    assert event == cls(**ids, reason=None, minutes=5)
