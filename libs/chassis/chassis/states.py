"""State machines as data: one table `{(state, step): state}` beside the noun.

    EPISODE = States("episode", {("referred", "screen"): "screened", ...})

The CHECK constraint, the diagram in the docs and the all-pairs test derive from the table, and
only `advance` writes `.state`.
"""

from typing import Any, Protocol

from sqlalchemy import CheckConstraint

from chassis.refusals import Conflict


class HasState(Protocol):
    """A mapped row with a state."""

    state: Any


class States:
    """The states of one noun, the steps that lead from one to another, and nothing else."""

    def __init__(self, noun: str, table: dict[tuple[str, str], str]) -> None:
        self.noun = noun
        self.table = table
        self.initial = next(iter(table))[0]
        self.states = tuple(dict.fromkeys([s for s, _ in table] + list(table.values())))
        self.steps = tuple(dict.fromkeys(step for _, step in table))

    def advance(self, row: HasState, step: str) -> None:
        """Take a step. Raises Conflict `step_not_allowed` where the table has no such step."""
        try:
            row.state = self.table[row.state, step]
        except KeyError:
            raise Conflict("step_not_allowed", noun=self.noun, state=row.state, step=step) from None

    def check(self) -> CheckConstraint:
        """The CHECK constraint that keeps any other writer to the same states."""
        listed = ", ".join(f"'{state}'" for state in self.states)
        return CheckConstraint(f"state IN ({listed})", name=f"{self.noun}_state")

    def diagram(self) -> str:
        """A Mermaid state diagram."""
        lines = ["stateDiagram-v2", f"    [*] --> {self.initial}"]
        lines += [f"    {a} --> {b}: {step}" for (a, step), b in self.table.items()]
        return "\n".join(lines)
