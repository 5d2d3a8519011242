from datetime import timedelta
from itertools import product
from uuid import uuid4

import eventlet
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from catalogue.notifications import MessageSkipped
from channels.channel import DEADLINE_SECONDS
from chassis.refusals import Conflict
from notifications.messages import (
    LEASE,
    MESSAGE,
    Claim,
    Matter,
    Message,
    claim_due,
    held,
    next_due,
    plan,
    withdraw,
)
from notifications.rules import RETRY_PAUSES
from notifications.templates import DAY_BEGINS, SEAT_OFFERED
from services.notifications.tests.builders import (
    CLINIC,
    STARTS_AT,
    Person,
    announced,
    message,
    messages,
    queue,
)


@pytest.mark.parametrize(("state", "step"), list(product(MESSAGE.states, MESSAGE.steps)))
def test_a_message_takes_the_steps_of_its_table_and_no_other(state, step):
    row = Message(state=state)
    if (state, step) in MESSAGE.table:
        MESSAGE.advance(row, step)
        assert row.state == MESSAGE.table[state, step]
    else:
        with pytest.raises(Conflict):
            MESSAGE.advance(row, step)


def test_what_was_sent_goes_again_only_when_it_came_back_and_what_failed_never():
    assert [step for state, step in MESSAGE.table if state in ("sent", "failed")] == ["come_back"]


def test_the_same_matter_is_planned_once_for_each_person_template_and_lead(database):
    """Planted fault: without the unique key the second insert makes a second message."""
    first, second, about = Person(), Person(), uuid4()
    for _ in range(3):
        with database.work() as db:
            matters = [Matter(one.id, about, STARTS_AT) for one in (first, second)]
            plan(db, DAY_BEGINS, matters, clinic_id=CLINIC, by=uuid4())
            plan(db, SEAT_OFFERED, matters, clinic_id=CLINIC, by=uuid4())
    assert len(messages(database, first)) == len(messages(database, second)) == 2


def test_the_database_itself_refuses_a_second_message(database):
    person = Person()
    one = message(database, queue(database, person))
    columns = {c.name: getattr(one, c.name) for c in Message.__table__.columns}
    with pytest.raises(IntegrityError), database.work() as db:
        db.execute(sa.insert(Message).values({**columns, "message_id": uuid4()}))


def test_a_claim_takes_what_is_due_in_its_order_and_nothing_else(database, clock):
    person = Person()
    later = queue(database, person, about_at=STARTS_AT + timedelta(hours=1))
    sooner = queue(database, person, about_at=STARTS_AT)
    with database.work() as db:
        assert claim_due(db, 10) == []
        assert next_due(db) == STARTS_AT - timedelta(hours=1)
    clock.advance_to(STARTS_AT)
    with database.work() as db:
        assert claim_due(db, 10) == [Claim(sooner, 1), Claim(later, 1)]
        assert claim_due(db, 10) == []
        assert next_due(db) == STARTS_AT + LEASE


def test_two_replicas_never_claim_the_same_message(database, clock):
    """Planted fault: without FOR UPDATE SKIP LOCKED both replicas of a PostgreSQL claim all."""
    person = Person()
    ids = {queue(database, person) for _ in range(30)}
    clock.advance_to(STARTS_AT - timedelta(minutes=30))
    taken: list[Claim] = []

    def replica() -> None:
        for _ in range(5):
            with database.work() as db:
                claims = claim_due(db, 3)
                eventlet.sleep(0)
            taken.extend(claims)

    for greenlet in [eventlet.spawn(replica) for _ in range(3)]:
        greenlet.wait()
    assert sorted(claim.message_id for claim in taken) == sorted(ids)
    assert {claim.fence for claim in taken} == {1}


def test_a_lease_outlasts_the_deadline_of_an_attempt():
    assert timedelta(seconds=2 * DEADLINE_SECONDS) < LEASE


def test_a_sender_that_lost_its_lease_can_no_longer_write(database, clock):
    """Planted fault: `held` without the fencing number hands the row to both."""
    message_id = queue(database, Person())
    clock.advance_to(STARTS_AT - timedelta(minutes=30))
    with database.work() as db:
        (paused,) = claim_due(db, 10)
    clock.advance_to(clock.now() + LEASE)
    with database.work() as db:
        (successor,) = claim_due(db, 10)
    assert (successor.message_id, successor.fence) == (message_id, 2)
    with database.work() as db:
        assert held(db, paused) is None
        assert held(db, successor) is not None
    assert message(database, message_id).may_repeat


def test_attempts_pause_longer_and_longer_and_then_end(database, clock):
    person = Person()
    message_id = queue(database, person, about_at=STARTS_AT + timedelta(days=30))
    clock.advance_to(STARTS_AT + timedelta(days=29, hours=23))
    for pause in RETRY_PAUSES:
        _fail_one_attempt(database)
        left = message(database, message_id)
        assert (left.state, left.not_before) == ("queued", clock.now() + pause)
        clock.advance_to(left.not_before)
    _fail_one_attempt(database)
    left = message(database, message_id)
    assert (left.state, left.reason, left.attempts) == ("failed", "smtp_451", 9)
    (told,) = announced(database)
    assert isinstance(told, MessageSkipped)
    assert (told.message_id, told.reason) == (message_id, "smtp_451")


def _fail_one_attempt(database) -> None:
    with database.work() as db:
        (claim,) = claim_due(db, 10)
        row = held(db, claim)
        assert row is not None
        row.retry(db, "smtp_451", may_have_arrived=False)


def test_a_message_withdrawn_while_it_is_being_sent_is_not_tried_again(database, clock):
    """Planted fault: a withdrawal that looks at queued messages only is overtaken by the retry."""
    message_id = queue(database, Person())
    clock.advance_to(STARTS_AT - timedelta(minutes=30))
    with database.work() as db:
        (claim,) = claim_due(db, 10)
    with database.work() as db:
        row = held(db, claim)
        assert row is not None
        withdraw(db, [row.about_id], "cancelled")
        assert row.state == "sending"
    with database.work() as db:
        row = held(db, claim)
        assert row is not None
        row.retry(db, "unreachable", may_have_arrived=False)
    left = message(database, message_id)
    assert (left.state, left.reason) == ("skipped", "cancelled")


def test_a_request_sees_the_messages_of_its_own_clinics_only(database):
    queue(database, Person())
    with database.request({CLINIC}) as db:
        assert len(db.scalars(sa.select(Message)).all()) == 1
    with database.request({uuid4()}) as db:
        assert db.scalars(sa.select(Message)).all() == []
