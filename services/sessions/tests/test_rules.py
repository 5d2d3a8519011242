"""The rules of the programme day. No input or output."""

import csv
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions import rules
from sessions.rules import HEARTBEAT, Risk, Segment, Span

NINE = datetime(2027, 3, 1, 14, tzinfo=UTC)
FIXTURES = Path(__file__).parent / "fixtures"


def after(minutes: float, seconds: float = 0) -> datetime:
    return NINE + timedelta(minutes=minutes, seconds=seconds)


def segments(*parts: tuple[str, int]) -> list[Segment]:
    day, at = [], 0
    for kind, minutes in parts:
        day.append(Segment(kind, after(at), after(at + minutes)))
        at += minutes
    return day


REFERENCE = segments(
    ("check_in", 15), ("group", 60), ("break", 15), ("skills", 60), ("wrap_up", 30)
)
END = REFERENCE[-1].ends_at


def minutes(log_ins, leaves=(), heard=(), until=END, plan=REFERENCE) -> int:
    return rules.credited_minutes(rules.presence(log_ins, leaves, heard, until), plan)


def seconds(log_ins, leaves=(), heard=(), until=END + timedelta(hours=12)) -> float:
    present = rules.presence(log_ins, leaves, heard, until)
    return sum((span.ends_at - span.begins_at).total_seconds() for span in present)


def test_a_whole_day_is_credited_without_its_break():
    assert minutes([NINE]) == 165


def test_nobody_is_credited_for_time_before_the_start_or_after_the_end():
    assert minutes([after(-30)], [after(240)], until=after(300)) == 165


def test_time_away_is_not_credited_and_coming_back_resumes():
    assert minutes([after(0), after(40)], [after(20)]) == 165 - 20


def test_somebody_who_is_away_only_for_the_break_loses_nothing():
    assert minutes([after(0), after(90)], [after(75)]) == 165


def test_nobody_is_there_any_more_once_the_day_was_wrapped_up():
    assert minutes([after(0)], until=after(60)) == 60


def test_minutes_are_whole_and_never_rounded_up():
    assert minutes([after(0, 1)]) == 164


def test_segments_that_overlap_are_never_credited_twice():
    individual = Segment("individual", after(15), after(60))
    assert minutes([NINE], plan=[*REFERENCE, individual]) == 165


def test_who_never_logged_in_has_no_minutes_whatever_they_left():
    assert minutes([], [after(30)]) == 0


def test_heartbeats_decide_when_a_log_in_went_missing():
    assert seconds([], [after(60)], [Span(after(0, 5), after(59, 50))]) == 60 * 60 - 5


def test_heartbeats_decide_when_a_leave_went_missing():
    heard = [Span(after(0), after(60))]
    assert seconds([after(0)], [], heard) == (timedelta(hours=1) + HEARTBEAT).total_seconds()


def test_heartbeats_bear_out_who_is_there_when_join_and_leave_arrived_reversed():
    """A reconnecting client: the new join is told before the old leave."""
    heard = [Span(after(0), after(30)), Span(after(30, 10), after(60))]
    told = seconds([after(0), after(30, 5)], [after(30, 8), after(60)], heard)
    assert abs(told - 3600) <= HEARTBEAT.total_seconds()


def test_log_in_to_leave_counts_although_one_heartbeat_only_was_heard():
    assert minutes([NINE], [END], [Span(after(0, 15), after(0, 15))]) == 165


def test_log_in_to_leave_counts_although_no_heartbeat_was_heard_before_the_end():
    assert minutes([NINE], [END], [Span(after(170), after(179, 50))]) == 165


def test_heartbeats_fill_in_one_visit_and_log_in_and_leave_another():
    heard = [Span(after(0, 5), after(15))]
    assert minutes([after(100)], [after(160)], heard) == 15 + 60


def test_a_log_in_that_was_never_heard_counts_until_the_day_was_wrapped_up():
    assert minutes([after(90)], [], [Span(after(0), after(15))]) == 15 + 90


def test_silence_that_a_log_in_ends_is_absence_since_a_leave_went_missing():
    heard = [Span(after(0), after(20)), Span(after(40), END)]
    assert minutes([after(0), after(40)], [END], heard) == 165 - 20


# --- properties -------------------------------------------------------------------------------

instants = st.integers(-60, 300 * 60).map(lambda s: NINE + timedelta(seconds=s))
events = st.lists(st.tuples(st.sampled_from(["log_in", "leave"]), instants), max_size=12)


def of(kind, told):
    return [at for one, at in told if one == kind]


@given(events, st.randoms(use_true_random=False))
def test_shuffled_events_change_nothing_at_all(told, random):
    shuffled = random.sample(told, len(told))
    assert seconds(of("log_in", shuffled), of("leave", shuffled)) == seconds(
        of("log_in", told), of("leave", told)
    )


@given(events, st.data())
def test_doubled_events_change_nothing_at_all(told, data):
    doubled = told + (data.draw(st.lists(st.sampled_from(told))) if told else [])
    assert seconds(of("log_in", doubled), of("leave", doubled)) == seconds(
        of("log_in", told), of("leave", told)
    )


@given(events, instants, st.integers(0, 5), st.integers(1, 60))
def test_minutes_never_go_beyond_the_plan_or_the_presence(told, until, breaks, length):
    plan = segments(*[("group", length), ("break", length)] * breaks)
    credited = minutes(of("log_in", told), of("leave", told), until=until, plan=plan)
    present = seconds(of("log_in", told), of("leave", told), until=until)
    assert 0 <= credited <= min(length * breaks, present / 60)


@st.composite
def a_heard_day(draw):
    """True presences, each at least 2 min long and 2 min apart, and the heartbeats of each:
    the first at most 15 s after coming, the last at most 15 s before going."""
    at, true, heard = NINE, [], []
    for _ in range(draw(st.integers(1, 6))):
        came = at + timedelta(seconds=draw(st.integers(120, 1800)))
        at = came + timedelta(seconds=draw(st.integers(120, 3600)))
        true.append(Span(came, at))
        heard.append(Span(_within(draw, came, 1), _within(draw, at, -1)))
    return true, heard


def _within(draw, instant: datetime, sign: int) -> datetime:
    return instant + sign * timedelta(seconds=draw(st.integers(0, 15)))


@given(a_heard_day())
def test_with_heartbeats_the_told_presence_is_exact(day):
    true, heard = day
    told = seconds([s.begins_at for s in true], [s.ends_at for s in true], heard)
    assert told == sum((s.ends_at - s.begins_at).total_seconds() for s in true)


@given(a_heard_day(), st.data())
def test_with_heartbeats_each_missing_or_late_doubled_event_moves_at_most_15_seconds(day, data):
    """Fails when a log-in counts to the next leave although heartbeats were heard between."""
    true, heard = day
    came, went = [s.begins_at for s in true], [s.ends_at for s in true]
    kept_in = [at for at in came if data.draw(st.booleans())]
    kept_out = [at for at in went if data.draw(st.booleans())]
    extra_in = [_within(data.draw, at, 1) for at in kept_in if data.draw(st.booleans())]
    extra_out = [_within(data.draw, at, 1) for at in kept_out if data.draw(st.booleans())]
    spoilt = len(came) + len(went) - len(kept_in) - len(kept_out) + len(extra_in) + len(extra_out)
    exact = seconds(came, went, heard)
    told = seconds(kept_in + extra_in, kept_out + extra_out, heard)
    assert abs(told - exact) <= spoilt * HEARTBEAT.total_seconds()


@given(a_heard_day(), st.data())
def test_heartbeats_that_fall_silent_take_no_minute_from_who_logged_in_and_left(day, data):
    true, heard = day
    cut = [Span(s.begins_at, _cut(data.draw, s)) for s in heard if data.draw(st.booleans())]
    came, went = [s.begins_at for s in true], [s.ends_at for s in true]
    assert seconds(came, went, cut) == seconds(came, went, heard)


def _cut(draw, run: Span) -> datetime:
    return run.begins_at + draw(st.floats(0, 1)) * (run.ends_at - run.begins_at)


def test_without_heartbeats_a_missing_leave_counts_to_the_next_one():
    """What two kinds of events alone cannot tell: the price of a client that is not heard."""
    assert minutes([after(0), after(120)], [after(150)]) == 135


# --- arrival, danger, local time --------------------------------------------------------------


def test_eleven_minutes_after_the_start_is_late_and_ten_is_not():
    assert not rules.is_late(after(10), NINE, after(-20))
    assert rules.is_late(after(10, 1), NINE, after(-20))


def test_nobody_is_late_for_a_room_that_was_opened_late():
    assert not rules.is_late(after(25), NINE, after(20))


def test_a_no_show_is_noted_15_minutes_after_the_start_or_the_late_opening():
    assert rules.no_show_at(NINE, after(-20)) == after(15)
    assert rules.no_show_at(NINE, after(20)) == after(35)


@pytest.mark.parametrize(
    ("safe", "urge", "risk"),
    [
        (True, 0, None),
        (True, 6, None),
        (True, 7, Risk("T2", "checkin_urge")),
        (True, 10, Risk("T2", "checkin_urge")),
        (False, 0, Risk("T1", "checkin_not_safe")),
        (False, 10, Risk("T1", "checkin_not_safe")),
        (False, None, Risk("T1", "checkin_not_safe")),
    ],
)
def test_a_check_in_asks_for_a_human_when_somebody_is_not_safe_or_the_urge_is_strong(
    safe, urge, risk
):
    assert rules.check_in_risk(safe=safe, urge=urge) == risk


@pytest.mark.parametrize(
    ("tiers", "looked_for"),
    [([], False), (["T3"], False), (["T4"], True), (["T2"], True), (["T3", "T1"], True)],
)
def test_only_an_absent_person_in_danger_or_in_follow_up_is_looked_for(tiers, looked_for):
    assert (rules.absence_risk(tiers, "no_show_at_risk") is not None) == looked_for


@pytest.mark.parametrize(
    ("more", "nights", "risk"),
    [
        (False, None, None),
        (False, 2, None),
        (False, 3, Risk("T3", "body_check_sleep")),
        (True, None, Risk("T1", "body_check_overdose")),
        (True, 7, Risk("T1", "body_check_overdose")),
    ],
)
def test_a_body_check_asks_for_a_human_after_too_many_pills_or_three_short_nights(
    more, nights, risk
):
    assert rules.body_check_risk(more_than_prescribed=more, short_nights=nights) == risk


@pytest.mark.parametrize(("started", "ended"), [(70, 90), (75, 90), (80, 95), (95, 110)])
def test_a_break_that_begins_late_ends_late_and_one_that_begins_early_ends_as_planned(
    started, ended
):
    planned = Segment("break", after(75), after(90))
    assert rules.break_ends_at(planned, after(started)) == after(ended)


def test_homework_due_at_2000_is_due_at_2000_on_both_sides_of_the_clock_change():
    before = rules.local_instant(date(2027, 3, 13), time(20), "America/New_York")
    following = rules.local_instant(date(2027, 3, 14), time(20), "America/New_York")
    assert following - before == timedelta(hours=23)
    assert following == datetime(2027, 3, 15, 0, tzinfo=UTC)


def test_a_time_in_the_gap_takes_the_offset_before_it():
    due = rules.local_instant(date(2026, 3, 8), time(2, 30), "America/New_York")
    assert due == datetime(2026, 3, 8, 7, 30, tzinfo=UTC)


def test_an_ambiguous_time_is_the_first_one():
    due = rules.local_instant(date(2026, 11, 1), time(1, 30), "America/New_York")
    assert due == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)


def test_the_reference_series_starts_at_nine_in_new_york_on_each_of_its_days():
    lines = (FIXTURES / "dst_series.csv").read_text().splitlines()
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    assert len(rows) == 24
    for row in rows:
        local = datetime.fromisoformat(row["new_york_local"])
        due = rules.local_instant(local.date(), local.time(), "America/New_York")
        assert due == datetime.fromisoformat(row["utc_instant"])
        assert due.astimezone(ZoneInfo("America/Phoenix")) == datetime.fromisoformat(
            row["phoenix_local"]
        )
