"""The state diagrams of the README are those of the code."""

from pathlib import Path

import pytest

from chassis.states import States
from sessions.attendance import ATTENDANCE
from sessions.homework import HOMEWORK
from sessions.session import SESSION

README = Path(__file__).parents[1] / "README.md"


@pytest.mark.parametrize("states", [SESSION, ATTENDANCE, HOMEWORK], ids=lambda s: s.noun)
def test_the_readme_draws_the_states_of_the_code(states: States):
    assert f"```mermaid\n{states.diagram()}\n```" in README.read_text()
