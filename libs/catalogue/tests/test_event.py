from dataclasses import FrozenInstanceError
from uuid import UUID, uuid4

import pytest

from catalogue.codec import UnsupportedField, schema_of
from catalogue.event import UndeclaredEvent, declared
from catalogue.streams import RISK, SEAT

KEPT = {"seat_id": UUID}


def test_an_event_is_known_by_publisher_name_and_major_version(declare):
    cls = declare(fields=KEPT, major=2)
    assert cls.type == "evenkeel.scheduling.seat_kept.v2"
    assert cls.routing_key == "seat.seat_kept.v2"
    assert declared(cls.type) is cls


def test_the_subject_is_the_aggregate_of_the_stream(declare):
    seat = uuid4()
    assert declare(fields=KEPT)(clinic_id=uuid4(), seat_id=seat).subject == f"seat/{seat}"


def test_an_event_belongs_to_the_room_that_declares_it_unless_it_names_its_publishers(declare):
    assert declare(fields=KEPT).publishers == ("scheduling",)
    both = declare(fields=KEPT, name="SeatLost", publishers=("intake", "sessions"))
    assert both.publishers == ("intake", "sessions")


def test_an_event_cannot_be_changed(declare):
    kept = declare(fields=KEPT)(clinic_id=uuid4(), seat_id=uuid4())
    with pytest.raises(FrozenInstanceError):
        kept.seat_id = uuid4()


def test_an_event_must_say_when_it_is_announced(declare):
    with pytest.raises(TypeError, match=r"seat_kept\.v1 has no docstring"):
        declare(fields=KEPT, docs=None)


def test_an_event_must_name_its_subject(declare):
    with pytest.raises(TypeError, match=r"seat_kept\.v1 lacks the field risk_id"):
        declare(fields=KEPT, stream=RISK)


@pytest.mark.parametrize("privacy", [3, 5, 6])
def test_narratives_and_psychotherapy_notes_may_not_ride_on_events(declare, privacy):
    with pytest.raises(TypeError, match=f"privacy class {privacy} may not ride"):
        declare(fields=KEPT, privacy=privacy)


@pytest.mark.parametrize("kind", [str, str | None, tuple[str, ...], float, dict, UUID | int])
def test_only_the_published_field_types_may_ride_on_events(declare, kind):
    cls = declare(fields=KEPT | {"reason": kind})
    with pytest.raises((UnsupportedField, ValueError), match=r"SeatKept\.reason"):
        schema_of(cls)


def test_an_event_is_declared_once(declare):
    declare(fields=KEPT)
    with pytest.raises(TypeError, match=r"seat_kept\.v1 is declared twice"):
        declare(fields=KEPT)


def test_an_unknown_type_is_not_guessed(empty_registry):
    with pytest.raises(UndeclaredEvent, match=r"seat_kept\.v9"):
        declared("evenkeel.scheduling.seat_kept.v9")


def test_a_stream_is_routine_unless_it_says_urgent():
    assert (SEAT.lane, RISK.lane) == ("routine", "urgent")
