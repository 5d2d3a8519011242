"""Timers fire once, when due, and not at all when their owner has moved on."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import sqlalchemy as sa

from chassis.clock import SimulatedClock
from chassis.tables import timers
from chassis.timers import Kind, Timers, set_timer
from libs.chassis.tests.builders import CLINIC, Tally

NINE = datetime(2027, 3, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def loop_with_timer(database, handler, *, generation=0):
    owner = uuid4()
    with database.work() as db:
        db.add(Tally(id=owner, clinic_id=CLINIC, subject_id=owner, version=0, timer_generation=0))
        set_timer(
            db,
            "overdue",
            owner_id=owner,
            clinic_id=CLINIC,
            due_at=NINE + HOUR,
            generation=generation,
            payload={"code": 7},
        )
    return Timers(database, {"overdue": Kind(Tally, handler)})


def left(database) -> int:
    with database.work() as db:
        return db.execute(sa.select(sa.func.count()).select_from(timers)).scalar_one()


def count_up(fired, owner):
    owner.version += fired.payload["code"]


def version(database) -> int:
    with database.work() as db:
        return db.execute(sa.select(Tally.version)).scalar_one()


def test_a_timer_fires_once_when_due_and_not_before(database_of):
    clock = SimulatedClock(NINE)
    database = database_of("intake", clock)
    loop = loop_with_timer(database, count_up)
    assert not loop.fire_one()
    clock.advance_to(NINE + HOUR)
    assert loop.fire_one()
    assert not loop.fire_one()
    assert (version(database), left(database)) == (7, 0)


def test_a_timer_of_an_older_generation_is_dropped_without_firing(database_of):
    clock = SimulatedClock(NINE)
    database = database_of("intake", clock)
    loop = loop_with_timer(database, count_up)
    with database.work() as db:
        db.execute(sa.update(Tally).values(timer_generation=1))
    clock.advance_to(NINE + HOUR)
    assert loop.fire_one()
    assert (version(database), left(database)) == (0, 0)


def test_a_timer_whose_handler_fails_leaves_no_trace_and_is_put_off(database_of):
    clock = SimulatedClock(NINE)
    database = database_of("intake", clock)

    def fail(fired, owner):
        owner.version = 99
        raise RuntimeError("boom")

    loop = loop_with_timer(database, fail)
    clock.advance_to(NINE + HOUR)
    assert loop.fire_one()
    assert not loop.fire_one()
    assert (version(database), left(database)) == (0, 1)
    loop.kinds["overdue"] = Kind(Tally, count_up)
    clock.advance_to(NINE + HOUR + timedelta(seconds=2))
    assert loop.fire_one()
    assert (version(database), left(database)) == (7, 0)


def test_two_loops_at_once_fire_each_timer_once(database_of):
    import eventlet

    clock = SimulatedClock(NINE + HOUR)
    database = database_of("intake", clock)
    loops = [loop_with_timer(database, count_up) for _ in range(10)][:2]

    def drain(loop):
        while loop.fire_one():
            eventlet.sleep(0)

    for thread in [eventlet.spawn(drain, loop) for loop in loops]:
        thread.wait()
    with database.work() as db:
        assert list(db.execute(sa.select(Tally.version)).scalars()) == [7] * 10
