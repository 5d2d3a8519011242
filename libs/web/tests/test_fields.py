from datetime import UTC, date, datetime
from uuid import UUID

import marshmallow as ma
import pytest

from web.fields import Choice, Day, Flag, Id, Instant, Text, Whole

ONE = "00000000-0000-0000-0000-000000000001"


@pytest.mark.parametrize(
    ("field", "given", "loaded"),
    [
        (Id(), ONE, UUID(int=1)),
        (Day(), "2026-11-23", date(2026, 11, 23)),
        (Day(), "1900-01-01", date(1900, 1, 1)),
        (Day(), "2199-12-31", date(2199, 12, 31)),
        (Instant(), "2026-11-23T10:00:00+01:00", datetime(2026, 11, 23, 9, tzinfo=UTC)),
        (Instant(), "2026-11-23t09:00:00.5z", datetime(2026, 11, 23, 9, 0, 0, 500000, tzinfo=UTC)),
        (Whole(), 0, 0),
        (Whole(), 3.0, 3),
        (Flag(), False, False),
        (Text(3), "ab", "ab"),
        (Text(40), "Ngô Thị O'Brien-Łuk", "Ngô Thị O'Brien-Łuk"),
        (Text(40), "שרה", "שרה"),
        (Choice("a", "b"), "b", "b"),
    ],
)
def test_what_is_described_is_accepted(field, given, loaded):
    assert field.deserialize(given) == loaded


@pytest.mark.parametrize(
    ("field", "given"),
    [
        (Id(), ONE.replace("-", "")),
        (Id(), "{" + ONE + "}"),
        (Id(), 1),
        (Day(), "20261123"),
        (Day(), "2026-W48-1"),
        (Day(), "2026-02-30"),
        (Day(), 20261123),
        (Day(), "1899-12-31"),
        (Day(), "9999-12-31"),
        (Instant(), "2026-11-23"),
        (Instant(), "2026-11-23T10:00:00"),
        (Instant(), "0001-01-01T00:00:00+23:00"),
        (Instant(), "2026-11-23T25:00:00Z"),
        (Whole(), "12"),
        (Whole(), 1.5),
        (Whole(), True),
        (Whole(), -1),
        (Whole(), 2**31),
        (Flag(), "yes"),
        (Flag(), 1),
        (Text(3), ""),
        (Text(3), "abcd"),
        (Text(3), 1),
        (Text(3), "  "),
        (Text(3), "\u00a0"),
        (Text(3), "\u200b"),
        (Text(3), "a\n"),
        (Text(3), "a\nb"),
        (Text(3), "a\x07"),
        (Text(3), "\u202ea"),
        (Text(3), "a\u2067"),
        (Choice("a", "b"), "c"),
        (Choice("a", "b"), None),
    ],
)
def test_what_is_only_near_is_refused(field, given):
    with pytest.raises(ma.ValidationError):
        field.deserialize(given)


def test_a_name_that_is_not_seen_is_refused_in_words():
    with pytest.raises(ma.ValidationError) as refused:
        ma.Schema.from_dict({"given_name": Text(40)})().load({"given_name": "\u202enaoJ"})
    assert refused.value.messages == {
        "given_name": ["Must be words on one line, all of them visible."]
    }


def test_an_instant_is_written_in_utc():
    assert Instant().serialize("at", {"at": datetime(2026, 11, 23, tzinfo=UTC)}) == (
        "2026-11-23T00:00:00.000000Z"
    )
