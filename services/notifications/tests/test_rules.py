import csv
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.rules import (
    QUIET_FROM,
    QUIET_TO,
    RETRY_PAUSES,
    is_quiet,
    is_too_late,
    may_pass_quiet_hours,
    not_before,
    quiet_until,
    retry_pause,
)
from notifications.templates import DAY_BEGINS, DAY_IS_NEAR, TEMPLATES

ZONES = (
    "America/New_York", "America/Phoenix", "America/Los_Angeles", "America/St_Johns",
    "Asia/Kolkata", "Australia/Lord_Howe", "Europe/London", "Pacific/Auckland",
)  # fmt: skip
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
SERIES = Path(__file__).parent / "fixtures" / "dst_series.csv"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("local", "quiet"),
    [("20:59", False), ("21:00", True), ("23:59", True), ("00:00", True), ("07:59", True),
     ("08:00", False), ("12:00", False)],
)  # fmt: skip
def test_nobody_is_told_anything_between_nine_in_the_evening_and_eight_in_the_morning(local, quiet):
    at = datetime.combine(date(2026, 11, 24), time.fromisoformat(local), ZoneInfo(ZONES[0]))
    assert is_quiet(at, ZONES[0], QUIET_FROM, QUIET_TO) is quiet


def test_quiet_hours_are_those_of_the_recipient_wherever_the_clinic_is():
    at = utc("2026-11-24T13:30")
    assert not is_quiet(at, "America/New_York", QUIET_FROM, QUIET_TO)
    assert is_quiet(at, "America/Los_Angeles", QUIET_FROM, QUIET_TO)


def test_quiet_hours_may_lie_within_a_day_and_equal_bounds_mean_none():
    at = utc("2026-11-24T19:00")  # 14:00 in New York
    assert is_quiet(at, "America/New_York", time(13), time(15))
    assert not is_quiet(at, "America/New_York", time(9), time(9))
    assert quiet_until(at, "America/New_York", time(13), time(15)) == utc("2026-11-24T20:00")


def test_what_is_not_quiet_is_not_put_off():
    at = utc("2026-11-24T15:00:17.250000")
    assert quiet_until(at, "America/New_York", QUIET_FROM, QUIET_TO) == at


@pytest.mark.parametrize(
    ("zone", "at", "quiet_to", "ends_at"),
    [
        # the spring night of New York is an hour shorter: 22:00 EST to 08:00 EDT
        ("America/New_York", "2027-03-14T03:00", "08:00", "2027-03-14T12:00"),
        # the autumn night an hour longer: 22:00 EDT to 08:00 EST
        ("America/New_York", "2026-11-01T02:00", "08:00", "2026-11-01T13:00"),
        # 02:30 does not exist that night: over when the clock jumps from 02:00 to 03:00
        ("America/New_York", "2027-03-14T03:00", "02:30", "2027-03-14T07:00"),
        # 01:30 comes twice that night: over at the first, quiet again at the second 01:10
        ("America/New_York", "2026-11-01T05:10", "01:30", "2026-11-01T05:30"),
        ("America/New_York", "2026-11-01T06:10", "01:30", "2026-11-01T06:30"),
        # Lord Howe moves by half an hour: 02:15 does not exist on 2026-10-04
        ("Australia/Lord_Howe", "2026-10-03T12:00", "02:15", "2026-10-03T15:30"),
        # Phoenix has no such nights
        ("America/Phoenix", "2027-03-14T05:00", "08:00", "2027-03-14T15:00"),
    ],
)
def test_the_nights_when_clocks_change_end_when_the_wall_clock_says_so(zone, at, quiet_to, ends_at):
    """Planted fault: `_end_by_adding_hours` below, local arithmetic, gets the first four wrong."""
    ended = quiet_until(utc(at), zone, QUIET_FROM, time.fromisoformat(quiet_to))
    assert ended == utc(ends_at)


def test_adding_the_length_of_an_ordinary_night_would_be_caught():
    wrong = _end_by_adding_hours(utc("2027-03-14T02:00"), "America/New_York")
    right = quiet_until(utc("2027-03-14T02:00"), "America/New_York", QUIET_FROM, QUIET_TO)
    assert right == utc("2027-03-14T12:00")
    assert wrong != right


def _end_by_adding_hours(at: datetime, zone: str) -> datetime:
    began = at.astimezone(ZoneInfo(zone)).replace(hour=21, minute=0)
    return began.astimezone(UTC) + timedelta(hours=11)


@given(
    zone=st.sampled_from(ZONES),
    at=st.integers(0, 2 * 365 * 86_400).map(lambda s: BEGAN + timedelta(seconds=s)),
    quiet_from=st.times(),
    quiet_to=st.times(),
)
def test_a_message_put_off_goes_at_the_first_minute_that_is_not_quiet(
    zone, at, quiet_from, quiet_to
):
    quiet_from, quiet_to = (t.replace(second=0, microsecond=0) for t in (quiet_from, quiet_to))
    ended = quiet_until(at, zone, quiet_from, quiet_to)
    assert at <= ended <= at + timedelta(hours=26)
    assert not is_quiet(ended, zone, quiet_from, quiet_to)
    if ended > at:
        assert is_quiet(at, zone, quiet_from, quiet_to)
        assert is_quiet(ended - timedelta(microseconds=1), zone, quiet_from, quiet_to)


def test_a_day_that_begins_within_ten_minutes_passes_quiet_hours():
    starts_at = utc("2026-11-24T13:30")
    within = DAY_IS_NEAR.passes_quiet_hours_within
    assert may_pass_quiet_hours(starts_at - timedelta(minutes=10), starts_at, within)
    assert not may_pass_quiet_hours(starts_at - timedelta(minutes=11), starts_at, within)


def test_nothing_else_passes_quiet_hours():
    for template in set(TEMPLATES.values()) - {DAY_IS_NEAR}:
        at = utc("2026-11-24T13:29")
        soon = at + timedelta(minutes=1)
        assert not may_pass_quiet_hours(at, soon, template.passes_quiet_hours_within)


def test_a_message_is_too_late_from_the_instant_it_speaks_of():
    about_at = utc("2026-11-24T14:00")
    assert not is_too_late(about_at - timedelta(microseconds=1), about_at)
    assert is_too_late(about_at, about_at)


def test_a_message_goes_its_lead_ahead_or_at_once_when_that_has_passed():
    about_at = utc("2026-11-24T14:00")
    hour = timedelta(hours=1)
    assert not_before(utc("2026-11-20T09:00"), about_at, hour) == utc("2026-11-24T13:00")
    assert not_before(utc("2026-11-24T13:40"), about_at, hour) == utc("2026-11-24T13:40")
    assert not_before(utc("2026-11-20T09:00"), about_at, timedelta()) == utc("2026-11-20T09:00")


def test_pauses_grow_and_come_to_an_end():
    pauses = [retry_pause(attempts) for attempts in range(1, len(RETRY_PAUSES) + 2)]
    assert pauses[:3] == [timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10)]
    assert list(RETRY_PAUSES) == sorted(RETRY_PAUSES)
    assert pauses[-1] is None


def _series() -> list[dict[str, str]]:
    lines = [line for line in SERIES.read_text().splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines))


def test_reminders_of_a_series_across_the_spring_night_name_the_hour_of_each_persons_wall():
    rows = _series()
    assert len(rows) == 24
    for row in rows:
        starts_at = datetime.fromisoformat(row["utc_instant"])
        for zone, column in (
            ("America/New_York", "new_york_local"),
            ("America/Phoenix", "phoenix_local"),
            ("America/Los_Angeles", "los_angeles_local"),
        ):
            hour = int(row[column][11:13])
            assert f" {hour}:00 AM" in DAY_BEGINS.words(starts_at, zone)[1]
        assert not_before(utc("2027-01-01T00:00"), starts_at, DAY_BEGINS.lead) == (
            starts_at - timedelta(hours=1)
        )
