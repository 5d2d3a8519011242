"""W1, W4, D1: relay, consumer, broker and database die at random instants under load, two relays
and two consumers at work; `./evenkeel verify failures` does the same for longer."""

import pytest

from evenkeel_ops.drills.repertoire import random_kills


@pytest.mark.parametrize("log_road", [False, True], ids=["broker alone", "both roads"])
def test_random_deaths_lose_double_and_disorder_nothing(drill_of, log_road):
    drill = drill_of(log_road=log_road)
    drill.start_all(relayers=2, receivers=2)
    victims = ["database", "relayer", "receiver", "broker"]
    drill.chance.shuffle(victims)
    outcome = random_kills(drill, victims[: 4 if log_road else 3], 4 if log_road else 3)
    assert outcome.is_clean, outcome
