"""How many texts somebody gets, to the very last one that is allowed."""

from datetime import UTC, datetime, timedelta

import pytest

from notifications.frequency import LIMITS, allows, week_begins
from notifications.purposes import DAYS, HOMEWORK, PURPOSES

NEW_YORK = "America/New_York"
NOON = datetime(2026, 11, 24, 17, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize("purpose", PURPOSES)
def test_the_last_allowed_text_of_a_day_goes_and_the_next_does_not(purpose):
    """Planted fault: a limit that is one too high or one too low."""
    most = LIMITS[purpose].a_day
    assert allows(purpose, [NOON] * (most - 1), NOON, NEW_YORK)
    assert not allows(purpose, [NOON] * most, NOON, NEW_YORK)


@pytest.mark.parametrize("purpose", PURPOSES)
def test_the_last_allowed_text_of_a_week_goes_and_the_next_does_not(purpose):
    limit = LIMITS[purpose]
    spread = [NOON - DAY * (1 + n % 6) for n in range(limit.a_week)]
    assert allows(purpose, spread[1:], NOON, NEW_YORK)
    assert not allows(purpose, spread, NOON, NEW_YORK)


def test_a_day_is_that_of_the_recipients_wall():
    """Half past eleven and half past midnight in New York are one day in UTC."""
    late, early = NOON + timedelta(hours=11, minutes=30), NOON + timedelta(hours=12, minutes=30)
    assert not allows(HOMEWORK, [late], early, "UTC")
    assert allows(HOMEWORK, [late], early, NEW_YORK)


def test_the_seventh_day_back_no_longer_counts():
    limit = LIMITS[HOMEWORK]
    for days, allowed in ((6, False), (7, True)):
        assert allows(HOMEWORK, [NOON - DAY * days] * limit.a_week, NOON, NEW_YORK) is allowed


def test_the_week_begins_at_a_midnight_of_the_recipient_also_when_the_clocks_are_put_back():
    after = datetime(2026, 11, 3, 17, 0, tzinfo=UTC)
    assert week_begins(after, NEW_YORK).astimezone(UTC) == datetime(2026, 10, 28, 4, 0, tzinfo=UTC)
    sent = [datetime(2026, 10, 28, 3, 59, tzinfo=UTC), datetime(2026, 10, 28, 4, 0, tzinfo=UTC)]
    assert [one >= week_begins(after, NEW_YORK) for one in sent] == [False, True]


def test_homework_keeps_to_the_exemption_and_a_week_holds_a_weeks_days():
    assert (LIMITS[HOMEWORK].a_day, LIMITS[HOMEWORK].a_week) == (1, 3)
    assert LIMITS[DAYS].a_week == 5 * LIMITS[DAYS].a_day
