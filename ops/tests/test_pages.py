"""The reckoning of pages finds what is lost, doubled, early or late, apart from crisis."""

from datetime import UTC, datetime, timedelta

import pytest

from evenkeel_ops.simulator.pages import DESK, Case, reckoned

NINE = datetime(2026, 3, 3, 9, tzinfo=UTC)
RUNGS = (("a",), ("b",), ("c", "d"))
NOW = NINE + timedelta(minutes=11)


def case(tier="T1", minutes=11.0):
    return Case("ABCD", tier, NINE, NINE + timedelta(minutes=minutes), RUNGS)


def page(to, minutes, channel="email", code="ABCD"):
    at = NINE + timedelta(minutes=minutes)
    text = f"T1, case {code}. Open the app."
    return {
        "to": to, "channel": channel, "key": f"{code}-{to}-{minutes}", "text": text,
        "accepted_at": at.isoformat(),
    }  # fmt: skip


def everything():
    calls = [(0, "a"), (2, "b"), (4, "cd"), (6, "abcd")]
    pages = [page(to, minutes) for minutes, people in calls for to in people]
    return pages + [page(to, minutes) for minutes in (8, 10) for to in (*"abcd", DESK)]


def counts(accepted, *cases):
    found = reckoned(cases or [case()], accepted, NOW)
    return found.due, found.sent, found.doubled


def test_a_ladder_that_nobody_takes_calls_each_person_at_each_of_their_rungs():
    assert counts(everything()) == (18, 18, 0)


def test_what_was_taken_calls_nobody_any_more():
    assert counts([page("a", 0), page("b", 2)], case(minutes=3)) == (2, 2, 0)
    assert counts([page("a", 0)], case("T2", minutes=4)) == (1, 1, 0)


@pytest.mark.parametrize("missing", range(18))
def test_a_page_that_never_arrived_is_missed(missing):
    accepted = [one for n, one in enumerate(everything()) if n != missing]
    assert counts(accepted) == (18, 17, 0)


@pytest.mark.parametrize("again", range(18))
def test_a_page_that_arrived_twice_is_doubled(again):
    accepted = everything()
    assert counts([*accepted, {**accepted[again], "key": "another"}]) == (18, 18, 1)


def test_the_same_key_again_is_no_second_page():
    accepted = everything()
    assert counts([*accepted, *accepted]) == (18, 18, 0)


def test_another_channel_of_the_same_person_is_no_double():
    assert counts([*everything(), page("a", 0, "sms")]) == (18, 18, 0)


@pytest.mark.parametrize(
    "unasked", [page("b", 1), page("e", 2), page("a", 0, code="WXYZ")], ids=["early", "who", "case"]
)
def test_a_page_that_nobody_was_due_is_doubled(unasked):
    assert counts([*everything(), unasked]) == (18, 18, 1)


def test_how_late_is_told_in_seconds():
    accepted = [page("a", 0.1), page("b", 2.5), *everything()[2:]]
    found = reckoned([case()], accepted, NOW)
    assert (found.lateness_max_s, found.sent) == (30.0, 18)
