"""W1: whoever dies at any named point, once by itself and once killed from outside while it stands
there: nothing committed is lost, nothing happens twice, and every subject keeps its order.

The log road is switched off, so that nothing is repaired behind the broker's back.
"""

import re
from collections.abc import Iterator

import pytest

from evenkeel_ops.drills.drill import Drill
from evenkeel_ops.drills.repertoire import POINTS, SWEEPER_POINTS, crash_points
from evenkeel_ops.machine import ROOT


@pytest.fixture(scope="module")
def drill(nodes, seed) -> Iterator[Drill]:
    """One drill for all points: each dies on what the one before left behind."""
    with Drill(nodes, seed=seed, log_road=False) as drill:
        drill.start_all()
        yield drill


@pytest.mark.parametrize("point", POINTS)
def test_a_death_at_this_point_loses_doubles_and_disorders_nothing(drill, point):
    if not drill.programs["announcer"]:
        drill.start("announcer")
    outcome = crash_points(drill, [point])
    assert outcome.is_clean, outcome


def test_no_crash_point_is_left_out():
    named = {
        point
        for source in (*ROOT.glob("libs/chassis/chassis/*.py"), *ROOT.glob("services/*/*/*.py"))
        for point in re.findall(r'\breached\("([a-z_.]+)"', source.read_text())
    }
    assert named == {*POINTS, *SWEEPER_POINTS}
