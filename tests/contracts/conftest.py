"""The whole house, as the journeys have it, and one that a whole module asks."""

from collections.abc import Iterator

import pytest

from chassis.clock import SimulatedClock
from evenkeel_ops.house import House
from tests.journeys.conftest import house, mail
from tests.journeys.person import DAWN

__all__ = ["house", "mail"]


@pytest.fixture(scope="module")
def asked_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Embedded, at six in the morning of the first programme day; its letters reach nobody."""
    settings = {"EVENKEEL_SMTP_URL": "smtp://127.0.0.1:9", "EVENKEEL_SENDER": "a@b.example"}
    directory, clock = tmp_path_factory.mktemp("asked"), SimulatedClock(DAWN)
    house = House.embedded(directory, clock=clock, settings=settings)
    house.migrate()
    house.start()
    yield house
    house.stop()
