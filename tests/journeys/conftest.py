"""A whole house with a real mail server, on both pairs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chassis.clock import SimulatedClock
from evenkeel_ops.house import House
from evenkeel_ops.providers.running import Providers, providers
from evenkeel_ops.provision import SERVICES
from tests.journeys.person import DAWN


@pytest.fixture
def mail(tmp_path: Path) -> Iterator[Providers]:
    with providers(tmp_path / "mail") as server:
        yield server


@pytest.fixture
def house(house_of: Any, mail: Providers) -> House:
    """All five services at six in the morning of the first programme day."""
    settings = {
        "EVENKEEL_SMTP_URL": mail.smtp_url(),
        "EVENKEEL_SENDER": "desk@evenkeel.example",
        "EVENKEEL_ORIGIN": "https://evenkeel.example",
    }
    return house_of(*SERVICES, clock=SimulatedClock(DAWN), settings=settings)
