"""The ladder as a clinician would check it: no database, no clock."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crisis import rules
from crisis.paging.wording import page_text
from crisis.rules import EMPTY, LADDERS, OVERDUE, Call, Ladder, Rise, Skip

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ALL = frozenset(range(1, 10))

ladders = st.builds(
    Ladder,
    tier=st.just("T1"),
    intervals=st.lists(st.integers(1, 700), min_size=1, max_size=6).map(tuple),
    all_hands_from=st.integers(1, 7),
    contact_seconds=st.integers(1, 700),
    disposition_seconds=st.integers(1, 700),
    rises_to=st.none(),
)


def after(n: float) -> datetime:
    return NOON + timedelta(seconds=n)


def climbs(ladder: Ladder, at: list[float], manned=ALL) -> list[tuple[float, int, int]]:
    """Seconds, rung and generation of every call when the sweeper looks at these seconds."""
    rung, generation, due_at = 0, 1, NOON
    calls = []
    for n in at:
        steps = rules.steps_due(
            ladder, rung=rung, generation=generation, due_at=due_at, now=after(n), manned=manned
        )
        for step in steps:
            if isinstance(step, Call):
                rung, generation, due_at = step.rung, step.generation, step.next_due_at
                calls.append((n, rung, generation))
    return calls


def test_t1_calls_at_0_2_4_6_8_minutes_and_then_every_two_for_ever():
    calls = climbs(LADDERS["T1"], [60.0 * n for n in range(15)])
    assert calls == [
        (0, 1, 1), (120, 2, 1), (240, 3, 1), (360, 4, 1), (480, 5, 1),
        (600, 5, 2), (720, 5, 3), (840, 5, 4),
    ]  # fmt: skip


def test_t2_calls_at_0_10_20_minutes_and_from_30_as_t1_does():
    calls = climbs(LADDERS["T2"], [60.0 * n for n in range(37)])
    minutes = [(n / 60, rung) for n, rung, _ in calls]
    assert minutes == [(0, 1), (10, 2), (20, 3), (30, 4), (32, 5), (34, 5), (36, 5)]
    assert [LADDERS["T2"].calls_all_hands(rung) for rung in (3, 4, 5)] == [False, True, True]


def test_t3_calls_the_next_supervisor_after_four_hours_and_becomes_t2_when_the_day_ends():
    ladder = rules.ladder_for("T3", NOON, "America/Los_Angeles")  # 4 in the morning there
    assert [interval / 3600 for interval in ladder.intervals] == [4, 16]
    steps = rules.steps_due(
        ladder, rung=2, generation=1, due_at=after(20 * 3600), now=after(20 * 3600), manned=ALL
    )
    assert steps == [Rise("T2", 2, datetime(2026, 11, 24, 8, 0, tzinfo=UTC))]


def test_t3_near_midnight_has_one_rung_only():
    eleven_at_night = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
    assert rules.ladder_for("T3", eleven_at_night, "America/New_York").intervals == (3600,)


@pytest.mark.parametrize("zone", [None, "Mars/Olympus", "", "../etc"])
def test_an_unknown_zone_never_makes_the_day_longer(zone):
    ends = rules.day_ends_at(zone, NOON)
    assert ends == rules.day_ends_at("America/New_York", NOON)
    assert ends < rules.day_ends_at("America/Los_Angeles", NOON)


@pytest.mark.parametrize(
    ("at", "hours"),
    [(datetime(2026, 3, 8, 6, tzinfo=UTC), 22), (datetime(2026, 11, 1, 6, tzinfo=UTC), 23)],
)
def test_the_day_ends_at_local_midnight_on_days_when_the_clock_changes(at, hours):
    assert (rules.day_ends_at("America/New_York", at) - at) == timedelta(hours=hours)


def test_nothing_is_due_before_the_deadline():
    assert climbs(LADDERS["T1"], [0, 1, 119.999]) == [(0, 1, 1)]


def test_a_late_look_does_not_move_the_deadlines_after_it():
    """Planted fault: `now + interval` instead of `due_at + interval` in `_called`."""
    assert climbs(LADDERS["T1"], [30, 120, 170, 240]) == [
        (30, 1, 1), (120, 2, 1), (240, 3, 1),
    ]  # fmt: skip


def test_after_an_outage_the_highest_rung_due_is_called_with_everybody_below_it():
    """Planted fault: return after one overdue rung."""
    steps = rules.steps_due(
        LADDERS["T1"], rung=1, generation=1, due_at=after(120), now=after(300), manned=ALL
    )
    assert steps == [
        Skip(2, 1, after(120), OVERDUE),
        Call(3, 1, after(240), after(360), lowest=1, all_hands=False),
    ]


def test_after_a_long_outage_the_missed_repeats_are_one_generation_and_one_record():
    steps = rules.steps_due(
        LADDERS["T1"], rung=5, generation=3, due_at=after(0), now=after(3600), manned=ALL
    )
    assert steps == [
        Skip(5, 4, after(0), OVERDUE, times=30),
        Call(5, 5, after(3600), after(3720), lowest=5, all_hands=True),
    ]


def test_an_empty_rung_is_passed_over_at_once():
    steps = rules.steps_due(
        LADDERS["T1"], rung=1, generation=1, due_at=after(120), now=after(120), manned={1, 4, 5}
    )
    assert steps == [
        Skip(2, 1, after(120), EMPTY),
        Skip(3, 1, after(120), EMPTY),
        Call(4, 1, after(120), after(240), lowest=4, all_hands=True),
    ]


def test_with_nobody_on_any_rung_the_last_one_is_called_all_the_same_and_repeats():
    assert climbs(LADDERS["T1"], [0, 120], manned=()) == [(0, 5, 1), (120, 5, 2)]


def test_a_t3_case_that_nobody_could_be_called_for_rises_at_once():
    ladder = rules.ladder_for("T3", NOON, None)
    steps = rules.steps_due(ladder, rung=0, generation=1, due_at=NOON, now=NOON, manned=())
    assert steps == [Skip(1, 1, NOON, EMPTY), Skip(2, 1, NOON, EMPTY), Rise("T2", 2, NOON)]


@given(
    ladder=ladders, looks=st.lists(st.integers(0, 5000), min_size=1, max_size=25), data=st.data()
)
def test_deadlines_form_one_grid_however_late_anybody_looks(ladder, looks, data):
    """Each deadline is its predecessor's plus the interval, empty rungs aside; nothing overdue
    is left; generation and rung only rise."""
    everyone = range(1, ladder.last + 1)
    rung, generation, due_at = 0, 1, NOON
    for n in sorted(looks):
        manned = data.draw(st.sets(st.sampled_from(list(everyone))))
        steps = rules.steps_due(
            ladder, rung=rung, generation=generation, due_at=due_at, now=after(n), manned=manned
        )
        assert bool(steps) == (due_at <= after(n))
        for step in steps:
            assert step.due_at == due_at
            assert (step.generation, step.rung) > (generation, rung)
            if isinstance(step, Skip) and step.reason == OVERDUE:
                due_at += step.times * ladder.interval(step.rung)
            if isinstance(step, Call):
                assert step.next_due_at == due_at + ladder.interval(step.rung) > after(n)
                due_at = step.next_due_at
            rung, generation = step.rung, step.generation
        assert all(isinstance(step, Skip) for step in steps[:-1])


def test_contact_is_due_as_long_after_the_acknowledgement_as_the_targets_lie_apart():
    acknowledged_at = after(90)
    assert rules.contact_due_at(LADDERS["T1"], NOON, acknowledged_at) == after(90 + 180)
    assert rules.contact_due_at(LADDERS["T2"], NOON, acknowledged_at) == after(90 + 1200)
    t3 = rules.ladder_for("T3", NOON, "America/New_York")
    assert rules.contact_due_at(t3, NOON, acknowledged_at) == rules.day_ends_at(
        "America/New_York", NOON
    )


@given(ladder=ladders)
def test_a_ladder_survives_its_snapshot(ladder):
    assert rules.ladder_of(rules.snapshot_of(ladder)) == ladder


@pytest.mark.parametrize("intervals", [[], [120, 0], [-1]])
def test_a_snapshot_that_would_never_end_is_refused(intervals):
    snapshot = {**rules.snapshot_of(LADDERS["T1"]), "intervals": intervals}
    with pytest.raises(ValueError, match="a second apart"):
        rules.ladder_of(snapshot)


@given(case_id=st.uuids())
def test_case_codes_can_be_said_aloud_and_do_not_run_out(case_id: UUID):
    codes = list(islice(rules.case_codes(case_id), 5))
    assert [len(code) for code in codes] == [4, 5, 5, 5, 5]
    assert set("".join(codes)) <= set(rules.CODE_LETTERS)
    assert codes == list(islice(rules.case_codes(case_id), 5))


def test_a_page_says_tier_and_code_and_nothing_else():
    assert page_text([("T1", "7F3K")]) == "T1, case 7F3K. Open the app."


def test_a_page_is_tried_again_soon_and_for_ever():
    pauses = [rules.pause_before_retry(n).total_seconds() for n in (1, 2, 3, 4, 5, 500)]
    assert pauses == [1, 2, 5, 10, 15, 15]


def test_tiers_only_rise():
    assert rules.is_higher("T1", "T2")
    assert rules.is_higher("T2", "T3")
    assert not rules.is_higher("T2", "T2")
    assert not rules.is_higher("T3", "T1")
