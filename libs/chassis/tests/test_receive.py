"""The receive step: each effect exactly once, in turn, and nobody waits for somebody else."""

from dataclasses import replace
from random import Random
from uuid import uuid4

import eventlet
import pytest
import sqlalchemy as sa

from chassis import aside
from chassis.receive import Handlers, Receiver
from chassis.tables import set_aside
from libs.chassis.tests.builders import (
    OTHER_CLINIC,
    Tally,
    aside_of,
    cursor_of,
    effects,
    message,
    series,
    submitted,
    tallying,
    until,
)


def test_a_batch_is_handled_once_and_in_turn(database_of):
    database = database_of("notifications")
    tallying(database).receive(series(5))
    assert effects(database) == [1, 2, 3, 4, 5]
    assert cursor_of(database) == [(5, False)]


def test_duplicates_are_dropped_however_old(database_of):
    database = database_of("notifications")
    messages = series(30)
    receiver = tallying(database)
    receiver.receive(messages)
    receiver.receive(messages[:3])
    receiver.receive([messages[29], messages[29], messages[0]])
    assert effects(database) == list(range(1, 31))
    assert aside_of(database) == []


@pytest.mark.parametrize("pair", ["rabbitmq+postgresql"])
def test_two_that_meet_at_a_new_subject_handle_it_once(database_of):
    database = database_of("notifications")
    receiver = tallying(database)
    (only,) = series(1)
    tally = receiver.handlers.by_type[only.type]

    def tally_once_the_other_waits(work, event):
        tally(work, event)
        until(lambda: is_waited_for(work.db))

    receiver.handlers.by_type[only.type] = tally_once_the_other_waits
    for one in [eventlet.spawn(receiver.receive, [only]) for _ in range(2)]:
        one.wait()
    assert effects(database) == [1]
    assert cursor_of(database) == [(1, False)]


def is_waited_for(db) -> bool:
    return db.scalar(sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")) > 0


@pytest.mark.parametrize("seed", range(10))
def test_any_order_of_arrival_ends_in_the_same_effects(database_of, seed):
    database = database_of("notifications")
    receiver = tallying(database)
    arriving = [m for _ in range(3) for m in series(6)]
    Random(seed).shuffle(arriving)
    arriving += arriving[:5]
    for start in range(0, len(arriving), 4):
        receiver.receive(arriving[start : start + 4])
    assert effects(database) == sorted([1, 2, 3, 4, 5, 6] * 3)
    assert aside_of(database) == []
    assert set(cursor_of(database)) == {(6, False)}


def test_an_early_event_waits_for_its_predecessor_and_asks_for_it(database_of):
    database = database_of("notifications")
    receiver = tallying(database)
    gaps = []
    receiver.on_gap = lambda: gaps.append(1)
    first, second, third = series(3)
    receiver.receive([third])
    receiver.receive([second])
    assert effects(database) == []
    assert [state for state, _, _ in aside_of(database)] == ["waiting", "waiting"]
    assert gaps
    receiver.receive([first])
    assert effects(database) == [1, 2, 3]
    assert aside_of(database) == []


def test_a_poison_event_is_parked_and_only_its_own_subject_waits(database_of):
    database = database_of("notifications")
    sick, well = series(3), series(3)
    tallying(database, poison=[sick[1].id]).receive([*sick, *well])
    assert effects(database) == [1, 1, 2, 3]
    states = [(state, version) for state, version, _ in aside_of(database)]
    assert states == [("parked", 2), ("waiting", 3)]


def test_the_reason_says_where_it_failed_and_never_what_was_said(database_of):
    database = database_of("notifications")
    (poison,) = series(1)
    tallying(database, poison=[poison.id]).receive([poison])
    ((_, _, reason),) = aside_of(database)
    assert "RuntimeError in tallying.<locals>.tally" in reason
    assert "secret" not in reason


def test_a_parked_event_that_is_redone_frees_those_behind_it(database_of):
    database = database_of("notifications")
    sick = series(3)
    tallying(database, poison=[sick[0].id]).receive(sick)
    assert effects(database) == []
    assert tallying(database).redo(sick[0])
    assert effects(database) == [1, 2, 3]
    assert aside_of(database) == []
    assert cursor_of(database) == [(3, False)]


def test_a_failing_redo_is_counted_and_put_off(database_of):
    database = database_of("notifications")
    (poison,) = series(1)
    receiver = tallying(database, poison=[poison.id])
    receiver.receive([poison])
    assert not receiver.redo(poison, attempts=3)
    with database.work() as db:
        row = db.execute(sa.select(set_aside)).one()
        assert row.attempts == 3
        assert row.retry_at - db.now > 0.8 * aside.RETRY_AFTER[3]


def test_a_parked_event_that_arrives_again_is_not_tried_again(database_of):
    database = database_of("notifications")
    (killer,) = series(1)
    receiver = tallying(database)
    receiver.park([killer], aside.KILLED_PROCESS)
    receiver.receive([killer])
    assert effects(database) == []
    assert [state for state, _, _ in aside_of(database)] == ["parked"]


def test_a_failure_that_names_nobody_is_found_by_halves(database_of):
    """The flush of one handler's row fails: a duplicate key that no handler raised."""
    database = database_of("notifications")
    same = uuid4()

    def clash(work, event):
        row_id = same if event.homework_id in clashing else work.message.id
        work.db.add(
            Tally(id=row_id, clinic_id=event.clinic_id, subject_id=event.homework_id, version=1)
        )

    messages = [message(submitted(), 1) for _ in range(8)]
    clashing = {uuid_of(messages[2]), uuid_of(messages[5])}
    handlers = Handlers({messages[0].type: clash})
    Receiver(database, handlers, "routine").receive(messages)
    assert len(effects(database)) == 7
    assert [state for state, _, _ in aside_of(database)] == ["parked"]


def test_nobody_is_blamed_for_a_successor_that_waited_and_fails(database_of):
    """The flush of the second event fails, in the transaction in which the first drains it."""
    database = database_of("notifications")
    first, second = series(2)
    tallying(database).receive(series(1))
    with database.work() as db:
        taken = db.scalars(sa.select(Tally.id)).one()

    def clash(work, event):
        row_id = taken if work.message.id == second.id else work.message.id
        work.db.add(
            Tally(
                id=row_id,
                clinic_id=event.clinic_id,
                subject_id=event.homework_id,
                version=work.message.version + 10,
            )
        )

    receiver = Receiver(database, Handlers({first.type: clash}), "routine")
    receiver.receive([second])
    receiver.receive([first])
    assert effects(database) == [1, 11]
    with database.work() as db:
        receiver_sees = aside.ready(db, "routine", 10)
    receiver.receive(receiver_sees)
    assert effects(database) == [1, 11]
    assert [(state, version) for state, version, _ in aside_of(database)] == [("parked", 2)]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"body": b"{}"}, aside.INVALID_BODY),
        ({"body": b"not json"}, aside.INVALID_BODY),
        ({"type": "evenkeel.sessions.homework_submitted.v9"}, aside.UNKNOWN_TYPE),
        ({"clinic_id": OTHER_CLINIC}, aside.OTHER_CLINIC),
    ],
)
def test_what_can_never_work_waits_for_a_human_at_once(database_of, changed, reason):
    database = database_of("notifications")
    first, second = series(2)
    tallying(database).receive([first, replace(second, **changed)])
    assert effects(database) == [1]
    assert [row[2] for row in aside_of(database)] == [reason.code]
    with database.work() as db:
        assert db.execute(sa.select(set_aside.c.retry_at)).scalar_one() is None


def test_an_id_that_contradicts_one_already_handled_is_parked_and_blocks_nobody(database_of):
    database = database_of("notifications")
    messages = series(3)
    receiver = tallying(database)
    receiver.receive(messages[:2])
    receiver.receive([replace(messages[1], id=uuid4())])
    receiver.receive([messages[2]])
    assert effects(database) == [1, 2, 3]
    assert [row[2] for row in aside_of(database)] == [aside.CONTRADICTING_ID.code]


def test_an_event_nobody_handles_moves_its_cursor_and_has_no_effect(database_of):
    database = database_of("notifications")
    Receiver(database, Handlers(), "routine").receive(series(2))
    assert effects(database) == []
    assert cursor_of(database) == [(2, False)]


def test_a_malformed_message_is_kept_for_a_human(database_of):
    database = database_of("notifications")
    headers = {"cloudEvents_id": "nonsense"}
    tallying(database).park_malformed(headers, b"\x00", "id")
    assert [(row[0], row[2]) for row in aside_of(database)] == [
        ("parked", "malformed_attributes: id")
    ]


def test_a_malformed_message_is_never_tried_again(database_of):
    """There is nothing in it that a handler could be given."""
    database = database_of("notifications")
    tallying(database).park_malformed({"cloudEvents_id": "nonsense"}, b"", "id")
    with database.work() as db:
        db.execute(sa.update(set_aside).values(retry_at=db.now))
    with database.work() as db:
        assert aside.due(db, "routine", db.now, 10) == []


def uuid_of(one):
    from uuid import UUID

    return UUID(one.subject.split("/")[1])
