"""The oracles catch what they are there for, and pass what is allowed."""

from datetime import UTC, datetime, timedelta

import pytest

from evenkeel_ops.drills import oracles
from evenkeel_ops.drills.oracles import Called, Effect, Entry, Placed, Sighting

A, B = "session/a", "session/b"
LEDGER = [Entry(A, 1), Entry(A, 2), Entry(B, 1), Entry(A, 3)]
EFFECTS = [Effect(one.subject, one.n, f"{one.subject}{one.n}", one.n) for one in LEDGER]
COUNTERS = {A: 3, B: 1}
WIRE = [Sighting(one.subject, one.version, one.event_id) for one in EFFECTS]
LOG = [Placed("routine", place, one.subject, one.n) for place, one in enumerate(LEDGER, 1)]
NINE = datetime(2026, 11, 23, 9, tzinfo=UTC)
TWO_MINUTES = timedelta(minutes=2)


def moved(ones, index, to):
    ones = list(ones)
    ones.insert(to, ones.pop(index))
    return ones


def test_a_faultless_drill_is_faultless():
    assert oracles.lost(LEDGER, EFFECTS) == []
    assert oracles.invented(LEDGER, EFFECTS) == []
    assert oracles.doubled(EFFECTS, COUNTERS) == []
    assert oracles.out_of_order(EFFECTS) == []
    assert oracles.out_of_order_on_the_wire(WIRE) == []
    assert oracles.misplaced(LOG) == []


@pytest.mark.parametrize("missing", range(len(EFFECTS)))
def test_a_change_without_an_effect_is_lost(missing):
    effects = [one for n, one in enumerate(EFFECTS) if n != missing]
    assert len(oracles.lost(LEDGER, effects)) == 1


def test_an_effect_without_a_change_is_invented():
    assert oracles.invented(LEDGER[:-1], EFFECTS) == [
        "session/a: an effect of change 3, which was never committed"
    ]


def test_an_event_that_took_effect_twice_is_doubled():
    assert oracles.doubled([*EFFECTS, EFFECTS[0]], COUNTERS)


def test_a_change_that_took_effect_under_two_ids_is_doubled():
    assert oracles.doubled([*EFFECTS, EFFECTS[0]._replace(event_id="other")], {A: 4, B: 1})


@pytest.mark.parametrize("counted", [2, 4])
def test_a_counter_that_disagrees_with_the_rows_is_doubled(counted):
    assert oracles.doubled(EFFECTS, {A: counted, B: 1}) == [
        f"session/a: counted {counted} times, 3 events took effect"
    ]


@pytest.mark.parametrize(("index", "to"), [(1, 0), (3, 1), (3, 0)])
def test_effects_in_another_order_than_versions_are_out_of_order(index, to):
    assert len(oracles.out_of_order(moved(EFFECTS, index, to))) == 1


def test_a_gap_in_the_effects_is_out_of_order():
    assert oracles.out_of_order([EFFECTS[0], EFFECTS[3]])


def test_a_version_that_carries_another_change_is_out_of_order():
    assert oracles.out_of_order([EFFECTS[0]._replace(n=2)]) == [
        "session/a: version 1 carried change 2"
    ]


def test_subjects_may_overtake_each_other():
    assert oracles.out_of_order(moved(EFFECTS, 2, 0)) == []
    assert oracles.out_of_order_on_the_wire(moved(WIRE, 2, 0)) == []


def test_the_wire_may_repeat_itself_but_not_run_ahead():
    assert oracles.out_of_order_on_the_wire([*WIRE, *WIRE]) == []
    assert oracles.out_of_order_on_the_wire([*WIRE[:2], *WIRE]) == []
    assert oracles.out_of_order_on_the_wire(moved(WIRE, 3, 1)) == [
        "session/a: first seen in the order … 1, 3, 2 …"
    ]


def test_a_hole_in_a_lane_is_misplaced():
    assert oracles.misplaced([*LOG[:3], LOG[3]._replace(position=5)])


def test_a_subject_placed_against_its_versions_is_misplaced():
    swapped = [LOG[0]._replace(position=2), LOG[1]._replace(position=1), *LOG[2:]]
    assert oracles.misplaced(swapped)


def test_a_row_without_a_position_is_not_misplaced_yet():
    assert oracles.misplaced([*LOG, Placed("routine", None, A, 4)]) == []


def test_a_deadline_that_does_not_follow_from_the_one_before_is_off_the_grid():
    called = [Called("c", 1, rung, NINE + (rung - 1) * TWO_MINUTES) for rung in (1, 2, 3)]
    assert oracles.off_the_grid(called, {"c": NINE}, TWO_MINUTES) == []
    late = called[2]._replace(due_at=called[2].due_at + timedelta(seconds=1))
    assert len(oracles.off_the_grid([*called, late], {"c": NINE}, TWO_MINUTES)) == 1
