"""The sweeper: alone, two at once, with a case that cannot climb, and as a process."""

from datetime import datetime

import sqlalchemy as sa
from eventlet import GreenPool

from crisis import ladder, metrics, sweeper
from crisis.case import Case
from crisis.sweeper import Sweeper
from services.crisis.tests.builders import START, Clinic, announced, database_at


def test_a_sweep_leaves_nothing_overdue_however_many_there_are(clinic, database, monkeypatch):
    monkeypatch.setattr(sweeper, "CASES_A_TRANSACTION", 7)
    cases = [clinic.raises("T1") for _ in range(20)]
    clinic.later(125)
    assert sweeper.sweep(database) == 20
    assert sweeper.sweep(database) == 0
    with database.work() as db:
        rungs = db.scalars(sa.select(Case.rung)).all()
    assert rungs == [2] * len(cases)


def test_many_cases_take_a_sweep_no_more_statements_than_few(clinic, database):
    """Planted fault: page, write or look up case by case."""
    statements: list[str] = []
    sa.event.listen(
        database.work_engine, "before_cursor_execute", lambda *told: statements.append(told[2])
    )
    taken = []
    for count in (2, 25):
        for _ in range(count):
            clinic.raises("T1")
        clinic.later(125)
        statements.clear()
        sweeper.sweep(database)
        taken.append(len(statements))
    assert taken[0] == taken[1]


def test_the_heartbeat_says_when_a_sweeper_last_got_through(clinic, database):
    sweeper.sweep(database, "one")
    clinic.later(3)
    sweeper.sweep(database, "two")
    assert beats(database) == {"one": START, "two": clinic.clock.now()}
    clinic.later(24 * 3600)
    sweeper.sweep(database)
    assert set(beats(database)) == {"two", sweeper.name_of_this_process()}


def test_sweepers_that_beat_for_the_first_time_together_do_not_stop_each_other(
    postgres_urls, clock
):
    """Planted fault: look for the heartbeat's row, then insert it."""
    databases = [database_at(postgres_urls, clock) for _ in range(4)]
    for name in map(str, range(5)):
        pool = GreenPool()
        for thread in [pool.spawn(sweeper.sweep, one, name) for one in databases]:
            assert thread.wait() == 0
    for database in databases:
        database.close()


def beats(database) -> dict[str, datetime]:
    with database.work() as db:
        return {row.name: row.beat_at for row in db.scalars(sa.select(Sweeper))}


def test_a_case_that_cannot_climb_keeps_back_no_other(clinic, database):
    """Planted fault: no second try one by one."""
    broken, *others = [clinic.raises("T1") for _ in range(4)]
    before = metrics.STUCK._value.get()
    with database.work() as db:
        db.execute(sa.update(Case).where(Case.id == broken).values(policy={"tier": "T1"}))
    clinic.later(120)
    assert sweeper.sweep(database) == len(others)
    assert metrics.STUCK._value.get() == before + 1
    for case_id in others:
        with clinic.case(case_id) as (_, case):
            assert case.rung == 2
    with clinic.case(broken) as (_, case):
        assert case.next_due_at <= clinic.clock.now()


def test_two_sweepers_at_once_page_each_rung_once(postgres_urls, clock):
    """Planted fault: `due` without FOR UPDATE."""
    databases = [database_at(postgres_urls, clock) for _ in range(3)]
    clinic = Clinic.with_rota(databases[0], clock)
    cases = [clinic.raises("T1") for _ in range(30)]
    for _ in range(3):
        clinic.later(120)
        climbed = list(GreenPool().imap(sweeper.sweep, databases))
        assert sum(climbed) == len(cases)
    assert announced(databases[0]).count("rung_paged") == 4 * len(cases)
    for case_id in cases:
        assert clinic.told(case_id) == ["opened", *["rung_paged"] * 4]
    for database in databases:
        database.close()


def test_a_simulated_clock_stops_at_the_next_deadline(clinic, database):
    clinic.raises("T2")
    clinic.raises("T1")
    with database.work() as db:
        next_due = ladder.next_due(db)
    assert next_due is not None
    assert (next_due - START).total_seconds() == 120


def test_the_oldest_unacknowledged_case_is_measured_by_tier(clinic, database):
    clinic.raises("T1")
    clinic.later(50)
    sweeper.sweep(database)
    assert metrics.OLDEST.labels("imminent")._value.get() == 50
    assert metrics.OLDEST.labels("urgent")._value.get() == 0
