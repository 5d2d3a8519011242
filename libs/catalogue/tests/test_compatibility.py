import json
from datetime import date
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID

import pytest

from catalogue.compatibility import freeze, frozen, history, violations
from catalogue.event import REGISTRY, Code, Stream
from catalogue.streams import SEAT

ROOT = Path(__file__).parents[3]
TYPE = "evenkeel.scheduling.seat_kept.v1"
PUBLISHED = {
    "seat_id": UUID,
    "minutes": int,
    "reason": Code,
    "kind": Literal["asked", "granted"],
    "kept_by": (UUID | None, None),
}


@pytest.fixture
def broken_by(declare):
    """What the published `SeatKept` says of today's fields and options."""

    def _broken_by(fields=PUBLISHED, **options):
        before = frozen(declare(fields=PUBLISHED, privacy=2, publishers=("intake", "sessions")))
        REGISTRY.clear()
        declare(fields=fields, **{"privacy": 2, "publishers": ("intake", "sessions")} | options)
        return violations({TYPE: json.loads(json.dumps(before))}, REGISTRY)

    return _broken_by


def without(field):
    return {name: kind for name, kind in PUBLISHED.items() if name != field}


def test_nothing_that_was_published_is_broken():
    assert violations(history(ROOT), REGISTRY) == []


def test_everything_that_is_declared_is_frozen():
    assert set(REGISTRY) <= set(history(ROOT)), "run ./evenkeel docs"


def test_the_same_declaration_breaks_nothing(broken_by):
    assert broken_by() == []


def test_an_added_optional_field_breaks_nothing(broken_by):
    assert broken_by(PUBLISHED | {"band": (Code | None, None), "capacity": (int, 0)}) == []


def test_a_field_that_readers_no_longer_need_breaks_nothing(broken_by):
    assert broken_by(PUBLISHED | {"minutes": (int, 0)}) == []


def test_a_better_description_breaks_nothing(broken_by):
    assert broken_by(docs="Somebody keeps their place, and the waitlist learns it.") == []


def test_the_order_of_a_list_of_values_breaks_nothing(broken_by):
    assert broken_by(PUBLISHED | {"kind": Literal["granted", "asked"]}) == []


def test_a_stricter_privacy_class_breaks_nothing(broken_by):
    assert broken_by(privacy=4) == []


def test_a_removed_event_is_caught(declare):
    before = {TYPE: frozen(declare(fields=PUBLISHED))}
    assert violations(before, {}) == [f"{TYPE}: is no longer declared"]


def test_a_removed_field_is_caught(broken_by):
    assert broken_by(without("minutes")) == [f"{TYPE}: minutes was removed or renamed"]


def test_a_removed_optional_field_is_caught(broken_by):
    assert broken_by(without("kept_by")) == [f"{TYPE}: kept_by was removed or renamed"]


def test_a_renamed_field_is_caught(broken_by):
    assert broken_by(without("minutes") | {"capacity": int}) == [
        f"{TYPE}: capacity is newly required",
        f"{TYPE}: minutes was removed or renamed",
    ]


@pytest.mark.parametrize(
    ("field", "today"),
    [
        ("minutes", bool),
        ("minutes", int | None),
        ("minutes", tuple[int, ...]),
        ("seat_id", Code),
        ("reason", Literal["asked"]),
        ("reason", date),
        ("reason", Annotated[str, "^[a-z]{1,8}$"]),
        ("kept_by", (UUID, UUID(int=1))),
    ],
)
def test_a_retyped_field_is_caught(broken_by, field, today):
    (sentence,) = broken_by(PUBLISHED | {field: today})
    assert sentence.startswith(f"{TYPE}: {field} was retyped from ")


@pytest.mark.parametrize(
    "today", [Literal["asked"], Literal["asked", "granted", "refused"], Literal["asked", "given"]]
)
def test_a_list_of_values_that_lost_or_gained_one_is_caught(broken_by, today):
    (sentence,) = broken_by(PUBLISHED | {"kind": today})
    assert sentence.startswith(f"{TYPE}: kind was retyped from ")


def test_a_newly_required_field_is_caught(broken_by):
    assert broken_by(PUBLISHED | {"capacity": int}) == [f"{TYPE}: capacity is newly required"]


def test_an_optional_field_that_becomes_required_is_caught(broken_by):
    assert broken_by(PUBLISHED | {"kept_by": UUID | None}) == [f"{TYPE}: kept_by is newly required"]


def test_a_changed_default_is_caught(broken_by):
    (sentence,) = broken_by(PUBLISHED | {"kept_by": (UUID | None, UUID(int=1))})
    assert sentence.startswith(f"{TYPE}: kept_by has another default")


def test_a_changed_stream_is_caught(broken_by):
    fields = PUBLISHED | {"cohort_id": (UUID | None, None)}
    assert broken_by(fields, stream=Stream("cohort")) == [
        f"{TYPE}: its stream was seat and is now cohort"
    ]


def test_a_changed_lane_is_caught(broken_by):
    assert broken_by(stream=Stream("seat", lane="urgent")) == [
        f"{TYPE}: its lane was routine and is now urgent"
    ]


def test_a_lowered_privacy_class_is_caught(broken_by):
    assert broken_by(privacy=1) == [f"{TYPE}: its privacy class was lowered from 2 to 1"]


def test_a_publisher_that_fell_silent_is_caught(broken_by):
    assert broken_by(publishers=("intake",)) == [f"{TYPE}: sessions no longer announces it"]


def test_a_sample_that_no_longer_decodes_is_caught(declare):
    before = frozen(declare(fields=PUBLISHED))
    before["sample"]["body"]["minutes"] = "soon"
    assert violations({TYPE: before}, REGISTRY) == [
        f"{TYPE}: minutes of the frozen sample no longer decodes"
    ]


def test_a_new_event_is_frozen_and_never_frozen_again(declare, tmp_path):
    declare(fields=PUBLISHED)
    (path,) = freeze(tmp_path)
    first = path.read_text()
    REGISTRY.clear()
    declare(fields=without("minutes"), stream=SEAT)
    assert freeze(tmp_path) == []
    assert path.read_text() == first
    assert violations(history(tmp_path), REGISTRY)
