"""The engine of crisis driven by chance for hours: the machine of its tests, longer."""

import os
import re
import subprocess
import sys
from functools import partial

from evenkeel_ops import machine
from evenkeel_ops.drills.drill import Nodes, Verdict
from evenkeel_ops.drills.repertoire import Outcome, Told

TESTS = "services/crisis/tests/test_engine.py"
EXAMPLES = {"sqlite": 20_000, "postgresql": 2_000}
STEPS = 200
_TOLD = re.compile(r"(\d+) examples")


def drive(_nodes: Nodes, _seed: int, told: Told, *, on: str) -> Outcome:
    """Drive it on one kind of database. Its events are examples."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "pytest", "-q", "-s", TESTS, "-k", f"on_{on}"],
        cwd=machine.ROOT,
        env={
            **os.environ,
            "EVENKEEL_ENGINE_EXAMPLES": str(EXAMPLES[on]),
            "EVENKEEL_ENGINE_STEPS": str(STEPS),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout
    said, done = [], 0
    for line in process.stdout:
        said.append(line)
        if found := _TOLD.search(line):
            done = int(found[1])
            told(f"of {EXAMPLES[on]} examples: {done}")
    holds = process.wait() == 0 and "1 passed" in "".join(said[-3:])
    return Outcome(0, Verdict(done), faults=[] if holds else ["".join(said[-100:])])


LONG = {f"engine, {on}": partial(drive, on=on) for on in EXAMPLES}
