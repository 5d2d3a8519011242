"""The ladder of a case as a model that SPIN searches through, with wrong ones that must fail."""

import re
import subprocess
from pathlib import Path

import pytest

from crisis.case import STATES

MODEL = Path(__file__).with_name("escalation.pml")

PROMISES = {
    "progress": (),
    "never_silent": (),
    "one_has_it": (),
    "no_stale_writer": ("SENDERS",),
}
"""Each with what it needs in the model besides case, sweepers and people."""

WRONG = {
    "NOFENCE": "no_stale_writer",
    "DUALWRITE": "progress",
    "NOREOPEN": "progress",
    "EMPTYROTA": "progress",
}


def transitions() -> str:
    """The state table in Promela: for each step whether it may be taken, and the step itself."""
    lines = [f"mtype:state = {{ {', '.join(STATES.states)} }}"]
    lines += [f"#define initial_state {STATES.initial}"]
    for step in STATES.steps:
        ways = [(before, after) for (before, s), after in STATES.table.items() if s == step]
        lines += [f"#define may_{step} ({' || '.join(f'state == {before}' for before, _ in ways)})"]
        choices = [f"    :: state == {before} -> state = {after}" for before, after in ways]
        lines += [f"inline go_{step}() {{", "    if", *choices, "    fi", "}"]
    return "\n".join(lines) + "\n"


def errors(directory: Path, promise: str, *wrong: str) -> int:
    """How many breaches SPIN finds, having searched all states where it finds none."""
    (directory / "transitions.pml").write_text(transitions())
    (directory / MODEL.name).write_text(MODEL.read_text())
    defined = [f"-D{one}" for one in (*PROMISES[promise], *wrong)]
    is_of_time = not PROMISES[promise]
    kind = ["-DNFAIR=3"] if is_of_time else ["-DSAFETY", "-DNOCLAIM"]
    how = ["-a", "-f", "-N", promise] if is_of_time else []
    run(directory, "spin", "-a", *defined, MODEL.name)
    run(directory, "gcc", "-O2", "-w", "-DCOLLAPSE", *kind, "-o", "pan", "pan.c")
    told = run(directory, "./pan", "-m1000000", *how)
    assert "max search depth too small" not in told
    found = re.search(r"errors: (\d+)", told)
    assert found, told
    return int(found[1])


def run(directory: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=directory, check=True, capture_output=True, text=True)
    return done.stdout


def test_every_step_of_the_table_is_in_the_model():
    text = MODEL.read_text()
    assert [step for step in STATES.steps if f"go_{step}()" not in text] == []


@pytest.mark.parametrize("promise", PROMISES)
def test_the_ladder_keeps_its_promises(tmp_path, promise):
    assert errors(tmp_path, promise) == 0


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_ladder_is_noticed(tmp_path, wrong):
    assert errors(tmp_path, WRONG[wrong], wrong) > 0
