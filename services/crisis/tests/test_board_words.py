"""The words of the board, and the geometry of the picture of a case."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from crisis import rules
from crisis.board import drawing, words
from crisis.board.words import Moment
from crisis.case import SAFETY_PLANS, STATES
from services.crisis.tests.builders import START

ROOT = Path(__file__).parents[3]


def test_the_words_mean_what_the_glossary_says():
    glossary = (ROOT / "docs/glossary.md").read_text()
    assert words.GLOSSARY
    for word, means in words.GLOSSARY.items():
        if word == "tier":
            assert means in glossary
        else:
            assert f"| {word} | {means} |" in glossary


@pytest.mark.parametrize(
    ("seconds", "says"),
    [
        (0, "a few seconds"), (9.9, "a few seconds"), (59, "50 seconds"), (119, "110 seconds"),
        (120, "2 minutes"), (7199, "119 minutes"), (7200, "2 hours 0 minutes"),
        (86400, "24 hours 0 minutes"), (172800, "2 days"),
    ],
)  # fmt: skip
def test_a_duration_is_said_as_finely_as_it_matters(seconds, says):
    assert words.lasting(timedelta(seconds=seconds)) == says


def test_a_time_has_its_zone_and_another_day_its_date():
    moment = Moment(START, "America/New_York")
    assert moment.clock(START) == "10:00 EST"
    assert moment.clock(START + timedelta(hours=14)) == "Tue 24 Nov, 00:00 EST"
    assert Moment(START, None).clock(START) == "15:00 UTC"
    assert Moment(START, "Mars/Olympus").clock(START) == "15:00 UTC"


def test_every_code_that_people_choose_is_said_in_words():
    codes = (
        rules.TRIGGERS_BY_HAND, rules.DISPOSITIONS, rules.BASES, rules.TAKEN_BY,
        rules.LOWERED_BECAUSE, rules.FOLLOW_UPS, SAFETY_PLANS,
    )  # fmt: skip
    assert [c for some in codes for c in some if "_" in words.said(c)] == []
    assert set(words.STATES) == set(STATES.states)


def test_whatever_is_recorded_has_its_sentence():
    """What a timeline may hold, read from the code that records it."""
    folder = ROOT / "services/crisis/crisis"
    source = "".join(p.read_text() for p in folder.glob("*.py"))
    recorded = set(re.findall(r'record\(db, case, "(\w+)"', source))
    assert len(recorded) > 10
    assert recorded - set(words.TOLD) == set()


def test_a_fact_that_is_missing_or_a_new_kind_of_entry_breaks_no_page():
    moment = Moment(START, None)
    assert words.told("dispatched", {}, moment, {}) == "Emergency services were called: not told"
    assert words.told("panic_pressed", {}, moment, {}) == "Panic pressed"


def mark(who, minutes, kind="called"):
    return drawing.Mark(who, START + timedelta(minutes=minutes), kind, "1", "")


def test_a_picture_has_a_lane_for_each_and_places_what_happened_in_time():
    drawn = drawing.picture(
        [mark("b", 2), mark("a", 0), mark("a", 4)],
        begins_at=START, now=START + timedelta(minutes=5), due_at=START + timedelta(minutes=8),
    )  # fmt: skip
    assert [lane.who for lane in drawn.lanes] == ["a", "b"]
    assert [placed.x for placed in drawn.lanes[0].marks] == ["3.00%", "50.00%"]
    assert (drawn.now_x, drawn.due_x) == ("61.75%", "97.00%")


def test_a_picture_of_what_is_long_over_ends_with_its_last_mark():
    drawn = drawing.picture(
        [mark("a", 0), mark("a", 4, "has_it")],
        begins_at=START, now=START + timedelta(days=9), due_at=None,
    )  # fmt: skip
    assert [placed.x for placed in drawn.lanes[0].marks] == ["3.00%", "97.00%"]
    assert (drawn.now_x, drawn.due_x) == (None, None)


def test_a_single_instant_can_be_drawn():
    drawn = drawing.picture([mark("a", 0)], begins_at=START, now=START, due_at=START)
    assert drawn.now_x == "3.00%"
