"""With the broker switched off what is urgent goes on by the log, and nothing doubles after."""

from evenkeel_ops.drills.repertoire import broker_off


def test_urgent_events_are_handled_within_three_seconds_without_a_broker(drill_of):
    drill = drill_of()
    drill.start_all()
    outcome = broker_off(drill, seconds=4)
    assert outcome.is_clean, outcome
