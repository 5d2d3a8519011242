"""Negative controls: wrong variants of our own code, which the shipped oracles must catch.

The log road is off, so that nothing is repaired. Each interleaving is forced, not awaited, and the
shipped code passes the same one: here, or, where the control dies at a crash point, in
`test_crash_points`. A control that is not caught fails its test.
"""

import signal
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chassis.clock import SimulatedClock
from crisis import rules, sweeper
from evenkeel_ops.drills.drill import stop_at
from evenkeel_ops.drills.ladders import LadderDrill
from tests.failures.controls import dual_write

CONTROLS = "tests.failures.controls"
NO_MORE_SECONDS = 1.0
MONDAY = datetime(2026, 11, 23, 15, tzinfo=UTC)


@pytest.fixture
def drill(drill_of):
    drill = drill_of(log_road=False)
    drill.subjects = drill.subjects[6:10]
    return drill


def caught(found, seed, expected, control):
    """Whether the named oracle does not pass what a control did. Says so for the report."""
    print(f"{control}: caught by {', '.join(found) or 'nobody'}, seed {seed}")
    return expected in found


def violations(drill):
    """What the oracles find once nothing more comes."""
    drill.stop("announcer")
    drill.until(lambda: not any(map(any, drill.nodes.rabbitmq.queues(drill.vhost).values())))
    before, since = None, time.monotonic()
    while time.monotonic() - since < NO_MORE_SECONDS:
        now = len(drill.seen()), len(drill.books.effects()), len(drill.books.set_aside())
        if now != before:
            before, since = now, time.monotonic()
        time.sleep(0.05)
    return drill.judge().violations


@pytest.mark.parametrize("relayer", ["skip_locked", "shipped"])
def test_two_workers_that_skip_locked_rows_are_caught_by_the_wire(drill, seed, relayer):
    use(drill, "relayer", relayer)
    for role in ("tap", "receiver", "announcer"):
        drill.start(role)
    drill.until(lambda: len(drill.books.ledger()) > 40)
    drill.start("relayer")
    drill.until(lambda: sum(drill.books.counters().values()) > 40)
    found = drill.verdict().violations if relayer == "shipped" else violations(drill)
    is_caught = caught(found, seed, "out_of_order_on_the_wire", relayer)
    assert is_caught if relayer != "shipped" else not found


@pytest.mark.parametrize("relayer", ["last_seen", "shipped"])
def test_a_relay_that_remembers_the_last_number_is_caught_by_what_is_lost(drill, seed, relayer):
    """A transaction draws its number early and commits late, others commit in between."""
    use(drill, "relayer", relayer)
    drill.start_all()
    drill.kill("announcer")
    theirs, drill.subjects = drill.subjects, drill.subjects[:1]
    late = stop_at(
        lambda *armed: drill.start("announcer", *armed), "announce.before_commit", 1,
        drill.nodes.directory,
    )  # fmt: skip
    drill.subjects = theirs[1:]
    drill.start("announcer")
    done = sum(drill.books.counters().values())
    drill.until(lambda: sum(drill.books.counters().values()) > done + 20)
    late.send(signal.SIGCONT)
    found = drill.verdict().violations if relayer == "shipped" else violations(drill)
    is_caught = caught(found, seed, "lost", relayer)
    assert is_caught if relayer != "shipped" else not found


def test_an_acknowledgement_before_the_commit_is_caught_by_what_is_lost(drill, seed):
    use(drill, "receiver", "acknowledged_first")
    drill.start_all()
    drill.crash("receive.before_commit", "receiver", told=False)
    drill.start("receiver")
    assert caught(violations(drill), seed, "lost", "acknowledged_first")


def test_a_dual_write_is_caught_by_what_is_lost(drill, seed):
    use(drill, "announcer", "dual_write")
    drill.start_all()
    drill.crash(dual_write.BETWEEN, "announcer", told=False, passes=3)
    drill.until(lambda: drill.books.unconfirmed() == 0)
    assert caught(violations(drill), seed, "lost", "dual_write")


def test_a_receiver_without_a_cursor_is_caught_by_what_is_doubled(drill, seed):
    use(drill, "receiver", "without_cursor")
    drill.start_all()
    drill.crash("relay.after_confirm", "relayer", told=False)
    drill.start("relayer")
    drill.until(lambda: drill.books.unconfirmed() == 0)
    assert caught(violations(drill), seed, "doubled", "without_cursor")


@pytest.mark.parametrize("engine", ["deadline_from_processing_time", "shipped"])
def test_a_deadline_from_processing_time_is_caught_by_the_grid(nodes, seed, monkeypatch, engine):
    """On crisis' own ladder and sweeper: rungs are looked at seven seconds late."""
    clock = SimulatedClock(MONDAY)
    if engine != "shipped":
        monkeypatch.setattr(rules, "steps_due", _from_processing_time(rules.steps_due))
    with LadderDrill(nodes, seed=seed, clock=clock) as drill:
        drill.open_cases(3, within=5)
        clock.advance_to(max(drill.expected.values()) + timedelta(seconds=7))
        for _ in range(3):
            sweeper.sweep(drill.database)
            clock.advance_to(clock.now() + rules.LADDERS["T1"].interval(1))
        found = {"off_the_grid": drill.off_the_grid()} if drill.off_the_grid() else {}
        assert caught(found, seed, "off_the_grid", engine) == (engine != "shipped")


def _from_processing_time(shipped):
    def steps_due(ladder, *, now, **given):
        return [
            replace(step, next_due_at=now + ladder.interval(step.rung))
            if isinstance(step, rules.Call)
            else step
            for step in shipped(ladder, now=now, **given)
        ]

    return steps_due


def use(drill, role, control):
    """Have a control play a role in a drill."""
    if control != "shipped":
        drill.modules[role] = f"{CONTROLS}.{control}"
