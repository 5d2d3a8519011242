"""A clinic whose people have e-mail and a phone, a house with every channel, and what arrived."""

from dataclasses import dataclass, field
from itertools import chain
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from channels.carrier_url import telephone
from chassis.details import Vault
from crisis.paging.notice import Notice
from crisis.paging.page import Page
from crisis.paging.sender import Sender
from evenkeel_ops.providers.running import Providers
from evenkeel_ops.provision import Urls
from services.crisis.tests.builders import KEY, Clinic, settings_for

ORIGIN = "http://127.0.0.1:9"
"""Nobody listens there: receipts are lost unless a test brings them."""


@dataclass
class Paged:
    """Text messages go by `phone_a`, calls by `phone_b`."""

    clinic: Clinic
    urls: Urls
    outside: Providers
    vault: Vault = field(default_factory=lambda: Vault(KEY))

    def __post_init__(self) -> None:
        for n, person in enumerate(chain(*self.clinic.rungs)):
            self.clinic.give_details(
                self.vault, person, email=f"{person}@staff.example", phone=self.number(n),
                name=f"Clinician {n}",
            )  # fmt: skip
        self.sender = self.a_sender()
        self.send()

    @staticmethod
    def number(n: int) -> str:
        return f"+1202555{1000 + n}"

    @property
    def first(self) -> UUID:
        """Whoever is on the first rung."""
        return self.clinic.rungs[0][0]

    def a_sender(self, **given: Any) -> Sender:
        options = {
            "origin": ORIGIN,
            "sms_url": telephone(self.outside.twilio_url("phone_a")),
            "voice_url": telephone(self.outside.twilio_url("phone_b")),
            **given,
        }
        smtp_url = options.pop("smtp_url", self.outside.smtp_url())
        settings = settings_for(self.urls, smtp_url, **options)
        return Sender(self.clinic.database, self.vault, settings)

    def send(self) -> None:
        """Send what can be sent now."""
        while self.sender.step():
            pass

    def later(self, n: float) -> None:
        """Some seconds go by, and what is due then is sent."""
        self.clinic.later(n)
        self.send()

    def arrived(self, **wanted: str) -> list[dict[str, Any]]:
        """What providers accepted, in order."""
        rows = self.outside.accepted()
        return [row for row in rows if all(row[name] == is_ for name, is_ in wanted.items())]

    def by(self) -> list[str]:
        """The channels by which something arrived, in order."""
        return [row["channel"] for row in self.arrived()]

    def page(self, case_id: UUID, channel: str, **wanted: Any) -> Page:
        (one,) = self.clinic.pages(case_id, channel=channel, **wanted)
        return one

    def code(self, case_id: UUID) -> str:
        with self.clinic.case(case_id) as (_, case):
            return case.code

    def notices(self, case_id: UUID) -> list[Notice]:
        with self.clinic.database.work() as db:
            found = sa.select(Notice).where(Notice.case_id == case_id).order_by(Notice.id)
            return list(db.scalars(found))
