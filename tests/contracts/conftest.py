"""The whole house, as the journeys have it, and one that a whole module asks."""

from collections.abc import Iterator

import pytest

from evenkeel_ops.house import House
from tests.journeys.conftest import house, mail

__all__ = ["house", "mail"]


@pytest.fixture(scope="module")
def asked_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Embedded; its letters reach nobody."""
    settings = {"EVENKEEL_SMTP_URL": "smtp://127.0.0.1:9", "EVENKEEL_SENDER": "a@b.example"}
    house = House.embedded(tmp_path_factory.mktemp("asked"), settings=settings)
    house.migrate()
    house.start()
    yield house
    house.stop()
