"""Announcing: the state and its events commit together, in an order right for all subjects."""

from contextlib import suppress
from uuid import UUID, uuid4

import eventlet
import pytest
import sqlalchemy as sa

from chassis.announce import OtherClinic, announce, uuid7
from chassis.tables import event_log
from libs.chassis.tests.builders import (
    CLINIC,
    OTHER_CLINIC,
    admitted,
    announce_all,
    log_of,
    risk,
)


def test_versions_count_without_gaps_for_each_subject(database_of):
    database = database_of("intake")
    one, other = uuid4(), uuid4()
    announce_all(database, [admitted(one), admitted(other), admitted(one)])
    announce_all(database, [admitted(one)])
    seen = [(m.subject, m.version) for m in log_of(database).messages]
    assert seen == [
        (f"episode/{one}", 1),
        (f"episode/{other}", 1),
        (f"episode/{one}", 2),
        (f"episode/{one}", 3),
    ]


def test_nothing_is_announced_by_a_transaction_that_rolls_back(database_of):
    database = database_of("intake")
    with suppress(KeyError), database.work() as db:
        announce(db, admitted())
        raise KeyError
    assert log_of(database).messages == []


def test_a_savepoint_takes_its_own_events_with_it_and_only_those(database_of):
    database = database_of("intake")
    episode = uuid4()
    with database.work() as db:
        announce(db, admitted(episode))
        with suppress(KeyError), db.begin_nested():
            announce(db, admitted(episode))
            with db.begin_nested():
                announce(db, admitted(episode))
            raise KeyError
        with db.begin_nested():
            announce(db, admitted(episode))
    assert [m.version for m in log_of(database).messages] == [1, 2]


def test_a_subject_belongs_to_one_clinic_for_ever(database_of):
    database = database_of("intake")
    episode = uuid4()
    announce_all(database, [admitted(episode)])
    with pytest.raises((OtherClinic, sa.exc.DBAPIError)):
        announce_all(database, [admitted(episode, clinic_id=OTHER_CLINIC)])


@pytest.mark.parametrize("pair", ["rabbitmq+postgresql"])
def test_a_request_cannot_announce_for_another_clinic(database_of):
    database = database_of("intake")
    with pytest.raises(sa.exc.ProgrammingError), database.request([CLINIC]) as db:
        announce(db, admitted(clinic_id=OTHER_CLINIC))


def test_events_inherit_what_caused_them(database_of):
    database = database_of("intake")
    correlation, causation = uuid4(), uuid4()
    with database.work(correlation_id=correlation, causation_id=causation) as db:
        announce(db, admitted())
    (message,) = log_of(database).messages
    assert (message.correlation_id, message.causation_id) == (correlation, causation)


def test_writers_of_one_subject_take_turns_and_leave_no_gap(database_of):
    database = database_of("intake")
    subjects = [uuid4() for _ in range(4)]

    def write() -> None:
        for _ in range(10):
            announce_all(database, [admitted(one) for one in reversed(subjects)])

    for thread in [eventlet.spawn(write) for _ in range(5)]:
        thread.wait()
    by_subject: dict[str, list[int]] = {}
    for message in log_of(database).messages:
        by_subject.setdefault(message.subject, []).append(message.version)
    assert list(by_subject.values()) == [list(range(1, 51))] * 4


def test_lanes_have_positions_of_their_own(database_of):
    database = database_of("intake")
    announce_all(database, [risk(), admitted(), risk()])
    assert [m.position for m in log_of(database, "urgent").messages] == [1, 2]
    assert [m.position for m in log_of(database, "routine").messages] == [1]


def test_no_event_leaves_without_fitting_its_declaration(database_of):
    database = database_of("intake")
    wrong = admitted()
    object.__setattr__(wrong, "state", "New York, where Ada lives")
    with pytest.raises(ValueError, match="state"):
        announce_all(database, [wrong])
    with database.work() as db:
        assert db.execute(sa.select(sa.func.count()).select_from(event_log)).scalar_one() == 0


def test_ids_sort_by_time_and_are_version_seven():
    ids = [uuid7() for _ in range(3)]
    assert all(isinstance(one, UUID) and one.version == 7 for one in ids)
