"""Private nodes that force everything to the disk, and are killed: not those of the other tests."""

import os
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from evenkeel_ops.drills.drill import Drill, Nodes


@pytest.fixture(scope="package")
def nodes() -> Iterator[Nodes]:
    with Nodes() as nodes:
        yield nodes


@pytest.fixture(scope="module")
def seed() -> int:
    """Another one in each run; EVENKEEL_DRILL_SEED repeats one. Printed where a test fails."""
    seed = int(os.environ.get("EVENKEEL_DRILL_SEED") or random.SystemRandom().getrandbits(24))
    print(f"EVENKEEL_DRILL_SEED={seed}")
    return seed


@pytest.fixture
def drill_of(nodes: Nodes, seed: int) -> Iterator[Callable[..., Drill]]:
    """`drill_of(log_road=False)` is a drill of its own, ended with the test."""
    with ExitStack() as going:
        yield lambda **options: going.enter_context(_drill(nodes, seed, options))


def _drill(nodes: Nodes, seed: int, options: dict[str, Any]) -> Drill:
    return Drill(nodes, seed=seed, **options)
