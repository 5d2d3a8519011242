"""W2: a program that stands still in the middle of its work, for longer than anybody waits for it,
keeps nobody else from working, and does no harm when it goes on."""

import signal

import pytest

from evenkeel_ops.drills.drill import stop_at

SOON = 20.0
"""Seconds within which another program takes over."""


@pytest.fixture
def drill(drill_of):
    drill = drill_of()
    drill.start_all()
    return drill


@pytest.mark.parametrize(
    ("point", "role"),
    [
        ("relay.after_claim", "relayer"),
        ("relay.before_publish", "relayer"),
        ("receive.before_commit", "receiver"),
        ("announce.before_commit", "announcer"),
    ],
)
def test_who_stands_still_is_replaced_and_does_no_harm_afterwards(drill, point, role):
    drill.kill(role)
    still = stop_at(lambda *armed: drill.start(role, *armed), point, 2, drill.nodes.directory)
    drill.start(role)
    committed = {subject: n + 1 for subject, n in drill.committed().items()}
    drill.until(lambda: drill.has_changed(committed), SOON)
    drill.until(lambda: drill.has_arrived(committed), SOON)
    still.send(signal.SIGCONT)
    verdict = drill.verdict()
    assert verdict.is_clean, verdict.violations
