"""A house that telephone companies post to, and people who write back."""

from collections.abc import Callable
from datetime import timedelta

import eventlet
import httpx
import pytest
import sqlalchemy as sa

from channels.callbacks import signed
from channels.carrier_url import telephone
from chassis.clock import SimulatedClock
from evenkeel_ops.machine import free_ports
from services.notifications.tests.builders import SENDER, STARTS_AT, Person, keep_details


class Desk:
    """A house with telephones: what it is told, and what it answers."""

    def __init__(self, house, outside) -> None:
        self.house, self.outside = house, outside
        (self.at,) = telephone(outside.twilio_url())
        self.runtime = house.runtime("notifications")

    def arrives(self, *agreed: str, **known) -> Person:
        """Somebody who agreed to these and whose number is known."""
        one = Person()
        for event in (one.consents(*agreed), one.is_admitted(), one.changes_details()):
            self.house.hear("notifications", event, source="intake")
        keep_details(self.runtime.database, self.runtime.vault, one, **known)
        self.house.settle()
        return one

    def writes(self, person: Person, text: str, sid: str = "SM1", **other) -> httpx.Response:
        return self.post("replies", {
            "MessageSid": sid, "From": person.number, "To": self.at.from_, "Body": text, **other,
        })  # fmt: skip

    def post(self, path: str, fields: dict[str, str], token: str | None = None) -> httpx.Response:
        url = f"{self.house.address}/notifications/{path}"
        fields = {"AccountSid": self.at.user, **fields}
        headers = {"X-Twilio-Signature": signed(url, fields, token or self.at.secret)}
        return httpx.post(url, data=fields, headers=headers)

    def until(self, holds: Callable[[], bool]) -> None:
        with eventlet.Timeout(20):
            while not holds():
                eventlet.sleep(0.02)

    def announced(self, kind) -> list:
        return [one for one in self.house.announced("notifications") if isinstance(one, kind)]

    def rows(self, cls) -> list:
        with self.runtime.database.work() as db:
            return list(db.scalars(sa.select(cls)))


@pytest.fixture
def desk(house_of, mail):
    (port,) = free_ports(1)
    settings = {
        "EVENKEEL_SMTP_URL": mail.smtp_url(), "EVENKEEL_SENDER": SENDER,
        "EVENKEEL_SMS_URL": mail.twilio_url(), "EVENKEEL_ORIGIN": f"http://127.0.0.1:{port}",
    }  # fmt: skip
    clock = SimulatedClock(STARTS_AT - timedelta(days=7) + timedelta(hours=1))
    return Desk(house_of("notifications", clock=clock, settings=settings, port=port), mail)
