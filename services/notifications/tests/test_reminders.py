"""Reminders of a day: when each goes, what overtakes it, and what keeps it from going at all."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.channel import Channel
from chassis.database import connect
from notifications import letters, rules, seats
from notifications.messages import next_due
from notifications.recipients import find_recipient
from notifications.sending import send_due
from notifications.templates import (
    DAY_BEFORE,
    DAY_BEGINS,
    DAY_IS_NEAR,
    MISSED_YOU,
    REMINDERS,
    TOMORROW,
)
from services.notifications.tests.builders import (
    STARTS_AT,
    Person,
    by_mail,
    cancellation,
    day,
    hear,
    messages,
    reachable,
)
from services.notifications.tests.test_rules import ZONES

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
QUIET = (rules.QUIET_FROM, rules.QUIET_TO)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
def person(database, vault) -> Person:
    one = Person()
    reachable(database, vault, one)
    return one


@pytest.fixture
def pass_to(database, vault, clock, post) -> Callable[..., None]:
    """Let time pass until an instant, each message being looked at when it is due."""

    def run(until: datetime, channel: Channel = post) -> None:
        due: datetime | None = clock.now()
        while due is not None and due <= until:
            clock.advance_to(due)
            while send_due(database, vault, channel):
                pass
            with database.work() as db:
                due = next_due(db)
        clock.advance_to(until)

    return run


def states_of(database, person) -> dict[str, tuple[str, str | None]]:
    return {one.template: (one.state, one.reason) for one in messages(database, person)}


def sent(database, person) -> list[tuple[str, datetime | None]]:
    """What was sent, in the order in which it was."""
    told = [(m.template, m.sent_at) for m in messages(database, person) if m.state == "sent"]
    return sorted(told, key=lambda one: str(one[1]))


def test_a_day_is_told_the_evening_before_a_day_an_hour_and_ten_minutes_ahead(
    database, person, mail, pass_to
):
    hear(database, day(person.cohort_id), person.is_seated())
    pass_to(STARTS_AT)
    assert sent(database, person) == [
        ("seat_offered", utc("2026-11-24T15:00")),
        ("day_before", STARTS_AT - 24 * HOUR),
        ("tomorrow", utc("2026-11-30T23:00")),  # six in the evening in New York
        ("day_begins", STARTS_AT - HOUR),
        ("day_is_near", STARTS_AT - 10 * MINUTE),
    ]
    assert [one["text"].strip() for one in mail.accepted()][1:] == [
        "You have an appointment on Tuesday, December 1 at 9:00 AM.",
        "Tomorrow, Tuesday, December 1: 9:00 AM.",
        "You have an appointment at 9:00 AM.",
        "Your appointment begins at 9:00 AM.",
    ]


def test_a_cancelled_day_is_never_reminded_of(database, person, mail, pass_to):
    one = day(person.cohort_id)
    hear(database, one, person.is_seated())
    pass_to(STARTS_AT - 25 * HOUR)
    hear(database, cancellation(one))
    pass_to(STARTS_AT)
    assert [told for told, _ in sent(database, person)] == ["seat_offered"]
    assert {states_of(database, person)[one.code] for one in REMINDERS} == {
        ("skipped", "cancelled")
    }


def test_a_cancellation_that_withdraws_nothing_would_be_caught(
    database, person, pass_to, monkeypatch
):
    one = day(person.cohort_id)
    hear(database, one, person.is_seated())
    monkeypatch.setattr(seats, "withdraw", lambda *_, **__: None)
    hear(database, cancellation(one))
    pass_to(STARTS_AT)
    assert [told for told, _ in sent(database, person)] != ["seat_offered"]


def test_a_day_that_moved_is_reminded_of_at_its_new_hour_and_never_at_the_old_one(
    database, person, mail, pass_to
):
    one = day(person.cohort_id)
    later = day(person.cohort_id, STARTS_AT + 3 * HOUR, one.occurrence_id)
    hear(database, one, person.is_seated())
    pass_to(STARTS_AT - 25 * HOUR)
    hear(database, later)
    pass_to(later.starts_at)
    texts = [accepted["text"] for accepted in mail.accepted()][1:]
    assert len(texts) == len(REMINDERS)
    assert all("12:00 PM" in text and "9:00 AM" not in text for text in texts)


def test_telling_it_again_plans_and_sends_nothing_twice(database, person, mail, pass_to):
    one = day(person.cohort_id)
    hear(database, one, person.is_seated(), one, one)
    pass_to(STARTS_AT - 30 * MINUTE)
    hear(database, one)
    pass_to(STARTS_AT)
    assert len(mail.accepted()) == 1 + len(REMINDERS)


def test_without_the_unique_key_a_repetition_would_be_doubled(postgres_database, postgres_urls):
    owner = connect(postgres_urls.owner)
    with owner.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE messages DROP CONSTRAINT uq_messages_once")
    owner.dispose()
    person = Person()
    one = day(person.cohort_id)
    hear(postgres_database, one, person.is_seated(), one)
    planned = [told.template for told in messages(postgres_database, person)]
    assert planned.count("day_begins") == 2


@pytest.mark.parametrize(
    ("ahead", "goes"),
    [
        (61 * MINUTE, ["day_before"]),
        (60 * MINUTE, ["day_begins"]),
        (11 * MINUTE, ["day_begins"]),
        (10 * MINUTE, ["day_is_near"]),
        (MINUTE, ["day_is_near"]),
        (timedelta(), []),
    ],
)
def test_a_reminder_that_a_nearer_one_has_overtaken_is_dropped_and_says_so(
    database, clock, vault, person, post, ahead, goes
):
    begins = STARTS_AT + 4 * HOUR
    hear(database, day(person.cohort_id, begins), person.is_seated(begins))
    while send_due(database, vault, post):
        pass
    clock.advance_to(begins - ahead)
    while send_due(database, vault, post):
        pass
    assert [told for told, _ in sent(database, person)][1:] == goes
    late = [one for one in REMINDERS if one.code not in goes]
    gone = {states_of(database, person)[one.code] for one in late if one.lead > ahead}
    assert gone == {("skipped", "too_late")}


def test_reminders_that_were_never_too_late_would_be_caught(
    database, clock, vault, person, post, monkeypatch
):
    hear(database, day(person.cohort_id), person.is_seated())
    clock.advance_to(STARTS_AT - 10 * MINUTE)
    monkeypatch.setattr(rules, "is_too_late", lambda *_: False)
    while send_due(database, vault, post):
        pass
    assert len(sent(database, person)) > 2


def test_a_mail_server_that_is_down_for_the_night_makes_no_late_reminder(
    database, clock, person, mail, pass_to
):
    hear(database, day(person.cohort_id), person.is_seated())
    pass_to(STARTS_AT - 25 * HOUR)
    pass_to(STARTS_AT - MINUTE, by_mail(clock, "smtp://127.0.0.1:1"))
    pass_to(STARTS_AT + HOUR)
    assert len(mail.accepted()) == 1
    ended = {states_of(database, person)[one.code] for one in REMINDERS}
    assert ended <= {
        ("skipped", "too_late"), ("skipped", "quiet_hours"), ("failed", "unreachable"),
    }  # fmt: skip


def test_who_was_given_a_seat_within_the_day_is_not_told_the_same_again(
    database, clock, person, mail, pass_to
):
    clock.advance_to(STARTS_AT - 20 * HOUR)
    hear(database, day(person.cohort_id), person.is_seated())
    pass_to(STARTS_AT)
    assert states_of(database, person)["day_before"] == ("skipped", "already_told")
    assert [told for told, _ in sent(database, person)] == [
        "seat_offered", "tomorrow", "day_begins", "day_is_near",
    ]  # fmt: skip


def test_a_day_with_two_appointments_is_told_in_one_message(database, person, mail, pass_to):
    other = Person(cohort_id=uuid4())
    other.id, other.episode_id = person.id, person.episode_id
    hear(database, day(person.cohort_id), person.is_seated())
    hear(database, day(other.cohort_id, STARTS_AT + 5 * HOUR), other.is_seated())
    hear(database, day(other.cohort_id, STARTS_AT + 24 * HOUR))
    pass_to(STARTS_AT - HOUR)
    told = [one["text"].strip() for one in mail.accepted() if "Tomorrow" in one["text"]]
    assert told == ["Tomorrow, Tuesday, December 1: 9:00 AM, 2:00 PM."]


def test_an_early_day_wakes_nobody_before_ten_minutes_ahead(database, person, mail, pass_to):
    """Half past seven: an hour ahead is quiet, and by eight o'clock it would be too late."""
    starts_at = utc("2026-12-01T12:30")
    hear(database, day(person.cohort_id, starts_at), person.is_seated(starts_at))
    pass_to(starts_at)
    assert states_of(database, person)["day_begins"] == ("skipped", "quiet_hours")
    assert [told for told, _ in sent(database, person)] == [
        "seat_offered", "day_before", "tomorrow", "day_is_near",
    ]  # fmt: skip
    assert ("day_before", utc("2026-11-30T13:00")) in sent(database, person)  # eight o'clock


def test_who_has_quiet_evenings_hears_of_tomorrow_before_they_begin(
    database, person, mail, pass_to
):
    with database.work() as db:
        one = find_recipient(db, person.id)
        one.quiet_from, one.quiet_to = time(16), time(8)
    hear(database, day(person.cohort_id), person.is_seated())
    pass_to(STARTS_AT)
    assert ("tomorrow", utc("2026-11-30T20:59")) in sent(database, person)


@pytest.mark.parametrize(
    ("zone", "about_at", "evening", "midnight"),
    [
        # the spring night of New York lies between the evening and the day
        ("America/New_York", "2027-03-14T13:00", "2027-03-13T23:00", "2027-03-14T05:00"),
        ("America/New_York", "2027-03-15T13:00", "2027-03-14T22:00", "2027-03-15T04:00"),
        # the autumn night too
        ("America/New_York", "2026-11-01T14:00", "2026-10-31T22:00", "2026-11-01T04:00"),
        ("America/New_York", "2026-11-02T14:00", "2026-11-01T23:00", "2026-11-02T05:00"),
        ("America/Los_Angeles", "2027-03-14T16:00", "2027-03-14T02:00", "2027-03-14T08:00"),
        ("America/Phoenix", "2027-03-14T16:00", "2027-03-14T01:00", "2027-03-14T07:00"),
        ("Europe/London", "2026-10-25T09:00", "2026-10-24T17:00", "2026-10-24T23:00"),
        ("Australia/Lord_Howe", "2026-10-03T22:00", "2026-10-03T07:30", "2026-10-03T13:30"),
        ("America/Santiago", "2026-09-06T12:00", "2026-09-05T22:00", "2026-09-06T04:00"),
    ],
)  # Santiago: the day has no midnight, clocks jump from 24:00 to 01:00
def test_the_evening_before_is_the_recipients_also_when_clocks_change(
    zone, about_at, evening, midnight
):
    assert rules.evening_before(utc(about_at), zone, *QUIET) == utc(evening)
    assert rules.midnight_before(utc(about_at), zone) == utc(midnight)


def test_subtracting_hours_from_the_day_would_be_caught():
    about_at = utc("2027-03-14T13:00")
    assert (
        _by_subtracting(about_at)
        == rules.evening_before(about_at, "America/New_York", *QUIET) - HOUR
    )


def _by_subtracting(about_at: datetime) -> datetime:
    """Nine in the morning less fifteen hours, as if every night were alike."""
    return about_at - 15 * HOUR


@given(
    zone=st.sampled_from(ZONES),
    at=st.integers(0, 2 * 365 * 86_400).map(
        lambda s: utc("2026-01-01T00:00") + timedelta(seconds=s)
    ),
)
def test_the_message_for_tomorrow_is_looked_at_in_time_for_every_evening(zone, at):
    evening = rules.evening_before(at, zone, *QUIET)
    assert at - TOMORROW.lead <= evening < rules.midnight_before(at, zone) <= at


@pytest.mark.parametrize(
    ("template", "ends"),
    [
        (DAY_BEFORE, -HOUR), (DAY_BEGINS, -10 * MINUTE), (DAY_IS_NEAR, timedelta()),
        (MISSED_YOU, 30 * MINUTE),
    ],
)  # fmt: skip
def test_each_reminder_is_of_use_until_the_next_one_says_it_better(template, ends):
    assert template.useful_until(STARTS_AT, "America/New_York") == STARTS_AT + ends


MORNINGS = [
    ("America/New_York", "2027-03-15T10:30"),  # half past six, a day after the spring night
    ("America/New_York", "2027-11-08T11:30"),  # half past six, a day after the autumn night
    ("America/Los_Angeles", "2027-03-15T13:30"),
    ("America/Los_Angeles", "2027-11-08T14:30"),
    ("America/St_Johns", "2027-11-08T10:00"),
    ("America/Phoenix", "2027-03-15T13:30"),
]
"""Each person's reminder of the day before falls due early on the day when clocks changed."""


def sent_at_night(database, person) -> list[str]:
    """What went between nine in the evening and eight in the morning of the recipient's wall."""
    walls = [
        (template, at.astimezone(ZoneInfo(person.zone)).time())
        for template, at in sent(database, person)
        if at
    ]
    return [template for template, wall in walls if not time(8) <= wall < time(21)]


@pytest.mark.parametrize(("zone", "starts_at"), MORNINGS)
def test_no_reminder_but_the_last_goes_in_quiet_hours_of_a_night_when_clocks_change(
    database, vault, mail, pass_to, zone, starts_at
):
    assert reminded(database, vault, pass_to, zone, starts_at) == ["day_is_near"]


def test_quiet_hours_by_the_offset_of_the_evening_would_be_caught(
    database, vault, pass_to, monkeypatch
):
    monkeypatch.setattr(letters.rules, "quiet_until", _by_the_offset_of_the_evening)
    zone, starts_at = MORNINGS[1]
    assert reminded(database, vault, pass_to, zone, starts_at) == ["day_before", "day_is_near"]


def reminded(database, vault, pass_to, zone: str, starts_at: str) -> list[str]:
    person = Person(zone=zone)
    reachable(database, vault, person)
    hear(database, day(person.cohort_id, utc(starts_at)), person.is_seated(utc(starts_at)))
    pass_to(utc(starts_at))
    assert len(sent(database, person)) == 4
    return sent_at_night(database, person)


def _by_the_offset_of_the_evening(at, zone, quiet_from, quiet_to) -> datetime:
    """Local arithmetic that takes the night for as long as any other."""
    offset = (at - 12 * HOUR).astimezone(ZoneInfo(zone)).utcoffset()
    wall = at + offset
    if quiet_to <= wall.time() < quiet_from:
        return at
    ended = wall.replace(hour=8, minute=0)
    return ended - offset
