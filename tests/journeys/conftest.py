"""A whole house with a real mail server, on both pairs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chassis.clock import SimulatedClock
from evenkeel_ops.house import House
from evenkeel_ops.provision import SERVICES
from evenkeel_ops.smtp_server import SmtpServer, smtp_server
from tests.journeys.person import DAWN


@pytest.fixture
def mail(tmp_path: Path) -> Iterator[SmtpServer]:
    with smtp_server(tmp_path / "mail") as server:
        yield server


@pytest.fixture
def house(house_of: Any, mail: SmtpServer) -> House:
    """All five services at six in the morning of the first programme day."""
    settings = {"EVENKEEL_SMTP_URL": mail.url, "EVENKEEL_SENDER": "desk@evenkeel.example"}
    return house_of(*SERVICES, clock=SimulatedClock(DAWN), settings=settings)
