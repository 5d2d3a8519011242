"""The engine, driven by chance: raises, waits, people, and crashes in the middle of anything.

After each step the database is compared with what `expected.py` reckons by itself, and the
invariants of the ladder are checked on the rows. Each of the faulty engines below must be caught
by the same machine. More with EVENKEEL_ENGINE_EXAMPLES.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
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
from crisis import follow_up, ladder, rules, sweeper
from crisis.case import Case
from crisis.paging import page
from crisis.paging.page import Page
from crisis.rules import Call
from crisis.timeline import Entry
from services.crisis.tests.builders import (
    START,
    Clinic,
    a_risk,
    chain_of,
    database_at,
    sqlite_urls,
)
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

EXAMPLES = int(os.environ.get("EVENKEEL_ENGINE_EXAMPLES", "40"))
TICKS = st.sampled_from([1, 59, 60, 299, 300, 3600])
PARTICIPANTS = [UUID(int=n) for n in (1, 2)]
CLINIC = UUID(int=7)

pick = st.integers(0, 1)
crash_points = st.tuples(st.just("statement"), st.integers(0, 40)) | st.tuples(
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


class Machine(RuleBasedStateMachine):
    """One clinic, two participants, anything that may happen to them."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.engine = engine
        self.directory = TemporaryDirectory(prefix="crisis-")
        self.clock = SimulatedClock(START)
        self.database = database_at(sqlite_urls(Path(self.directory.name)), self.clock)
        self.clinic = Clinic(self.database, self.clock, CLINIC)
        self.expected: dict[UUID, Expected] = {}
        self.versions: dict[UUID, int] = {}
        self.swept = True
        self.crash_at: tuple[str, int] | None = None
        sa.event.listen(self.database.work_engine, "before_cursor_execute", self._at_statement)
        sa.event.listen(Session, "before_commit", self._at_commit)

    def teardown(self) -> None:
        sa.event.remove(Session, "before_commit", self._at_commit)
        self.database.close()
        self.directory.cleanup()

    @initialize(tiers=st.lists(st.sampled_from(rules.TIERS), min_size=2, max_size=2))
    def open_the_clinic(self, tiers: list[str]) -> None:
        people = [self.clinic.hire(person=uuid5(CLINIC, str(n))) for n in range(5)]
        self.clinic.publish([[people[0]], [people[1]], [people[2]], people[3:]])
        for who, tier in enumerate(tiers):
            self.raise_risk(who, tier, 0)

    @rule(who=pick, tier=st.sampled_from(rules.TIERS), lag=st.sampled_from([0, 0, 130]))
    def take_risk(self, who: int, tier: str, lag: int) -> None:
        self.raise_risk(who, tier, lag)

    def raise_risk(self, who: int, tier: str, lag: int) -> None:
        noticed_at = self.clock.now() - timedelta(seconds=lag)
        risk = a_risk(CLINIC, tier, participant_id=PARTICIPANTS[who])
        with self.engine.in_force(), self.database.work() as db:
            taken = ladder.take(db, risk, noticed_at=noticed_at, by="service:intake", at=db.now)
        if taken.outcome == "opened":
            self.expected[taken.case.id] = Expected(self.clinic.rungs)
            self.expected[taken.case.id].begin(tier, noticed_at)
            self.expected[taken.case.id].catch_up(self.clock.now())
        elif rules.is_higher(tier, self.expected[taken.case.id].tier):
            self.expected[taken.case.id].rise(tier, noticed_at, self.clock.now())
            self.swept = False

    @rule(n=TICKS)
    def wait(self, n: int) -> None:
        """Time goes by without a sweeper."""
        self.clinic.later(n)
        self.swept = False

    @rule(who=pick, n=st.sampled_from([1, 30]))
    def wait_until_just_before_the_deadline(self, who: int, n: int) -> None:
        if found := self._open_case(who):
            self.clock.advance_to(found[1].due_at - timedelta(seconds=n))
            self.swept = False

    @rule(who=pick, tier=st.sampled_from(rules.TIERS))
    def take_risk_just_before_the_deadline(self, who: int, tier: str) -> None:
        self.wait_until_just_before_the_deadline(who, 30)
        self.raise_risk(who, tier, 0)

    @rule()
    def sweep(self) -> None:
        with self.engine.in_force():
            self.engine.sweep(self.database)
        self._all_caught_up()

    @rule(n=TICKS)
    def tick(self, n: int) -> None:
        self.wait(n)
        self.sweep()

    @rule(who=pick, n=st.sampled_from([0, 1, 300]), point=crash_points)
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
    def crash_while_acknowledging(self, who: int, point: tuple[str, int]) -> None:
        found = self._open_case(who)
        if found and found[1].state == PAGING:
            case_id, expected = found
            person = uuid5(case_id, "x")
            if not self._crashes(point, lambda: self._acknowledge(case_id, person)):
                expected.acknowledge(person, self.clock.now())

    @rule(who=pick, person=st.uuids())
    def acknowledge(self, who: int, person: UUID) -> None:
        if found := self._open_case(who):
            case_id, expected = found
            if expected.state == PAGING:
                self._acknowledge(case_id, person)
                expected.acknowledge(person, self.clock.now())
            else:
                facts = refusal_of(lambda: self._acknowledge(case_id, person))
                assert facts["acknowledged_by"] == str(expected.owner)  # C3

    @rule(who=pick)
    def log_contact(self, who: int) -> None:
        def logged(case_id: UUID, expected: Expected) -> None:
            self.clinic.logs_contact(case_id)
            expected.log_contact(self.clock.now())

        self._if_in((ACKNOWLEDGED,), who, logged)

    @rule(who=pick, person=st.uuids())
    def take_over(self, who: int, person: UUID) -> None:
        def taken(case_id: UUID, expected: Expected) -> None:
            self.clinic.takes_over(case_id, person)
            expected.owner = person

        self._if_in(HELD, who, taken)

    @rule(who=pick, tier=st.sampled_from(rules.TIERS))
    def lower_tier(self, who: int, tier: str) -> None:
        def lowered(case_id: UUID, expected: Expected) -> None:
            self.clinic.lowers(case_id, tier)
            expected.lower(tier, self.clock.now())

        found = self._open_case(who)
        is_lower = found is not None and rules.is_higher(found[1].tier, tier)
        self._if_in(HELD[:-1] if is_lower else (), who, lowered)

    @rule(who=pick)
    def dispatch(self, who: int) -> None:
        def sent(case_id: UUID, expected: Expected) -> None:
            self.clinic.dispatches(case_id)
            expected.state = DISPATCHED

        self._if_in((ENGAGED,), who, sent)

    @rule(who=pick)
    def hand_over(self, who: int) -> None:
        def handed(case_id: UUID, expected: Expected) -> None:
            self.clinic.hands_over(case_id)
            expected.state = HANDED_OFF

        self._if_in((DISPATCHED,), who, handed)

    @rule(who=pick)
    def conclude(self, who: int) -> None:
        def concluded(case_id: UUID, expected: Expected) -> None:
            self.clinic.concludes(case_id)
            expected.conclude(self.clinic.licensed(), self.clock.now())

        self._if_in((ENGAGED, HANDED_OFF), who, concluded)  # C5

    @rule(who=pick, tier=st.sampled_from(rules.TIERS))
    def deal_with_it(self, who: int, tier: str) -> None:
        """The common way of a case, which chance alone takes too seldom."""
        self.acknowledge(who, PARTICIPANTS[who])
        self.lower_tier(who, tier)
        self.log_contact(who)
        self.conclude(who)

    @rule(who=pick)
    def forget_it(self, who: int) -> None:
        """Nobody does what is due, whoever has the case."""
        self.wait_until_just_before_the_deadline(who, 0)
        self.sweep()

    @rule(who=pick)
    def keep_contact(self, who: int) -> None:
        def kept(case_id: UUID, expected: Expected) -> None:
            due_at = expected.due_at
            self.clinic.keeps_contact(case_id, due_at)
            expected.keep_contact()
            refusal_of(lambda: self.clinic.keeps_contact(case_id, due_at))  # a double click

        self._if_in((FOLLOW_UP,), who, kept)

    @rule(who=pick)
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

    @rule()
    def send(self) -> None:
        with self.database.work() as db:
            for one in page.claim(db, limit=20, at=db.now):
                assert one.case.state == PAGING
                one.deliver(at=db.now)

    @invariant()
    def every_case_is_as_expected(self) -> None:
        assert chain_of(self.database, CLINIC).fault is None
        with self.database.work() as db:
            for case_id, expected in self.expected.items():
                case = db.get_one(Case, case_id)
                self._check_case(case, expected)
                self._check_pages(db, case, expected)
                self._check_timeline(db, case, expected)

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

    def _check_pages(self, db: Session, case: Case, expected: Expected) -> None:
        found = db.scalars(sa.select(Page).where(Page.case_id == case.id)).all()
        called = [(one.rung, one.generation, one.clinician_id) for one in found]
        assert len(called) == len(set(called))
        assert set(called) == expected.pages  # C1, and each once
        if case.state != PAGING:
            assert not [one for one in found if one.state == "queued"]

    def _check_timeline(self, db: Session, case: Case, expected: Expected) -> None:
        entries = db.scalars(
            sa.select(Entry).where(Entry.case_id == case.id).order_by(Entry.position)
        ).all()
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


def drive(engine: type[Engine], **given: Any) -> None:
    """Drive an engine by chance. Raises what the machine found."""
    options = settings(
        stateful_step_count=30,
        deadline=None,
        database=None,
        derandomize=True,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
        **{"max_examples": EXAMPLES, **given},
    )
    run_state_machine_as_test(lambda: Machine(engine()), settings=options)


def test_the_engine_keeps_its_invariants_whatever_happens():
    drive(Engine)


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


@pytest.mark.parametrize(
    "faulty", Engine.__subclasses__(), ids=[engine.__name__ for engine in Engine.__subclasses__()]
)
def test_each_faulty_engine_is_caught(faulty: type[Engine]):
    with pytest.raises(AssertionError):
        drive(faulty, max_examples=200)
