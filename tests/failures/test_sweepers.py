"""W1, W4: sweepers die at their crash points and at random, three at once, while cases become due:
every rung is called once, at its own deadline, and everybody called gets one letter."""

import pytest

from evenkeel_ops.drills.ladders import LadderDrill, sweepers_die, sweepers_die_at
from evenkeel_ops.drills.repertoire import SWEEPER_POINTS


@pytest.fixture
def drill(nodes, seed):
    with LadderDrill(nodes, seed=seed) as drill:
        yield drill


def test_a_sweeper_that_dies_at_a_crash_point_loses_and_doubles_no_rung(drill):
    outcome = sweepers_die_at(drill, SWEEPER_POINTS)
    assert outcome.is_clean, outcome


def test_sweepers_that_die_at_random_lose_and_double_no_rung(drill):
    outcome = sweepers_die(drill, 4)
    assert outcome.is_clean, outcome
