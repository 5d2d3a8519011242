"""The engine, driven by chance: raises, waits, people, and crashes in the middle of anything.

After each step the database is compared with what `expected.py` reckons by itself, and the
invariants of the ladder are checked on the rows. Each of the faulty engines below must be caught
by the same machine. `./evenkeel verify failures --long` drives it much longer, by
EVENKEEL_ENGINE_EXAMPLES and EVENKEEL_ENGINE_STEPS.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any
from uuid import UUID, uuid5

import hypothesis.strategies as st
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from chassis.clock import SimulatedClock
from chassis.database import Session
from chassis.refusals import Conflict
from crisis import case as cases
from crisis import follow_up, ladder, rota, rules, sweeper
from crisis.case import Case
from crisis.paging import page
from crisis.paging.page import Page
from crisis.rota import staff
from crisis.rota.gaps import LEAST_ON_LAST_RUNG
from crisis.rules import Call
from crisis.timeline import Entry
from services.crisis.tests.builders import START, Clinic, a_risk, chain_of
from services.crisis.tests.emptied import Emptied, EmptiedPostgres, emptied_sqlite
from services.crisis.tests.expected import (
    ACKNOWLEDGED,
    CLOSED,
    DISPATCHED,
    ENGAGED,
    FOLLOW_UP,
    HANDED_OFF,
    HELD,
    PAGING,
    Expected,
)

EXAMPLES = int(os.environ.get("EVENKEEL_ENGINE_EXAMPLES", "300"))
STEPS = int(os.environ.get("EVENKEEL_ENGINE_STEPS", "50"))
IS_LONG = "EVENKEEL_ENGINE_EXAMPLES" in os.environ
"""Then every run is another; in the tests each is the same."""

EXAMPLE, TOLD_EVERY = "example", 50
LEAST_RUNS = 200
"""How often each rule must have been carried out, whatever the chance."""

TICKS = st.sampled_from([1, 59, 60, 299, 300, 3600])
SPRING, AUTUMN = (datetime(2026, *at, tzinfo=UTC) for at in ((3, 8, 5, 30), (11, 1, 4, 30)))
"""Half an hour after midnight in New York, on the days that have 23 and 25 hours there."""

PARTICIPANTS = [UUID(int=n) for n in (1, 2)]
CLINIC = UUID(int=7)
CALLED = (Page.rung, Page.generation, Page.clinician_id)
STAFF = [uuid5(CLINIC, str(n)) for n in range(5)]
LEAST_STAFF = 3

pick = st.integers(0, 1)
crash_points = st.tuples(st.just("statement"), st.integers(0, 25)) | st.tuples(
    st.just("commit"), st.integers(0, 3)
)


class Crash(BaseException):
    """The process is gone; nothing of ours may catch this."""


class Engine:
    """The engine as shipped. The faulty ones override a part of it."""

    @contextmanager
    def in_force(self) -> Iterator[None]:
        yield

    def sweep(self, database) -> None:
        sweeper.sweep(database)

    def acknowledge(self, db: Session, case_id: UUID, person: UUID) -> None:
        cases.acknowledge(db, case_id, person, by=f"clinician:{person}", at=db.now)


RULES: list[str] = []


def counted(act: Callable[..., None]) -> Callable[..., None]:
    """A rule that says how often it was carried out."""
    RULES.append(act.__name__)

    @wraps(act)
    def counting(self: "Machine", *args: Any, **given: Any) -> None:
        self.runs[act.__name__] += 1
        act(self, *args, **given)

    return counting


class Machine(RuleBasedStateMachine):
    """One clinic, two participants, anything that may happen to them."""

    def __init__(self, engine: Engine, emptied: Emptied, runs: Counter[str]) -> None:
        super().__init__()
        self.engine = engine
        self.runs = runs
        runs[EXAMPLE] += 1
        if runs[EXAMPLE] % TOLD_EVERY == 0:
            print(f"{runs[EXAMPLE]} examples", flush=True)
        self.clock = SimulatedClock(SPRING)
        self.going = ExitStack()
        self.database = self.going.enter_context(emptied(self.clock))
        self.clinic = Clinic(self.database, self.clock, CLINIC)
        self.staff: set[UUID] = set()
        self.rota: list[list[UUID]] = []
        self.expected: dict[UUID, Expected] = {}
        self.versions: dict[UUID, int] = {}
        self.swept = True
        self.crash_at: tuple[str, int] | None = None
        sa.event.listen(self.database.work_engine, "before_cursor_execute", self._at_statement)
        sa.event.listen(Session, "before_commit", self._at_commit)

    def teardown(self) -> None:
        sa.event.remove(Session, "before_commit", self._at_commit)
        sa.event.remove(self.database.work_engine, "before_cursor_execute", self._at_statement)
        self.going.close()

    @initialize(
        start=st.sampled_from([SPRING, AUTUMN, START]),
        tiers=st.lists(st.sampled_from(rules.TIERS), min_size=2, max_size=2),
    )
    def open_the_clinic(self, start: datetime, tiers: list[str]) -> None:
        self.clock.advance_to(start)
        self.clinic.assessor = self.clinic.hire(person=uuid5(CLINIC, "assessor"))
        self.staff = {self.clinic.hire(person=one) for one in STAFF}
        self._publish(STAFF)
        for who, tier in enumerate(tiers):
            self.raise_risk(who, tier, 0)

    @rule(who=pick, tier=st.sampled_from(rules.TIERS), lag=st.sampled_from([0, 0, 130]))
    @counted
    def take_risk(self, who: int, tier: str, lag: int) -> None:
        self.raise_risk(who, tier, lag)

    def raise_risk(self, who: int, tier: str, lag: int) -> None:
        noticed_at = self.clock.now() - timedelta(seconds=lag)
        risk = a_risk(CLINIC, tier, participant_id=PARTICIPANTS[who])
        with self.engine.in_force(), self.database.work() as db:
            taken = ladder.take(db, risk, noticed_at=noticed_at, by="service:intake", at=db.now)
        if taken.outcome == "opened":
            self.expected[taken.case.id] = Expected(self.rota)
            self.expected[taken.case.id].begin(tier, noticed_at)
            self.expected[taken.case.id].catch_up(self.clock.now())
        elif rules.is_higher(tier, self.expected[taken.case.id].tier):
            self.expected[taken.case.id].rise(tier, noticed_at, self.clock.now())
            self.swept = False

    @rule(n=TICKS)
    @counted
    def wait(self, n: int) -> None:
        """Time goes by without a sweeper."""
        self.clinic.later(n)
        self.swept = False

    @rule(who=pick, n=st.sampled_from([1, 30]))
    @counted
    def wait_until_just_before_the_deadline(self, who: int, n: int) -> None:
        if found := self._open_case(who):
            self.clock.advance_to(found[1].due_at - timedelta(seconds=n))
            self.swept = False

    @rule(who=pick, tier=st.sampled_from(rules.TIERS))
    @counted
    def take_risk_just_before_the_deadline(self, who: int, tier: str) -> None:
        self.wait_until_just_before_the_deadline(who, 30)
        self.raise_risk(who, tier, 0)

    @rule()
    @counted
    def sweep(self) -> None:
        with self.engine.in_force():
            self.engine.sweep(self.database)
        self._all_caught_up()

    @rule()
    @counted
    def be_woken_twice(self) -> None:
        self.sweep()
        before = self._versions()
        self.sweep()
        assert self._versions() == before

    @rule(n=st.sampled_from([-300, -60, 60, 300]))
    @counted
    def sweep_by_a_clock_that_is_off(self, n: int) -> None:
        """Nothing is called before its deadline by that clock, nor called again by the other."""
        off = SimulatedClock(self.clock.now() + timedelta(seconds=n))
        self.database.clock = off
        try:
            with self.engine.in_force():
                self.engine.sweep(self.database)
        finally:
            self.database.clock = self.clock
        for expected in self.expected.values():
            expected.catch_up(off.now())
        self.swept = self.swept or n > 0

    @rule(order=st.permutations(STAFF))
    @counted
    def edit_the_rota(self, order: list[UUID]) -> None:
        """People are looked up at each rung: an edition counts from the next one on."""
        self._publish([one for one in order if one in self.staff])

    @rule(who=st.sampled_from(STAFF))
    @counted
    def leave_or_come_back(self, who: UUID) -> None:
        """Whoever has left is not called; an empty rung is passed over at once."""
        if who not in self.staff:
            self.clinic.hire(person=who)
            self.staff.add(who)
        elif len(self.staff) > LEAST_STAFF:
            self.clinic.leaves(who)
            self.staff.remove(who)
        self._look_up()

    def _publish(self, people: Sequence[UUID]) -> None:
        first = min(3, len(people) - LEAST_ON_LAST_RUNG)
        self.clinic.publish([*([one] for one in people[:first]), people[first:]])
        self._look_up()

    def _look_up(self) -> None:
        self.rota[:] = [[one for one in rung if one in self.staff] for rung in self.clinic.rungs]

    @rule(n=TICKS)
    @counted
    def tick(self, n: int) -> None:
        self.wait(n)
        self.sweep()

    @rule(who=pick, n=st.sampled_from([0, 1, 300]), point=crash_points)
    @counted
    def crash_while_sweeping(self, who: int, n: int, point: tuple[str, int]) -> None:
        self.wait_until_just_before_the_deadline(who, 0)
        self.wait(n)
        before = self._versions()
        if not self._crashes(point, lambda: self.engine.sweep(self.database)):
            self._all_caught_up()
        elif self._versions() != before:
            self._all_caught_up()
            self.swept = False

    @rule(who=pick, point=crash_points)
    @counted
    def crash_while_acknowledging(self, who: int, point: tuple[str, int]) -> None:
        found = self._open_case(who)
        if found and found[1].state == PAGING:
            case_id, expected = found
            person = uuid5(case_id, "x")
            if not self._crashes(point, lambda: self._acknowledge(case_id, person)):
                expected.acknowledge(person, self.clock.now())

    @rule(who=pick, person=st.uuids())
    @counted
    def acknowledge(self, who: int, person: UUID) -> None:
        if found := self._open_case(who):
            case_id, expected = found
            if expected.state == PAGING:
                self._acknowledge(case_id, person)
                expected.acknowledge(person, self.clock.now())
            else:
                facts = refusal_of(lambda: self._acknowledge(case_id, person))
                assert facts["acknowledged_by"] == str(expected.owner)  # C3

    @rule(who=pick, first=st.uuids(), second=st.uuids())
    @counted
    def acknowledge_at_once(self, who: int, first: UUID, second: UUID) -> None:
        """Two click at the same moment: the first has it, the second is told who."""
        self.acknowledge(who, first)
        self.acknowledge(who, second)

    @rule(who=pick)
    @counted
    def log_contact(self, who: int) -> None:
        def logged(case_id: UUID, expected: Expected) -> None:
            self.clinic.logs_contact(case_id)
            expected.log_contact(self.clock.now())

        self._if_in((ACKNOWLEDGED,), who, logged)

    @rule(who=pick, person=st.uuids())
    @counted
    def take_over(self, who: int, person: UUID) -> None:
        def taken(case_id: UUID, expected: Expected) -> None:
            self.clinic.takes_over(case_id, person)
            expected.owner = person

        self._if_in(HELD, who, taken)

    @rule(who=pick, tier=st.sampled_from(rules.TIERS))
    @counted
    def lower_tier(self, who: int, tier: str) -> None:
        def lowered(case_id: UUID, expected: Expected) -> None:
            self.clinic.lowers(case_id, tier)
            expected.lower(tier, self.clock.now())

        found = self._open_case(who)
        is_lower = found is not None and rules.is_higher(found[1].tier, tier)
        self._if_in(HELD[:-1] if is_lower else (), who, lowered)

    @rule(who=pick)
    @counted
    def dispatch(self, who: int) -> None:
        def sent(case_id: UUID, expected: Expected) -> None:
            self.clinic.dispatches(case_id)
            expected.state = DISPATCHED

        self._if_in((ENGAGED,), who, sent)

    @rule(who=pick)
    @counted
    def hand_over(self, who: int) -> None:
        def handed(case_id: UUID, expected: Expected) -> None:
            self.clinic.hands_over(case_id)
            expected.state = HANDED_OFF

        self._if_in((DISPATCHED,), who, handed)

    @rule(who=pick)
    @counted
    def conclude(self, who: int) -> None:
        def concluded(case_id: UUID, expected: Expected) -> None:
            self.clinic.concludes(case_id)
            expected.conclude(self.clinic.licensed(), self.clock.now())

        self._if_in((ENGAGED, HANDED_OFF), who, concluded)  # C5

    @rule(who=pick, tier=st.sampled_from(rules.TIERS))
    @counted
    def deal_with_it(self, who: int, tier: str) -> None:
        """The common way of a case, which chance alone takes too seldom."""
        self.acknowledge(who, PARTICIPANTS[who])
        self.lower_tier(who, tier)
        self.log_contact(who)
        self.conclude(who)

    @rule(who=pick, closes=st.booleans())
    @counted
    def call_an_ambulance(self, who: int, closes: bool) -> None:
        """The rare way of a case."""
        self.acknowledge(who, PARTICIPANTS[who])
        self.log_contact(who)
        self.dispatch(who)
        self.hand_over(who)
        if closes:
            self.close(who)

    @rule(who=pick)
    @counted
    def forget_it(self, who: int) -> None:
        """Nobody does what is due, whoever has the case."""
        self.wait_until_just_before_the_deadline(who, 0)
        self.sweep()

    @rule(who=pick)
    @counted
    def keep_contact(self, who: int) -> None:
        def kept(case_id: UUID, expected: Expected) -> None:
            due_at = expected.due_at
            self.clinic.keeps_contact(case_id, due_at)
            expected.keep_contact()
            refusal_of(lambda: self.clinic.keeps_contact(case_id, due_at))  # a double click

        self._if_in((FOLLOW_UP,), who, kept)

    @rule(who=pick)
    @counted
    def close(self, who: int) -> None:
        def closed(case_id: UUID, expected: Expected) -> None:
            self.clinic.closes(case_id)
            expected.close()

        self._if_in((ENGAGED, HANDED_OFF), who, closed)  # C5

    def _if_in(
        self, states: Sequence[str], who: int, act: Callable[[UUID, Expected], None]
    ) -> None:
        """Do something to a participant's open case; in any other state it must be refused."""
        if found := self._open_case(who):
            case_id, expected = found
            if expected.state in states:
                with self.engine.in_force():
                    act(case_id, expected)
            else:
                refusal_of(lambda: act(case_id, expected))

    @rule(accepted=st.booleans())
    @counted
    def send(self, accepted: bool) -> None:
        """The provider takes what there is, or is down."""
        with self.database.work() as db:
            for one in page.claim(db, limit=20, at=db.now):
                assert one.case.state == PAGING
                if accepted:
                    one.deliver(at=db.now)
                else:
                    one.fail(at=db.now)

    @invariant()
    def every_case_is_as_expected(self) -> None:
        assert chain_of(self.database, CLINIC).fault is None
        with self.database.work() as db:
            found = {case.id: case for case in db.scalars(sa.select(Case))}
            pages, entries = defaultdict(list), defaultdict(list)
            for one in db.execute(sa.select(Page.case_id, *CALLED, Page.state)):
                pages[one.case_id].append(one)
            for entry in db.scalars(sa.select(Entry).order_by(Entry.case_id, Entry.position)):
                entries[entry.case_id].append(entry)
        assert found.keys() == self.expected.keys()
        for case_id, expected in self.expected.items():
            self._check_case(found[case_id], expected)
            self._check_pages(pages[case_id], found[case_id], expected)
            self._check_timeline(entries[case_id], found[case_id], expected)

    def _check_case(self, case: Case, expected: Expected) -> None:
        assert (case.state, case.tier) == (expected.state, expected.tier)
        assert (case.rung, case.generation) == (expected.rung, expected.generation)
        assert case.next_due_at == expected.due_at  # C2, C4, C11
        assert case.acknowledged_by == expected.owner  # C3
        assert (case.state == CLOSED) == (case.next_due_at is None)  # C6
        if self.swept and case.next_due_at:
            assert case.next_due_at > self.clock.now()  # C1
        if case.state == CLOSED:
            assert case.disposition  # C5
            assert case.safety_plan
            assert case.closed_by

    def _check_pages(self, found: Sequence[Any], case: Case, expected: Expected) -> None:
        called = [(one.rung, one.generation, one.clinician_id) for one in found]
        assert len(called) == len(set(called))
        assert set(called) == expected.pages  # C1, and each once
        if case.state != PAGING:
            assert not [one for one in found if one.state == "queued"]

    def _check_timeline(self, entries: Sequence[Entry], case: Case, expected: Expected) -> None:
        assert case.version == len(entries)  # C12
        assert case.version >= self.versions.get(case.id, 0)
        self.versions[case.id] = case.version
        passed_over = [e.facts for e in entries if e.what == "rung_overdue"]
        assert [(f["rung"], f["generation"]) for f in passed_over] == expected.passed_over

    def _acknowledge(self, case_id: UUID, person: UUID) -> None:
        with self.engine.in_force(), self.database.work() as db:
            self.engine.acknowledge(db, case_id, person)

    def _open_case(self, who: int) -> tuple[UUID, Expected] | None:
        with self.database.work() as db:
            case = cases.open_case_of(db, CLINIC, PARTICIPANTS[who])
            return (case.id, self.expected[case.id]) if case else None

    def _all_caught_up(self) -> None:
        for expected in self.expected.values():
            expected.catch_up(self.clock.now())
        self.swept = True

    def _versions(self) -> dict[UUID, int]:
        with self.database.work() as db:
            return {row[0]: row[1] for row in db.execute(sa.select(Case.id, Case.version))}

    def _crashes(self, point: tuple[str, int], act: Callable[[], None]) -> bool:
        """Do something, and die at its nth statement or commit. Returns whether it got that far."""
        self.crash_at = point
        try:
            with self.engine.in_force():
                act()
        except Crash:
            return True
        finally:
            self.crash_at = None
        return False

    def _at_statement(self, *_: Any) -> None:
        self._maybe_crash("statement")

    def _at_commit(self, _session: Session) -> None:
        self._maybe_crash("commit")

    def _maybe_crash(self, what: str) -> None:
        if self.crash_at is None or self.crash_at[0] != what:
            return
        if self.crash_at[1] == 0:
            raise Crash
        self.crash_at = what, self.crash_at[1] - 1


def refusal_of(act: Callable[[], None]) -> dict[str, Any]:
    """The facts with which something is refused."""
    try:
        act()
    except Conflict as refused:
        return refused.facts
    raise AssertionError("not refused")


def drive(engine: type[Engine], emptied: Emptied = emptied_sqlite, **given: Any) -> Counter[str]:
    """Drive an engine by chance. Returns how often each rule was carried out; raises what the
    machine found."""
    runs: Counter[str] = Counter()
    options = settings(
        deadline=None,
        database=None,
        derandomize=not IS_LONG,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
        **{"max_examples": EXAMPLES, "stateful_step_count": STEPS, **given},
    )
    run_state_machine_as_test(lambda: Machine(engine(), emptied, runs), settings=options)
    return runs


def rarely_carried_out(runs: Counter[str]) -> dict[str, int]:
    """Rules that chance took so seldom that they prove little."""
    return {name: runs[name] for name in RULES if runs[name] < LEAST_RUNS}


def test_the_engine_keeps_its_invariants_on_sqlite_whatever_happens():
    assert rarely_carried_out(drive(Engine)) == {}


def test_the_engine_keeps_its_invariants_on_postgresql_whatever_happens(postgres, postgres_urls):
    with EmptiedPostgres(postgres, postgres_urls) as emptied:
        assert rarely_carried_out(drive(Engine, emptied)) == {}


def test_a_rule_that_is_hardly_ever_carried_out_is_noticed():
    assert rarely_carried_out(Counter(sweep=LEAST_RUNS - 1))["sweep"] == LEAST_RUNS - 1


@contextmanager
def instead(module: Any, name: str, fault: Callable[..., Any]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, name, fault)
        yield


_steps_due, _climb, _lapse = rules.steps_due, ladder.climb, ladder._lapse
_take_over, _lower_tier = cases.take_over, cases.lower_tier
_keep_contact = follow_up.keep_contact


class DeadlineFromProcessingTime(Engine):
    """The next deadline is reckoned from when somebody looked."""

    def in_force(self):
        def fault(snapshot, *, now, **given):
            steps = _steps_due(snapshot, now=now, **given)
            for n, step in enumerate(steps):
                if isinstance(step, Call):
                    steps[n] = replace(step, next_due_at=now + snapshot.interval(step.rung))
            return steps

        return instead(rules, "steps_due", fault)


class OneOverdueRungAPass(Engine):
    """After an outage each rung has its turn, one a pass, instead of the highest at once."""

    def in_force(self):
        def fault(snapshot, *, due_at, now, **given):
            return _steps_due(snapshot, due_at=due_at, now=min(now, due_at), **given)

        return instead(rules, "steps_due", fault)


class PagesCommittedWithoutDeadline(Engine):
    """Two transactions: the pages first, the next deadline after."""

    def sweep(self, database) -> None:
        with database.work() as db:
            due = [case.id for case in ladder.due(db, limit=100, at=db.now)]
        for case_id in due:
            with database.work() as db:
                before = db.get_one(Case, case_id)
                kept = {c.key: getattr(before, c.key) for c in sa.inspect(Case).column_attrs}
                ladder.climb(db, before, at=db.now)
                db.flush()
                after = {name: getattr(before, name) for name in kept}
                db.execute(sa.update(Case).values(kept).where(Case.id == case_id))
                db.expunge(before)
            with database.work() as db:
                db.execute(sa.update(Case).values(after).where(Case.id == case_id))


class AcknowledgementDoesNotStopPaging(Engine):
    """What was queued goes out although somebody has the case."""

    def in_force(self):
        return instead(page, "stop", lambda db, case_id, *, at: [])


class AcknowledgementKeepsTheLadder(Engine):
    """The ladder's own deadline goes on beside the acknowledgement."""

    def acknowledge(self, db: Session, case_id: UUID, person: UUID) -> None:
        before = db.get_one(Case, case_id).next_due_at
        super().acknowledge(db, case_id, person)
        db.get_one(Case, case_id).next_due_at = before


class AcknowledgementNeverLapses(Engine):
    """Whoever said "I have it" is believed for ever."""

    def in_force(self):
        return instead(rules, "contact_due_at", lambda *_: START + timedelta(days=365))


class SecondAcknowledgementWins(Engine):
    """The last one to say it has it."""

    def acknowledge(self, db: Session, case_id: UUID, person: UUID) -> None:
        case = db.get_one(Case, case_id)
        if case.is_calling:
            super().acknowledge(db, case_id, person)
        else:
            case.acknowledged_by = person


class RaisedTierForgetsTheEarlierDeadline(Engine):
    """A higher tier starts its own grid only."""

    def in_force(self):
        def fault(db, case, tier, *, from_, by, at):
            ladder._restart(
                db, case, tier, generation=case.generation + 1, due_at=from_, by=by, at=at
            )
            return _climb(db, case, at=at)

        return instead(ladder, "_raise", fault)


class LastRungDoesNotRepeat(Engine):
    """The ladder ends in silence."""

    def in_force(self):
        def fault(snapshot, *, rung, **given):
            if rung == snapshot.last and not snapshot.rises_to:
                silence = given["now"] + timedelta(days=365)
                return [Call(rung, given["generation"] + 1, given["due_at"], silence, rung, True)]
            return _steps_due(snapshot, rung=rung, **given)

        return instead(rules, "steps_due", fault)


class LapseTakesTheFenceBack(Engine):
    """A case that is called out again starts with a fresh version."""

    def in_force(self):
        def fault(db, case, *, at):
            before = case.version
            lapse = _lapse(db, case, at=at)
            case.version = before
            return lapse

        return instead(ladder, "_lapse", fault)


class OverdueFollowUpKeepsItsTier(Engine):
    """A contact that nobody made calls people out, but for a case that seems past."""

    def in_force(self):
        return instead(ladder, "MISSED", {"acknowledged": "contact"})


class AnyContactIsTheNext(Engine):
    """Whoever says it twice has kept two contacts."""

    def in_force(self):
        def fault(db, case_id, *, due_at, **given):
            due_at = db.get_one(Case, case_id).next_due_at
            return _keep_contact(db, case_id, due_at=due_at, **given)

        return instead(follow_up, "keep_contact", fault)


class TakeOverMovesTheDeadline(Engine):
    """Whoever takes a case over gets time of their own."""

    def in_force(self):
        def fault(db, case_id, person_id, **given):
            case = _take_over(db, case_id, person_id, **given)
            case.next_due_at += timedelta(minutes=5)

        return instead(cases, "take_over", fault)


class LoweredTierKeepsItsLadder(Engine):
    """The tier falls, what is called does not."""

    def in_force(self):
        def fault(db, case_id, person_id, **given):
            case = db.get_one(Case, case_id)
            before = case.policy
            _lower_tier(db, case_id, person_id, **given)
            case.policy = before

        return instead(cases, "lower_tier", fault)


class PeopleAreThoseOfTheFirstRung(Engine):
    """Who is on call is looked up once, and believed ever after."""

    def __init__(self) -> None:
        self.known: dict[UUID, rota.OnCall] = {}

    def in_force(self):
        def fault(db, clinic_id):
            return self.known.setdefault(clinic_id, rota.on_call(db, clinic_id))

        return instead(ladder, "on_call", fault)


class WhoeverLeftIsCalled(Engine):
    """A rota names them, so they are on call."""

    def in_force(self):
        class Anything(frozenset):
            def __and__(self, _other):
                return True

        return instead(staff, "ON_CALL_ROLES", Anything())


class AnEmptyRungHasItsTurn(Engine):
    """Nobody stands on it, and everybody waits for nobody."""

    def in_force(self):
        def fault(_people, steps):
            return set(range(1, steps.last + 1))

        return instead(rota.OnCall, "manned", fault)


@pytest.mark.parametrize(
    "faulty", Engine.__subclasses__(), ids=[engine.__name__ for engine in Engine.__subclasses__()]
)
def test_each_faulty_engine_is_caught(faulty: type[Engine]):
    with pytest.raises(AssertionError):
        drive(faulty, max_examples=200, stateful_step_count=30)
