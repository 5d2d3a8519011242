"""A program told to stop under load finishes what it has in hand, acknowledges it, and ends."""

from evenkeel_ops.drills.repertoire import sigterm


def test_told_to_stop_under_load_nothing_is_delivered_or_published_again(drill_of):
    drill = drill_of(log_road=False)
    drill.start_all()
    outcome = sigterm(drill, 4)
    assert outcome.is_clean, outcome
