"""The watchdog's judgement, and what it refuses to start with."""

import json
import sys

import pytest

from chassis.settings import WrongSettings
from crisis.watchdog.bells import Command, bells_of
from crisis.watchdog.settings import Settings
from crisis.watchdog.watch import DATABASE, DEADLINE, MEANS, SWEEPER, Alarm, Seen, Watch, wrong_in
from services.crisis.tests.builders import START, seconds

WELL = Seen(START, START + seconds(60), START)
NO_SWEEPER = Seen(START, None, START - seconds(6))


@pytest.mark.parametrize(
    ("oldest_due", "beat", "wrong"),
    [
        (None, 0, set()),
        (60, -1, set()),
        (-10, -5, set()),
        (-10.001, 0, {DEADLINE}),
        (60, -5.001, {SWEEPER}),
        (None, None, {SWEEPER}),
        (-11, -6, {DEADLINE, SWEEPER}),
    ],
)
def test_a_deadline_over_by_ten_seconds_and_a_sweeper_silent_for_five_are_wrong(
    oldest_due, beat, wrong
):
    at = [None if after is None else START + seconds(after) for after in (oldest_due, beat)]
    assert wrong_in(Seen(START, *at)) == wrong


class Lookout:
    """A watch that looks each second, from a moment on."""

    def __init__(self) -> None:
        self.watch = Watch(0.0)
        self.moment = 0

    def looks(self, times: int, seen: Seen | None) -> list[str]:
        """Look and judge; None: the database does not answer. Returns the alarms that are on."""
        for _ in range(times):
            self.moment += 1
            if seen is not None:
                self.watch.answered(seen, self.moment)
            self.watch.judge(self.moment, START + seconds(self.moment))
        return list(self.watch.on)


def test_an_alarm_is_the_same_until_it_is_over_and_another_one_afterwards():
    lookout = Lookout()
    assert lookout.looks(6, WELL) == []
    assert lookout.looks(1, NO_SWEEPER) == [SWEEPER]
    first = lookout.watch.on[SWEEPER]
    lookout.looks(20, NO_SWEEPER)
    assert lookout.watch.on[SWEEPER] == first == Alarm(SWEEPER, START + seconds(7))
    assert lookout.looks(1, WELL) == []
    lookout.looks(1, NO_SWEEPER)
    assert lookout.watch.on[SWEEPER] != first


def test_a_database_that_does_not_answer_is_an_alarm_whether_it_refuses_or_hangs():
    """Planted fault: a watchdog that is blind to a dead database, and goes on with what it saw."""
    lookout = Lookout()
    assert lookout.looks(6, WELL) == []
    assert lookout.looks(5, None) == []
    assert lookout.looks(1, None) == [DATABASE]
    assert lookout.looks(60, None) == [DATABASE]
    assert lookout.looks(1, WELL) == []


def test_one_that_never_answered_at_all_is_an_alarm_too():
    assert Lookout().looks(6, None) == [DATABASE]


def test_what_was_wrong_before_the_database_went_is_not_over_because_nobody_can_look():
    lookout = Lookout()
    lookout.looks(6, NO_SWEEPER)
    before = lookout.watch.on[SWEEPER]
    assert lookout.looks(6, None) == [DATABASE, SWEEPER]
    assert lookout.watch.on[SWEEPER] == before


def test_a_sweeper_has_five_seconds_to_catch_up_once_the_database_is_back():
    """Planted fault: two alarms where one thing was wrong."""
    lookout = Lookout()
    lookout.looks(6, WELL)
    lookout.looks(30, None)
    assert lookout.looks(5, NO_SWEEPER) == []
    assert lookout.looks(1, NO_SWEEPER) == [SWEEPER]


def settings(**given: str) -> Settings:
    names = {f"EVENKEEL_CRISIS_WATCHDOG_{name.upper()}": value for name, value in given.items()}
    found = {"EVENKEEL_WATCHDOG_DATABASE_URL": "postgresql://crisis_watch@db/crisis", **names}
    return Settings.read("crisis", found | {"EVENKEEL_SMTP_URL": "smtps://pages"})


def mistakes(**given: str) -> str:
    with pytest.raises(WrongSettings) as wrong:
        settings(**given)
    return str(wrong.value)


LETTERS = {"smtp_url": "smtps://other", "sender": "dog@e.example", "to": "duty@e.example"}


def test_a_watchdog_never_takes_the_way_that_pages_take():
    """Planted fault: a watchdog that falls back on the sender's mail server."""
    assert "it could tell nobody" in mistakes()
    assert [one.name for one in settings(**LETTERS).watchdog_smtp_url] == ["other"]


def test_what_is_missing_or_in_the_clear_is_said():
    said = mistakes(smtp_url="smtp://other")
    assert "EVENKEEL_WATCHDOG_SENDER is missing" in said
    assert "EVENKEEL_WATCHDOG_TO is missing" in said
    assert "production refuses: demand TLS" in said
    assert "names no command" in mistakes(command=" ")
    assert "SQLite" in mistakes(**LETTERS, database_url="sqlite:///crisis.db")


def test_a_command_is_given_the_alarm_and_its_status_says_whether_it_was_heard(tmp_path):
    heard = tmp_path / "heard"
    words = f"{sys.executable} -c 'import sys; open(sys.argv[1], \"w\").write(sys.stdin.read())'"
    (bell,) = bells_of(settings(command=f"{words} {heard}"))
    assert bell.ring(Alarm(SWEEPER, START))
    told = json.loads(heard.read_text())
    assert (told["alarm"], told["since"]) == (SWEEPER, "2026-11-23T15:00:00.000000Z")
    assert MEANS[SWEEPER] in told["text"]
    assert not Command(settings(command="false")).ring(Alarm(SWEEPER, START))
    assert not Command(settings(command="/nowhere/siren")).ring(Alarm(SWEEPER, START))
