"""A drill of the ladder: sweepers die while cases become due, and every rung is called once.

Cases are raised so long ago that their next rungs are due within seconds. What is called stands in
the timeline, what is announced in the log, what reached people in the mail server's own file.
"""

import base64
import random
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from catalogue.risk import RiskDetected
from catalogue.scheduling import ClinicianRegistered
from chassis import migrations
from chassis.announce import uuid7
from chassis.clock import Clock, SystemClock
from chassis.database import Database
from chassis.details import Vault
from crisis import ladder, rota
from crisis.case import Case
from crisis.paging.page import Page
from crisis.rota.staff import is_reached
from crisis.rules import LADDERS
from crisis.sweeper import Sweeper
from crisis.timeline import Entry
from evenkeel_ops.drills import oracles
from evenkeel_ops.drills.drill import Nodes, Verdict, crash_by
from evenkeel_ops.drills.launcher import Program
from evenkeel_ops.drills.oracles import Called
from evenkeel_ops.drills.repertoire import Outcome, Told, silent
from evenkeel_ops.providers.running import providers
from evenkeel_ops.provision import hand_over

TIER = "T1"
INTERVAL = LADDERS[TIER].interval(1)
KEY = bytes(range(32))
LATE_SECONDS = 15.0
"""A rung is called within this after its deadline, with one fault at a time."""

QUIET_SECONDS = 30.0


class LadderDrill:
    """One clinic, its rota, its cases, and sweepers that send to a mail server of the drill's."""

    def __init__(
        self, nodes: Nodes, *, seed: int, clock: Clock | None = None, provider: bool = True
    ) -> None:
        self.nodes = nodes
        self.seed = seed
        self.chance = random.Random(seed)
        self.late_seconds = LATE_SECONDS
        self.sweepers: list[Program] = []
        self._going = ExitStack()
        self._started = 0
        self.clinic_id = uuid7()
        url = self._going.enter_context(nodes.postgres.database("crisis"))
        self.name = str(sa.make_url(url).database)
        self.urls = hand_over(nodes.postgres, "crisis", self.name)
        migrations.upgrade("crisis", self.urls.owner)
        self.database = Database(
            "crisis", http_url=self.urls.http, work_url=self.urls.work,
            clock=clock or SystemClock(), heard=frozenset({"case"}),
        )  # fmt: skip
        self._going.callback(self.database.close)
        self.expected: dict[str, datetime] = {}
        self._raised_at: dict[str, datetime] = {}
        self._staff()
        if provider:
            outside = providers(nodes.directory / self.name)
            self.provider = self._going.enter_context(outside)
            self.environment = self._environment()

    def __enter__(self) -> "LadderDrill":
        return self

    def __exit__(self, *_: Any) -> None:
        self.kill()
        self._going.close()

    def open_cases(self, count: int, within: float) -> None:
        """Open cases whose next rungs are due at instants within so many seconds."""
        for _ in range(count):
            with self.database.work() as db:
                ago = self.chance.randint(1, 4) * INTERVAL
                noticed_at = db.now - ago + timedelta(seconds=self.chance.uniform(0.3, within))
                taken = ladder.take(
                    db, self._risk(), noticed_at=noticed_at, by="service:sessions", at=db.now
                )
            case = taken.case
            assert case.next_due_at
            self._raised_at[str(case.id)] = noticed_at
            self.expected[str(case.id)] = case.next_due_at

    def start(self, crash_at: str = "", tell: str = "") -> Program:
        """Start one more sweeper, armed with a crash point if one is given."""
        self._started += 1
        armed = {"EVENKEEL_CRASH_AT": crash_at, "EVENKEEL_CRASH_TELL": tell}
        program = self.nodes.launchers["plain"].start(
            "evenkeel_ops.drills.sweeper",
            f"{self.name}-sweeper-{self._started}",
            self.environment | armed,
        )
        self.sweepers.append(program)
        return program

    def kill(self) -> None:
        """SIGKILL to every sweeper."""
        for program in self.sweepers:
            program.kill()
        self.sweepers.clear()

    def kill_one(self) -> None:
        """SIGKILL to one sweeper, by chance, and start another in its place."""
        victim = self.chance.choice(self.sweepers)
        victim.kill()
        self.sweepers.remove(victim)
        self.start()

    def until_swept(self) -> None:
        """Return when every sweeper has got through once. Raises TimeoutError."""
        deadline = time.monotonic() + QUIET_SECONDS
        while self._beating() < len(self.sweepers):
            if time.monotonic() > deadline:
                raise TimeoutError("a sweeper never got through")
            time.sleep(0.05)

    def verdict(self) -> Verdict:
        """Wait until what is due is called and sent, then judge."""
        deadline = time.monotonic() + QUIET_SECONDS
        while time.monotonic() < deadline and not self._is_quiet():
            time.sleep(0.05)
        return self.judge()

    def judge(self) -> Verdict:
        called = self.called()
        at_this_deadline = Counter((one.case, one.due_at) for one in called)
        rungs = Counter((one.case, one.generation, one.rung) for one in called)
        lost = [
            f"case {case}: nothing was called at {due:%H:%M:%S.%f}"
            for case, due in self.expected.items()
            if not at_this_deadline[case, due]
        ]
        doubled = [
            f"case {case}: rung {rung} was called {count} times"
            for (case, _, rung), count in rungs.items()
            if count > 1
        ]
        if (announced := self._announced()) != len(called):
            doubled.append(f"{len(called)} rungs were called, {announced} announced")
        unsent, repeated = self._letters()
        return Verdict(
            events=len(called),
            lost=lost + unsent,
            doubled=doubled + repeated,
            out_of_order=self.off_the_grid() + self._late(),
        )  # fmt: skip

    def called(self) -> list[Called]:
        """Every rung that was called, as the timeline tells."""
        return [
            Called(
                str(entry.case_id), entry.facts["generation"], entry.facts["rung"],
                datetime.fromisoformat(entry.facts["due_at"]),
            )
            for entry in self._entries()
        ]  # fmt: skip

    def off_the_grid(self) -> list[str]:
        """Deadlines that do not follow from the instant a case was raised."""
        return oracles.off_the_grid(self.called(), self._raised_at, INTERVAL)

    def _entries(self) -> list[Entry]:
        with self.database.work() as db:
            paged = sa.select(Entry).where(Entry.what == "rung_paged")
            return list(db.scalars(paged.order_by(Entry.case_id, Entry.position)))

    def _late(self) -> list[str]:
        """Deadlines of this drill that were met too late."""
        found = []
        for entry in self._entries():
            case, due = str(entry.case_id), datetime.fromisoformat(entry.facts["due_at"])
            late = (entry.at - due).total_seconds()
            if self.expected.get(case) == due and late > self.late_seconds:
                rung = entry.facts["rung"]
                found.append(f"case {case}: rung {rung} was called {late:.1f} s late")
        return found

    def _letters(self) -> tuple[list[str], list[str]]:
        """Pages that never reached the provider, and those that did twice without saying so."""
        times = Counter[UUID | None](
            UUID(letter["key"].partition("@")[0]) for letter in self.provider.accepted()
        )
        with self.database.work() as db:
            pages = list(db.scalars(sa.select(Page)))
        unsent = [
            f"page {one.id} was not sent"
            for one in pages
            if one.state != "cancelled" and not times[one.key]
        ]
        repeated = [
            f"page {one.id} was sent {times[one.key]} times"
            for one in pages
            if times[one.key] > 1 and not one.may_repeat
        ]
        return unsent, repeated  # fmt: skip

    def _beating(self) -> int:
        with self.database.work() as db:
            return db.query(Sweeper).count()

    def _announced(self) -> int:
        with self.database.look() as connection:
            return connection.exec_driver_sql(
                "SELECT count(*) FROM event_log WHERE type LIKE '%%.rung_paged.%%'"
            ).scalar_one()

    def _is_quiet(self) -> bool:
        with self.database.work() as db:
            overdue = sa.select(sa.func.count()).where(Case.next_due_at <= db.now)
            unsent = sa.select(sa.func.count()).where(Page.state.in_(("queued", "sending")))
            if db.scalar(overdue) or db.scalar(unsent):
                return False
            return db.now >= max(self.expected.values())

    def _risk(self) -> RiskDetected:
        return RiskDetected(
            clinic_id=self.clinic_id, risk_id=uuid7(), participant_id=uuid7(), tier=TIER,
            trigger="cssrs_high",
        )  # fmt: skip

    def _staff(self) -> None:
        """Six clinicians with an address each, on a rota of four rungs."""
        people = [uuid7() for _ in range(6)]
        vault = Vault(KEY)
        with self.database.work() as db:
            for n, person in enumerate(people):
                rota.register(db, self._clinician(person))
                vault.keep(
                    db, person, clinic_id=self.clinic_id, owner="scheduling", version=1,
                    content={"email": f"clinician{n}@example.org"},
                )  # fmt: skip
            db.flush()
            layers = rota.Rota.of_rungs([people[:1], people[1:2], people[2:4], people[4:]]).layers
            can_reach = partial(is_reached, db, vault)
            by = "crisis_lead:drill"
            rota.publish(db, self.clinic_id, layers, can_reach=can_reach, by=by, at=db.now)

    def _clinician(self, person: UUID) -> ClinicianRegistered:
        return ClinicianRegistered(
            clinic_id=self.clinic_id, clinician_id=person, roles=("clinician",), states=("NY",),
            details_version=1, zone="America/New_York",
        )  # fmt: skip

    def _environment(self) -> dict[str, str]:
        """The sweeper's settings."""
        key = self.nodes.directory / f"{self.name}.key"
        key.write_bytes(base64.b64encode(KEY))
        key.chmod(0o600)
        return {
            "EVENKEEL_WORK_DATABASE_URL": self.urls.work,
            "EVENKEEL_HTTP_DATABASE_URL": self.urls.http,
            "EVENKEEL_BROKER_URL": self.nodes.rabbitmq.url(),
            "EVENKEEL_DETAILS_KEY": str(key),
            "EVENKEEL_SERVICE_KEY": str(key),
            "EVENKEEL_ISSUERS": str(key),
            "EVENKEEL_SMTP_URL": self.provider.smtp_url(),
            "EVENKEEL_SENDER": "crisis@example.org",
            "EVENKEEL_DESK": "desk@example.org",
            "EVENKEEL_INTERNAL_PORT": "0",
        }


def sweepers_die_at(drill: LadderDrill, points: Iterable[str], told: Told = silent) -> Outcome:
    """Each point once by itself and once killed from outside, while cases become due."""
    kills = 0
    drill.open_cases(40, within=8)
    for point in points:
        told(point)
        for by_us in (False, True):
            drill.kill()
            crash_by(drill.start, point, 1, drill.nodes.directory if by_us else None)
            drill.sweepers.clear()
            kills += 1
    drill.start()
    return Outcome(kills, drill.verdict())


def sweepers_die(
    drill: LadderDrill, kills: int, told: Told = silent, cases_a_kill: int = 6
) -> Outcome:
    """Three sweepers at once, one of which dies at each of many random instants."""
    for _ in range(3):
        drill.start()
    for _ in range(kills):
        told("sweeper")
        drill.open_cases(cases_a_kill, within=2.5)
        time.sleep(drill.chance.uniform(0.2, 1.5))  # the random instant
        drill.kill_one()
    return Outcome(kills, drill.verdict())
