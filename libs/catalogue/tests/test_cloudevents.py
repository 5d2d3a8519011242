"""Somebody else's reader of CloudEvents must understand our messages as they are on the wire."""

import json
from datetime import datetime

import pytest
from cloudevents.core.bindings.amqp import AMQPMessage, from_binary_event
from cloudevents.core.exceptions import CloudEventValidationError
from cloudevents.core.v1.event import CloudEvent

import catalogue.events  # noqa: F401
from catalogue.codec import decode, encode, instant
from catalogue.event import REGISTRY, Event
from catalogue.wire import ATTRIBUTES, PREFIX, sample

EVERY_EVENT = pytest.mark.parametrize("cls", [REGISTRY[type_] for type_ in sorted(REGISTRY)])
ANY_EVENT = REGISTRY["evenkeel.crisis.case_opened.v1"]


def message(cls: type[Event]) -> tuple[dict[str, str], bytes]:
    shown = sample(cls)
    event = decode(cls.type, json.dumps(shown["body"]).encode())
    return shown["headers"], encode(event)


def read(headers: dict[str, str], body: bytes) -> CloudEvent:
    return from_binary_event(AMQPMessage({"content-type": "application/json"}, headers, body))


@EVERY_EVENT
def test_every_event_is_a_cloudevent(cls):
    headers, body = message(cls)
    event = read(headers, body)
    assert (event.get_specversion(), event.get_type()) == ("1.0", cls.type)
    assert event.get_source() in [f"/evenkeel/{service}" for service in cls.publishers]
    assert event.get_subject() == decode(cls.type, body).subject
    assert event.get_extension("dataclassification") == str(cls.privacy)
    assert event.get_data() == json.loads(body)


def test_the_time_survives_to_the_microsecond():
    headers, body = message(ANY_EVENT)
    time = read(headers, body).get_time()
    assert isinstance(time, datetime)
    assert instant(time) == headers[PREFIX + "time"]


def test_attribute_names_keep_to_the_advised_length():
    assert all(len(name) <= 20 for name in ATTRIBUTES)


@pytest.mark.parametrize("name", ["data_class", "clinicId", "data", "läne"])
def test_an_attribute_with_a_wrong_name_is_refused(name):
    headers, body = message(ANY_EVENT)
    with pytest.raises(CloudEventValidationError, match=name):
        read(headers | {PREFIX + name: "x"}, body)


@pytest.mark.parametrize("name", ["type", "source"])
def test_a_missing_attribute_is_refused(name):
    headers, body = message(ANY_EVENT)
    del headers[PREFIX + name]
    with pytest.raises(CloudEventValidationError, match=name):
        read(headers, body)


@pytest.mark.parametrize(("name", "value"), [("specversion", "1.1"), ("id", ""), ("subject", "")])
def test_an_attribute_with_a_wrong_value_is_refused(name, value):
    headers, body = message(ANY_EVENT)
    with pytest.raises(CloudEventValidationError, match=name):
        read(headers | {PREFIX + name: value}, body)
