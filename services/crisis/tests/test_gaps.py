"""A time in which nobody is on call is found, however far away and however short."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from crisis.rota.gaps import Gap, gaps, unreached
from crisis.rota.shifts import Override, Rota, Rotation

A, B, C = (UUID(int=n) for n in range(1, 4))
NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
LAST = Rota.of_rungs([[A, B]]).layers
LONG = date(2026, 1, 1)


def utc(*given: int) -> datetime:
    return datetime(*given, tzinfo=UTC)


def with_last(*layer: Rotation) -> Rota:
    return Rota((layer, *LAST))


def test_a_rota_around_the_clock_has_no_gap():
    halves = (
        Rotation(((A,), (B,)), "America/New_York", LONG, None, time(8), time(20), turn_days=1),
        Rotation(((B,), (A,)), "America/New_York", LONG, None, time(20), time(8)),
    )
    assert list(gaps(with_last(*halves), NOW)) == []


def test_an_hour_that_is_missing_on_one_night_of_the_year_only_is_found():
    """New York hands over to Chicago at three, two o'clock there: in the night of the change
    Chicago's two o'clock does not exist, and the clocks of both change an hour apart."""
    day = Rotation(((B,),), "America/Chicago", LONG, None, time(2), time(19))
    night = Rotation(((A,),), "America/New_York", LONG, None, time(20), time(3))
    rota = with_last(day, night)
    assert list(gaps(rota, NOW)) == [Gap(1, utc(2027, 3, 14, 7), utc(2027, 3, 14, 8))]
    assert list(gaps(rota, NOW, timedelta(days=100))) == []


def test_a_season_in_which_two_zones_no_longer_meet_is_found():
    """Phoenix does not change its clock: until seven there is until nine or ten in New York."""
    night = Rotation(((A,),), "America/Phoenix", LONG, None, time(16), time(7))
    day = Rotation(((B,),), "America/New_York", LONG, None, time(10), time(20))
    summer = utc(2026, 7, 1)
    found = list(gaps(with_last(night, day), summer))
    assert found[0].starts_at == utc(2026, 11, 1, 14)
    assert found[0].ends_at == utc(2026, 11, 1, 15)
    assert {gap.ends_at - gap.starts_at for gap in found} == {timedelta(hours=1)}
    assert max(gap.ends_at for gap in found) < utc(2027, 3, 14)


def as_this_week(rota: Rota, from_: datetime) -> list[Gap]:
    """The wrong finder: looks at a week, since all weeks are alike."""
    return list(gaps(rota, from_, timedelta(days=7)))


def test_a_finder_that_takes_one_week_for_all_is_noticed():
    """Planted fault: the gap of a later night of the change is not found."""
    day = Rotation(((B,),), "America/Chicago", LONG, None, time(2), time(19))
    night = Rotation(((A,),), "America/New_York", LONG, None, time(20), time(3))
    assert as_this_week(with_last(day, night), NOW) == []


def test_a_rotation_that_ends_a_weekday_and_the_time_before_the_first_turn_are_gaps():
    ends = with_last(Rotation(((A,),), last_on=date(2027, 11, 30)))
    assert list(gaps(ends, NOW)) == [Gap(1, utc(2027, 12, 1), NOW + timedelta(days=400))]
    no_sunday = with_last(Rotation(((A,),), weekdays=("MO", "TU", "WE", "TH", "FR", "SA")))
    sundays = list(gaps(no_sunday, NOW))
    assert sundays[0] == Gap(1, utc(2026, 11, 29), utc(2026, 11, 30))
    assert len(sundays) == 57
    later = with_last(Rotation(((A,),), first_on=date(2026, 11, 30)))
    assert list(gaps(later, NOW)) == [Gap(1, NOW, utc(2026, 11, 30))]


def test_one_person_alone_on_the_last_rung_is_a_gap_and_so_is_standing_in_for_oneself():
    assert list(gaps(Rota.of_rungs([[A], [B]]), NOW)) == [
        Gap(2, NOW, NOW + timedelta(days=400), (B,))
    ]
    from_, until = utc(2026, 12, 24), utc(2026, 12, 26)
    twice = Rota(Rota.of_rungs([[C], [A, B]]).layers, (Override(A, B, from_, until),))
    assert list(gaps(twice, NOW)) == [Gap(2, from_, until, (A,))]


def test_who_cannot_be_reached_is_named_with_rung_and_first_time():
    weekly = Rotation(((A,), (C,)), first_on=date(2026, 11, 23))
    (found,) = unreached(with_last(weekly), lambda person: person != C, NOW)
    assert (found.rung, found.person, found.from_) == (1, C, utc(2026, 11, 30))
    assert list(unreached(with_last(weekly), lambda _: True, NOW)) == []
