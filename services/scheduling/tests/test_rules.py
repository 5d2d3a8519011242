"""Calendar, programme and licence rules. The negative controls are wrong rules of our own that
the same check must catch."""

import csv
import json
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scheduling.rules import (
    LARGEST_GROUP,
    SEGMENT_KINDS,
    WEEKDAYS,
    Segment,
    Span,
    clock_changes,
    days_of_series,
    faults_of_programme,
    free_number,
    instant_of,
    licence_covers,
    local_time,
    span_of_day,
    spans_of_segments,
    week_minutes,
    zone_names,
)

FIXTURES = Path(__file__).parent / "fixtures"
NEW_YORK = "America/New_York"
NEW_YEAR = datetime.fromisoformat("2027-01-01T00:00")

ODD_ZONES = (
    NEW_YORK,
    "America/Los_Angeles",
    "America/Phoenix",
    "America/Santiago",
    "America/Nuuk",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Africa/Casablanca",
    "Europe/Dublin",
    "Antarctica/Troll",
)
"""No change of clock, changes by half an hour or by two, northern and southern summers, winters
that are the exception, and offsets that are no whole hours."""


def offset_at(instant, zone):
    """The clock of a zone, read from UTC only; the rule under test goes the other way."""
    return instant.astimezone(ZoneInfo(zone)).replace(tzinfo=UTC) - instant


def changes_of_2027(zone):
    """The UTC minutes of 2027 at which the clock of a zone was changed."""
    first = datetime(2027, 1, 1, tzinfo=UTC)
    steps = [first + timedelta(minutes=30 * n) for n in range(365 * 48)]
    return [
        after
        for before, after in pairwise(steps)
        if offset_at(before, zone) != offset_at(after, zone)
    ]


CHANGES = {zone: changes_of_2027(zone) for zone in ODD_ZONES}


def expected_instant(wall, zone):
    """By trying every offset: the first instant at which the wall shows this, else by the offset
    that was in force before the gap."""
    as_utc = wall.replace(tzinfo=UTC)
    around = [as_utc + timedelta(hours=h) for h in range(-40, 41)]
    offsets = {offset_at(instant, zone) for instant in around}
    shown = [as_utc - o for o in offsets if offset_at(as_utc - o, zone) == o]
    if shown:
        return min(shown)
    before_the_gap = as_utc - max(offsets) - timedelta(hours=6)
    return as_utc - offset_at(before_the_gap, zone)


@st.composite
def walls_near_a_change(draw):
    """A zone and a local time within four hours of one of its changes, or any time of 2027."""
    zone = draw(st.sampled_from(ODD_ZONES))
    if CHANGES[zone] and draw(st.booleans()):
        change = draw(st.sampled_from(CHANGES[zone]))
        near = (change + offset_at(change, zone)).replace(tzinfo=None)
        return zone, near + timedelta(minutes=draw(st.integers(-240, 240)))
    return zone, NEW_YEAR + timedelta(minutes=draw(st.integers(0, 365 * 1440 - 1)))


def test_the_zones_of_the_property_tests_change_their_clocks_in_2027_as_we_think():
    counts = {zone: len(changes) for zone, changes in CHANGES.items()}
    still = {"America/Phoenix", "Asia/Kolkata", "Asia/Kathmandu"}
    assert {zone for zone, n in counts.items() if n == 0} == still
    assert all(n == 2 for zone, n in counts.items() if zone not in still)


@given(walls_near_a_change())
@example((NEW_YORK, datetime.fromisoformat("2027-03-14T02:30")))
@example((NEW_YORK, datetime.fromisoformat("2027-11-07T01:30")))
@example(("Australia/Lord_Howe", datetime.fromisoformat("2027-10-03T02:10")))
@example(("Australia/Lord_Howe", datetime.fromisoformat("2027-04-04T01:45")))
def test_a_wall_time_is_its_first_instant_or_takes_the_offset_before_the_gap(where):
    zone, wall = where
    assert instant_of(wall.date(), wall.time(), zone) == expected_instant(wall, zone)


def later_of_two(wall, zone):
    return wall.replace(tzinfo=ZoneInfo(zone), fold=1).astimezone(UTC)


def offset_of_noon(wall, zone):
    noon = wall.replace(hour=12, minute=0)
    return wall.replace(tzinfo=UTC) - offset_at(expected_instant(noon, zone), zone)


@pytest.mark.parametrize("wrong", [later_of_two, offset_of_noon])
@pytest.mark.parametrize("zone", [NEW_YORK, "Australia/Lord_Howe", "America/Santiago"])
def test_the_check_of_wall_times_catches_a_rule_that_is_wrong_at_a_change(wrong, zone):
    def near(change):
        wall = (change + offset_at(change, zone)).replace(tzinfo=None)
        return [wall + timedelta(minutes=m) for m in range(-120, 121, 5)]

    walls = [wall for change in CHANGES[zone] for wall in near(change)]
    assert any(wrong(wall, zone) != expected_instant(wall, zone) for wall in walls)


@pytest.mark.parametrize(
    ("wall", "instant"),
    [
        ("2027-03-14T02:30", "2027-03-14T07:30Z"),  # skipped: 03:30 by the new clock
        ("2027-03-14T03:00", "2027-03-14T07:00Z"),
        ("2027-11-07T01:30", "2027-11-07T05:30Z"),  # twice: the first
        ("2027-11-07T02:00", "2027-11-07T07:00Z"),
    ],
)
def test_new_york_at_both_changes_of_2027(wall, instant):
    local = datetime.fromisoformat(wall)
    assert instant_of(local.date(), local.time(), NEW_YORK) == datetime.fromisoformat(instant)


def test_a_fold_that_comes_with_a_time_is_not_heeded():
    later = time(1, 30, fold=1)
    assert instant_of(date(2027, 11, 7), later, NEW_YORK).hour == 5


def reference_rows():
    with (FIXTURES / "dst_series.csv").open() as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def reference_series():
    days = days_of_series(date(2027, 3, 1), ["MO", "WE", "FR"], 24)
    return days, [instant_of(day, time(9), NEW_YORK) for day in days]


def test_the_reference_series_comes_out_exactly():
    days, starts = reference_series()
    changed = {change.starts_at for change in clock_changes(starts, "America/Phoenix")}
    computed = [
        {
            "n": str(n),
            "weekday": day.strftime("%a"),
            "new_york_local": local_time(start, NEW_YORK).isoformat(timespec="minutes"),
            "utc_instant": start.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "phoenix_local": local_time(start, "America/Phoenix").isoformat(timespec="minutes"),
            "los_angeles_local": local_time(start, "America/Los_Angeles").isoformat(
                timespec="minutes"
            ),
            "phoenix_clock_changed": "yes" if start in changed else "no",
        }
        for n, (day, start) in enumerate(zip(days, starts, strict=True), 1)
    ]
    assert computed == reference_rows()


def test_adding_days_to_the_first_instant_does_not_make_the_reference_series():
    """The classical mistake: recurrence in UTC. The fixture must tell it from the right one."""
    days, starts = reference_series()
    by_instants = [starts[0] + (day - days[0]) for day in days]
    assert [s.strftime("%Y-%m-%dT%H:%M:%SZ") for s in by_instants] != [
        row["utc_instant"] for row in reference_rows()
    ]


def test_phoenix_is_told_once_and_los_angeles_never():
    _, starts = reference_series()
    (change,) = clock_changes(starts, "America/Phoenix")
    assert change.starts_at == datetime(2027, 3, 15, 13, tzinfo=UTC)
    assert (change.local_before, change.local_after) == (time(7), time(6))
    assert clock_changes(starts, "America/Los_Angeles") == []
    assert clock_changes([], "America/Phoenix") == []


@given(
    zone=st.sampled_from(ODD_ZONES),
    first_on=st.dates(date(2027, 1, 1), date(2027, 12, 1)),
    weekdays=st.sets(st.sampled_from(WEEKDAYS), min_size=1),
    starts=st.times().map(lambda t: t.replace(second=0, microsecond=0)),
    count=st.integers(1, 60),
)
def test_a_series_keeps_its_weekdays_its_wall_time_and_its_length(
    zone, first_on, weekdays, starts, count
):
    days = days_of_series(first_on, weekdays, count)
    spans = [span_of_day(day, starts, zone, 240) for day in days]
    assert len(days) == count
    assert days[0] - first_on < timedelta(days=7)
    assert {WEEKDAYS[day.weekday()] for day in days} <= weekdays
    for day, span in zip(days, spans, strict=True):
        wall = datetime.combine(day, starts)
        assert span.starts_at == expected_instant(wall, zone)
        assert span.ends_at - span.starts_at == timedelta(minutes=240)
    assert all(a.ends_at <= b.starts_at for a, b in pairwise(spans))


def test_a_series_leaves_out_no_day_between_its_first_and_last():
    days = days_of_series(date(2027, 3, 2), ["FR", "MO"], 4)
    assert days == [date(2027, 3, 5), date(2027, 3, 8), date(2027, 3, 12), date(2027, 3, 15)]


def test_a_day_across_a_change_of_the_clock_lasts_no_longer():
    night = span_of_day(date(2027, 3, 13), time(23), NEW_YORK, 240)
    assert night.ends_at - night.starts_at == timedelta(hours=4)
    assert local_time(night.ends_at, NEW_YORK).time() == time(4)


def test_segments_follow_each_other_without_a_gap():
    starts_at = datetime(2027, 3, 1, 14, tzinfo=UTC)
    parts = [Segment("check_in", 15), Segment("group", 60), Segment("wrap_up", 105)]
    spans = spans_of_segments(starts_at, parts)
    assert spans[0].starts_at == starts_at
    assert spans[-1].ends_at == starts_at + timedelta(minutes=180)
    assert all(a.ends_at == b.starts_at for a, b in pairwise(spans))


def test_a_day_may_begin_when_another_ends():
    nine, noon, one = (datetime(2027, 3, 1, h, tzinfo=UTC) for h in (9, 12, 13))
    assert not Span(nine, noon).overlaps(Span(noon, one))
    assert Span(nine, noon + timedelta(minutes=1)).overlaps(Span(noon, one))


def day_of(minutes, *, first="check_in"):
    return [Segment(first, 15), Segment("group", minutes - 30), Segment("wrap_up", 15)]


@pytest.mark.parametrize(
    ("weekdays", "minutes", "faults"),
    [
        (3, 180, []),
        (5, 239, []),
        (4, 240, []),
        (2, 240, ["days_a_week<3", "weekly_hours<9"]),
        (5, 240, ["is_php"]),
        (3, 179, ["weekly_hours<9", "day_minutes<180"]),
        (4, 241, ["day_minutes>240"]),
        (6, 180, ["days_a_week>5"]),
        (7, 200, ["days_a_week>5", "is_php"]),
    ],
)
def test_a_programme_has_three_to_five_days_of_three_to_four_hours(weekdays, minutes, faults):
    found = faults_of_programme(WEEKDAYS[:weekdays], day_of(minutes))
    assert found.get("weekdays", []) + found.get("segments", []) == faults


def test_a_programme_that_begins_with_the_wrap_up_is_told_which_segment_is_wrong():
    parts = [Segment("wrap_up", 15), Segment("group", 150), Segment("check_in", 15)]
    assert faults_of_programme(["MO", "WE", "FR"], parts) == {
        "segments.0.kind": ["opens_with_check_in_or_group", "wrap_up_is_last"],
        "segments.2.kind": ["closes_with_wrap_up"],
    }


@given(
    weekdays=st.sets(st.sampled_from(WEEKDAYS), min_size=1),
    segments=st.lists(
        st.builds(Segment, st.sampled_from(SEGMENT_KINDS), st.integers(1, 120)), min_size=1
    ),
)
def test_what_passes_is_an_intensive_outpatient_week(weekdays, segments):
    lawful = (
        len(weekdays) in (3, 4, 5)
        and 180 <= sum(s.minutes for s in segments) <= 240
        and 9 * 60 <= week_minutes(weekdays, segments) < 20 * 60
        and segments[0].kind in ("check_in", "group")
        and [s.kind for s in segments].count("wrap_up") == 1
        and segments[-1].kind == "wrap_up"
    )
    assert (faults_of_programme(weekdays, segments) == {}) == lawful


def test_the_five_sample_programmes_pass():
    samples = json.loads((FIXTURES / "programmes.json").read_text())
    assert len(samples) == 5
    for sample in samples:
        parts = [Segment(**segment) for segment in sample["segments"]]
        assert faults_of_programme(sample["weekdays"], parts) == {}, sample["code"]


def test_a_licence_holds_to_the_end_of_its_last_date_where_the_participant_is():
    evening = datetime(2027, 7, 1, 3, 30, tzinfo=UTC)  # 30 June, 23:30 in New York
    assert licence_covers(date(2027, 6, 30), evening, NEW_YORK)
    assert not licence_covers(date(2027, 6, 30), evening + timedelta(minutes=30), NEW_YORK)
    assert not licence_covers(date(2027, 6, 29), evening, "America/Los_Angeles")


@given(st.sets(st.integers(1, LARGEST_GROUP)), st.integers(1, LARGEST_GROUP))
def test_a_free_number_is_the_lowest_that_nobody_has(taken, capacity):
    number = free_number(taken, capacity)
    if number is None:
        assert set(range(1, capacity + 1)) <= taken
    else:
        assert number not in taken
        assert set(range(1, number)) <= taken
        assert number <= capacity


def test_only_names_of_the_time_zone_database_are_zones():
    assert NEW_YORK in zone_names()
    assert (
        not {"Mars/Olympus", "../etc/passwd", "localtime", "posixrules", "Factory"} & zone_names()
    )
