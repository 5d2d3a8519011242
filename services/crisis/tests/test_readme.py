"""The README tells what the code does."""

from pathlib import Path

import crisis
from crisis import case
from crisis.paging import notice, page

README = (Path(__file__).parents[1] / "README.md").read_text()


def test_the_diagrams_are_those_of_the_state_tables():
    for states in (case.STATES, page.STATES, notice.STATES):
        assert f"```mermaid\n{states.diagram()}\n```" in README


def test_every_module_that_decides_something_is_listed():
    plumbing = {"__init__", "metrics", "schemas", "settings", "tables", "views"}
    modules = {path.stem for path in Path(crisis.__file__).parent.glob("*.py")} - plumbing
    assert {name for name in modules if f"`{name}.py`" not in README} == set()
