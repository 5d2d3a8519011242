"""Local time answers who is on call, and nothing else: every minute of each change of the clock."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

import hypothesis.strategies as st
import pytest
from hypothesis import given

from crisis.rota import shifts
from crisis.rota.shifts import WEEKDAYS, Override, Rota, Rotation

MINUTE = timedelta(minutes=1)
A, B, C, D = (UUID(int=n) for n in range(1, 5))

CHANGES = {
    "America/New_York": (date(2026, 3, 8), date(2026, 11, 1)),
    "Europe/London": (date(2026, 3, 29), date(2026, 10, 25)),
    "Australia/Lord_Howe": (date(2026, 4, 5), date(2026, 10, 4)),
    "America/Santiago": (date(2026, 4, 5), date(2026, 9, 6)),
    "America/Phoenix": (date(2026, 3, 8), date(2026, 11, 1)),
    "Asia/Kolkata": (date(2026, 3, 29), date(2026, 10, 25)),
}
"""Both days of 2026 on which the clock changes: an hour, half an hour, at midnight, in the south;
and the days of others where it never does."""

DAYS = [(zone, day) for zone, days in CHANGES.items() for day in days]


def day_and_night(zone: str, changes_at: time = time(8)) -> Rota:
    """Two take turns by day and two by night, around the clock."""
    evening = time(20)
    by_day = Rotation(((A,), (B,)), zone, date(2026, 1, 5), None, changes_at, evening, turn_days=1)
    by_night = Rotation(((C,), (D,)), zone, date(2026, 1, 5), None, evening, changes_at)
    return Rota(((by_day, by_night),))


def minutes_around(zone: str, day: date):
    """Each minute of three days, the one of the change in the middle."""
    start = datetime.combine(day - timedelta(days=1), time(0), tzinfo=ZoneInfo(zone))
    start = start.astimezone(UTC)
    return [start + n * MINUTE for n in range(3 * 1440)]


def minutes_with_another_number(rota: Rota, instants) -> list[datetime]:
    """Instants at which not exactly one person of the one rung is on call."""
    return [at for at in instants if [len(people) for people in rota.on_call(at)] != [1]]


@pytest.mark.parametrize(("zone", "day"), DAYS, ids=str)
def test_at_each_minute_exactly_one_shift_is_on(zone, day):
    assert minutes_with_another_number(day_and_night(zone), minutes_around(zone, day)) == []


@pytest.mark.parametrize(("zone", "day"), DAYS, ids=str)
@pytest.mark.parametrize("changes_at", [time(0), time(1, 30), time(2, 15)], ids=str)
def test_a_hand_over_in_the_hour_of_the_change_leaves_no_minute_out(zone, day, changes_at):
    night = minutes_around(zone, day)[1440 - 60 : 1440 + 300]
    assert minutes_with_another_number(day_and_night(zone, changes_at), night) == []


@pytest.mark.parametrize(("zone", "day"), DAYS, ids=str)
def test_a_hand_over_is_at_the_same_local_time_before_and_after_the_change(zone, day):
    rota = day_and_night(zone)
    who = [(at, rota.on_call(at)[0]) for at in minutes_around(zone, day)]
    handed_over = [at for (_, before), (at, after) in pairwise(who) if before != after]
    told = {f"{at.astimezone(ZoneInfo(zone)):%H:%M}" for at in handed_over}
    assert told == {"08:00", "20:00"}
    assert len(handed_over) == 6


def as_hours(day: date, at: time, zone: str) -> datetime:
    """The wrong way: so many hours after a local midnight that was long ago."""
    first = datetime.combine(date(2026, 1, 1), time(0), tzinfo=ZoneInfo(zone)).astimezone(UTC)
    hours = timedelta(days=(day - date(2026, 1, 1)).days, hours=at.hour, minutes=at.minute)
    return first + hours


@pytest.mark.parametrize(("zone", "day"), DAYS[:8], ids=str)
def test_hours_added_to_a_local_time_are_noticed(monkeypatch, zone, day):
    """Planted fault: timedelta(hours=…) added to a local midnight."""
    monkeypatch.setattr(shifts, "instant_of", as_hours)
    with pytest.raises(AssertionError):
        test_a_hand_over_is_at_the_same_local_time_before_and_after_the_change(zone, day)


def lasts(hours: int):
    """The wrong way: a shift ends a fixed number of hours after it began."""

    def shift_on(rotation, day):
        starts_at = shifts.instant_of(day, rotation.starts_at, rotation.zone)
        turn = (day - rotation.first_on).days // rotation.turn_days % len(rotation.turns)
        ends_at = starts_at + timedelta(hours=hours)
        return shifts.Shift(starts_at, ends_at, rotation.turns[turn])

    return shift_on


@pytest.mark.parametrize("day", CHANGES["America/New_York"], ids=str)
def test_a_shift_of_a_fixed_length_is_noticed(monkeypatch, day):
    """Planted fault: timedelta(hours=12) from the beginning of a shift to its end."""
    monkeypatch.setattr(Rotation, "shift_on", lasts(12))
    minutes = minutes_around("America/New_York", day)
    wrong = minutes_with_another_number(day_and_night("America/New_York"), minutes)
    assert len(wrong) == 60


def test_turns_follow_each_other_and_begin_again():
    weekly = Rotation(((A,), (B,), (C, D)), "America/New_York", date(2026, 11, 23), turn_days=7)
    rota = Rota(((weekly,),))
    noon = datetime(2026, 11, 23, 17, tzinfo=UTC)
    weeks = [rota.on_call(noon + timedelta(weeks=n)) for n in range(4)]
    assert weeks == [((A,),), ((B,),), ((C, D),), ((A,),)]
    assert rota.on_call(noon - timedelta(days=1)) == ((),)


def test_a_rotation_may_be_of_some_weekdays_and_end():
    given = {"weekdays": ("MO",), "last_on": date(2026, 11, 30), "first_on": date(2026, 11, 23)}
    rota = Rota(((Rotation(((A,),), **given),),))
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
    on = [n for n in range(21) if rota.on_call(noon + timedelta(days=n)) == ((A,),)]
    assert on == [0, 7]


def test_who_stands_in_is_called_instead_and_only_then():
    from_, until = datetime(2026, 11, 23, 12, tzinfo=UTC), datetime(2026, 11, 23, 18, tzinfo=UTC)
    rota = Rota(Rota.of_rungs([[A], [A, B]]).layers, (Override(C, A, from_, until),))
    assert rota.on_call(from_ - MINUTE) == ((A,), (A, B))
    assert rota.on_call(from_) == ((C,), (C, B))
    assert rota.on_call(until) == ((A,), (A, B))


times = st.times().map(lambda at: at.replace(second=0, microsecond=0))
rotations = st.builds(
    Rotation,
    turns=st.lists(st.tuples(st.sampled_from([A, B, C])), min_size=1, max_size=3).map(tuple),
    zone=st.sampled_from([*CHANGES, "Pacific/Apia", "America/Havana"]),
    first_on=st.dates(date(2026, 2, 1), date(2026, 3, 20)),
    last_on=st.none() | st.dates(date(2026, 3, 20), date(2026, 4, 20)),
    starts_at=times,
    ends_at=times,
    weekdays=st.lists(st.sampled_from(WEEKDAYS), min_size=1, unique=True).map(tuple),
    turn_days=st.integers(1, 9),
)


@given(st.lists(rotations, min_size=1, max_size=3).map(tuple), st.data())
def test_the_stretches_of_a_rung_say_what_is_said_of_each_instant(layer, data):
    """Whoever looks for gaps sees the same rota as whoever pages."""
    rota = Rota((layer,))
    from_ = datetime(2026, 3, 1, tzinfo=UTC)
    stretches = list(rota.stretches(1, from_, from_ + timedelta(days=45)))
    assert stretches[0].starts_at == from_
    assert all(a.ends_at == b.starts_at for a, b in pairwise(stretches))
    one = data.draw(st.sampled_from(stretches))
    inside = data.draw(st.datetimes(
        one.starts_at.replace(tzinfo=None), one.ends_at.replace(tzinfo=None) - timedelta.resolution,
        timezones=st.just(UTC),
    ))  # fmt: skip
    assert set(rota.on_call(inside)[0]) == set(one.people)
