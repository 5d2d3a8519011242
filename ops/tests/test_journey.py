"""The order in which one journey is told; `test_demo` follows one through a day."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import UUID

import pytest
from typer.testing import CliRunner

from evenkeel_ops import journey
from evenkeel_ops.journey import in_order_of_cause

AT = datetime(2026, 3, 3, 14, tzinfo=UTC)


def found(*rows):
    """Rows of (id, cause, seconds, seq), as they lie in the logs."""
    return {
        UUID(int=n): (
            "intake",
            SimpleNamespace(
                event_id=UUID(int=n),
                causation_id=cause and UUID(int=cause),
                occurred_at=AT + timedelta(seconds=seconds),
                seq=seq,
            ),
        )
        for n, cause, seconds, seq in rows
    }


def order(rows):
    return [row.event_id.int for _, row in in_order_of_cause(rows)]


def test_what_was_caused_follows_its_cause_on_a_clock_that_stands_still():
    assert order(found((1, 2, 0, 5), (2, 3, 0, 9), (3, None, 0, 20))) == [3, 2, 1]


def test_a_clock_that_is_behind_puts_no_effect_before_its_cause():
    assert order(found((1, None, 3, 1), (2, 1, 1, 1))) == [1, 2]


def test_what_has_no_known_cause_stands_by_time():
    assert order(found((1, 99, 2, 1), (2, None, 1, 2))) == [2, 1]


@pytest.mark.parametrize("wrong", [["--lane", "fast"], ["--limit", "0"], ["--limit", "-4"]])
def test_a_lane_or_a_number_that_is_none_is_refused(wrong):
    asked = CliRunner().invoke(journey.app, ["crisis", *wrong])
    assert asked.exit_code == 2
    assert wrong[0] in asked.output
