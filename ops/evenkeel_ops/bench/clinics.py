"""Clinics in a database of crisis' own, with people on call and open cases, for the benchmark."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from uuid import UUID

import sqlalchemy as sa

from catalogue.risk import RiskDetected
from catalogue.scheduling import ClinicianRegistered
from chassis import migrations
from chassis.announce import uuid7
from chassis.clock import SystemClock
from chassis.database import Database
from chassis.details import Vault
from crisis import ladder, rota
from crisis.rota.staff import is_reached
from evenkeel_ops.bench.stage import Stage
from evenkeel_ops.provision import Urls, hand_over

KEY = bytes(range(32))
PEOPLE = 6
CASES_A_TRANSACTION = 200


@dataclass
class Clinics:
    """Some clinics with a rota of four rungs each, and everybody's address."""

    urls: Urls
    database: Database
    ids: list[UUID] = field(default_factory=list)

    def open(self, clinic_id: UUID) -> None:
        people = [uuid7() for _ in range(PEOPLE)]
        vault = Vault(KEY)
        with self.database.work() as db:
            for person in people:
                rota.register(db, _clinician(clinic_id, person))
                vault.keep(
                    db, person, clinic_id=clinic_id, owner="scheduling", version=1,
                    content={"email": f"{person}@example.org", "phone": "+12025550123"},
                )  # fmt: skip
            db.flush()
            layers = rota.Rota.of_rungs([people[:1], people[1:2], people[2:4], people[4:]]).layers
            can_reach = partial(is_reached, db, vault)
            by = "crisis_lead:bench"
            rota.publish(db, clinic_id, layers, can_reach=can_reach, by=by, at=db.now)
        self.ids.append(clinic_id)

    def raise_cases(self, count: int, tier: str, noticed_at: datetime, seed: int) -> None:
        """Open cases of as many people, spread over the clinics by chance."""
        chance = random.Random(seed)
        for first in range(0, count, CASES_A_TRANSACTION):
            with self.database.work() as db:
                for _ in range(first, min(first + CASES_A_TRANSACTION, count)):
                    risk = a_risk(chance.choice(self.ids), tier)
                    ladder.take(db, risk, noticed_at=noticed_at, by="service:sessions", at=db.now)

    def tidy(self, scene: Stage) -> None:
        """As the server's own housekeeping leaves it after a while."""
        connection = scene.postgres.connect(str(sa.make_url(self.urls.work).database))
        connection.cursor().execute("VACUUM ANALYZE")
        connection.close()


@contextmanager
def clinics(scene: Stage, count: int) -> Iterator[Clinics]:
    """A migrated database of its own with so many clinics in it."""
    with scene.postgres.database("crisis") as url:
        urls = hand_over(scene.postgres, "crisis", str(sa.make_url(url).database))
        migrations.upgrade("crisis", urls.owner)
        database = Database(
            "crisis", http_url=urls.http, work_url=urls.work, clock=SystemClock(),
            heard=frozenset({"case"}),
        )  # fmt: skip
        made = Clinics(urls, database)
        for _ in range(count):
            made.open(uuid7())
        yield made
        database.close()


def a_risk(clinic_id: UUID, tier: str) -> RiskDetected:
    return RiskDetected(
        clinic_id=clinic_id, risk_id=uuid7(), participant_id=uuid7(), tier=tier,  # type: ignore[arg-type]
        trigger="cssrs_high",
    )  # fmt: skip


def _clinician(clinic_id: UUID, person: UUID) -> ClinicianRegistered:
    return ClinicianRegistered(
        clinic_id=clinic_id, clinician_id=person, roles=("clinician",), states=("NY",),
        details_version=1, zone="America/New_York",
    )  # fmt: skip
