"""What the tests of crisis are made of: a database, a clinic with people on call, risks."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from uuid import UUID

import eventlet
import sqlalchemy as sa

from catalogue.risk import RiskDetected
from catalogue.scheduling import ClinicianRegistered
from channels.carrier_url import email
from chassis import migrations
from chassis.announce import uuid7
from chassis.clock import SimulatedClock
from chassis.database import Database, Session
from chassis.details import Vault
from chassis.message import from_frames
from chassis.tables import event_log
from crisis import case as cases
from crisis import dispatch, follow_up, ladder, rota
from crisis.case import Case
from crisis.paging.page import Page
from crisis.record import reading
from crisis.record.proof import Chain
from crisis.record.signing import PublicKeys
from crisis.settings import Settings
from crisis.timeline import Entry
from evenkeel_ops.provision import Urls

START = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
"""A Monday, 10 in the morning in New York."""

KEY = bytes(range(32))


def seconds(n: float) -> timedelta:
    return timedelta(seconds=n)


def database_at(urls: Urls, clock: SimulatedClock) -> Database:
    return Database("crisis", http_url=urls.http, work_url=urls.work, clock=clock)


def sqlite_urls(directory: Path) -> Urls:
    """A migrated SQLite database: a copy, since migrating takes longer than a whole example."""
    file = directory / f"{uuid7()}.db"
    shutil.copy(_migrated(), file)
    return Urls.sqlite(file)


@cache
def _migrated() -> Path:
    file = Path(mkdtemp(prefix="crisis-")) / "migrated.db"
    migrations.upgrade("crisis", f"sqlite:///{file}")
    return file


def a_risk(clinic_id: UUID, tier: str = "T1", **given: Any) -> RiskDetected:
    facts = {"participant_id": uuid7(), "trigger": "cssrs_high", **given}
    return RiskDetected(clinic_id=clinic_id, risk_id=uuid7(), tier=tier, **facts)  # type: ignore[arg-type]


@dataclass
class Clinic:
    """A clinic in crisis' database, with a rota of one person a rung and two on the last."""

    database: Database
    clock: SimulatedClock
    id: UUID = field(default_factory=uuid7)
    rungs: list[list[UUID]] = field(default_factory=list)
    assessor: UUID | None = None

    @classmethod
    def with_rota(cls, database: Database, clock: SimulatedClock) -> "Clinic":
        clinic = cls(database, clock)
        first, second, *others = (clinic.hire() for _ in range(5))
        clinic.publish([[first], [second], [others[0]], others[1:]])
        return clinic

    def hire(self, *roles: str, person: UUID | None = None) -> UUID:
        registered = ClinicianRegistered(
            clinic_id=self.id,
            clinician_id=person or uuid7(),
            roles=roles or ("clinician",),
            states=("NY",),
            details_version=1,
            zone="America/New_York",
        )
        with self.database.work() as db:
            rota.register(db, registered)
        return registered.clinician_id

    def leaves(self, person: UUID) -> None:
        left = ClinicianRegistered(
            clinic_id=self.id,
            clinician_id=person,
            roles=(),
            states=(),
            details_version=2,
            zone="America/New_York",
        )
        with self.database.work() as db:
            rota.register(db, left)

    def publish(self, rungs: Sequence[Sequence[UUID]]) -> None:
        self.rungs = [list(people) for people in rungs]
        with self.database.work() as db:
            layers = rota.Rota.of_rungs(rungs).layers
            by = "crisis_lead:x"
            rota.publish(db, self.id, layers, can_reach=lambda _: True, by=by, at=db.now)

    def give_details(self, vault: Vault, person: UUID, *, version: int = 1, **details: str) -> None:
        with self.database.work() as db:
            vault.keep(
                db, person, clinic_id=self.id, owner="scheduling", version=version,
                content=details,
            )  # fmt: skip

    def raises(self, tier: str = "T1", *, noticed_at: datetime | None = None, **given: Any) -> UUID:
        with self.database.work() as db:
            risk = a_risk(self.id, tier, **given)
            at = noticed_at or db.now
            return ladder.take(db, risk, noticed_at=at, by="service:intake", at=db.now).case.id

    def acknowledges(self, case_id: UUID, person: UUID | None = None) -> None:
        person = person or uuid7()
        with self.database.work() as db:
            cases.acknowledge(db, case_id, person, by=f"clinician:{person}", at=db.now)

    def logs_contact(self, case_id: UUID) -> None:
        with self.database.work() as db:
            cases.log_contact(db, case_id, by="clinician:x", at=db.now)

    def licensed(self) -> UUID:
        """Somebody who may decide by licence of the state NY."""
        return self.assessor or self.rungs[0][0]

    def takes_over(self, case_id: UUID, person: UUID | None = None) -> None:
        person = person or uuid7()
        with self.database.work() as db:
            cases.take_over(db, case_id, person, by=f"clinician:{person}", at=db.now)

    def lowers(self, case_id: UUID, tier: str = "T3") -> None:
        how = {"tier": tier, "reason": "assessed_lower", "licence": "NY"}
        with self.database.work() as db:
            cases.lower_tier(db, case_id, self.licensed(), **how, by="clinician:x", at=db.now)

    def dispatches(self, case_id: UUID) -> None:
        with self.database.work() as db:
            dispatch.dispatch(db, case_id, basis="imminent_danger", by="clinician:x", at=db.now)

    def hands_over(self, case_id: UUID) -> None:
        with self.database.work() as db:
            dispatch.hand_over(db, case_id, to="ambulance", by="clinician:x", at=db.now)

    def concludes(self, case_id: UUID, **given: str) -> None:
        how = {
            "disposition": "stabilised", "safety_plan": "made", "licence": "NY",
            "follow_up": "standard", **given,
        }  # fmt: skip
        with self.database.work() as db:
            follow_up.conclude(db, case_id, self.licensed(), **how, by="clinician:x", at=db.now)

    def closes(self, case_id: UUID) -> None:
        self.concludes(case_id, disposition="raised_in_error", follow_up="none")

    def keeps_contact(self, case_id: UUID, due_at: datetime | None = None) -> None:
        """Keep the contact that was due then; without an instant, the next one."""
        with self.database.work() as db:
            due_at = due_at or db.get_one(Case, case_id).next_due_at or db.now
            follow_up.keep_contact(db, case_id, due_at=due_at, by="clinician:x", at=db.now)

    def later(self, n: float) -> None:
        self.clock.advance_to(self.clock.now() + seconds(n))

    @contextmanager
    def case(self, case_id: UUID) -> Iterator[tuple[Session, Case]]:
        with self.database.work() as db:
            yield db, db.get_one(Case, case_id)

    def told(self, case_id: UUID) -> list[str]:
        """What the timeline says happened, in order."""
        with self.database.work() as db:
            entries = sa.select(Entry.what).where(Entry.case_id == case_id)
            return list(db.scalars(entries.order_by(Entry.position)))

    def pages(self, case_id: UUID, **wanted: Any) -> list[Page]:
        with self.database.work() as db:
            found = sa.select(Page).where(Page.case_id == case_id).filter_by(**wanted)
            return list(db.scalars(found.order_by(Page.generation, Page.rung, Page.id)))


def chain_of(database: Database, clinic_id: UUID, keys: PublicKeys | None = None) -> Chain:
    """A clinic's chain, read to its end or its first fault."""
    return reading.check(database, clinic_id, keys or PublicKeys([]))


def announced(database: Database) -> list[str]:
    """The names of the events in the log, in order."""
    with database.look() as connection:
        rows = connection.execute(sa.select(event_log.c.frames).order_by(event_log.c.seq))
        return [from_frames(bytes(row.frames)).type.split(".")[2] for row in rows]


def settings_for(urls: Urls, smtp_url: str | None, **given: Any) -> Settings:
    """Settings of crisis around a database and mail servers; nothing else of them is used."""
    options: dict[str, Any] = {
        "environment": "test",
        "work_database_url": urls.work,
        "http_database_url": urls.http,
        "broker_url": "memory://localhost",
        "details_key": KEY,
        "service_key": Path("/dev/null"),
        "issuers": Path("/dev/null"),
        "smtp_url": email(smtp_url) if smtp_url else None,
        "sender": "crisis@evenkeel.example",
        "desk": "desk@evenkeel.example",
        "internal_port": 0,
        **given,
    }
    return Settings(**options)


def until(fact: Callable[[], bool], patience: float = 20.0) -> None:
    """Wait for a fact. Raises TimeoutError when it does not come true."""
    with eventlet.Timeout(patience, TimeoutError("it did not come true")):
        while not fact():
            eventlet.sleep(0.02)
