"""Pages: claimed once, fenced, tried again while nobody has the case, cancelled after."""

import pytest
from sqlalchemy.exc import IntegrityError

from chassis.announce import uuid7
from chassis.refusals import Conflict
from crisis import sweeper
from crisis.paging import page
from crisis.paging.page import STATES, Called, Page
from services.crisis.tests.builders import Clinic, database_at


def claimed(clinic, limit=20):
    with clinic.database.work() as db:
        return page.claim(db, limit=limit, at=db.now)


def test_a_page_is_claimed_once_while_its_lease_lasts(clinic):
    clinic.raises("T1")
    (one,) = claimed(clinic)
    assert (one.state, one.fence, one.may_repeat) == ("sending", 1, False)
    assert claimed(clinic) == []


def test_a_dead_senders_page_is_taken_over_and_shown_as_a_possible_repeat(clinic):
    clinic.raises("T1")
    (first,) = claimed(clinic)
    clinic.later(5)
    (second,) = claimed(clinic)
    assert (second.id, second.fence, second.may_repeat) == (first.id, 2, True)


def test_a_sender_that_lost_its_lease_writes_nothing(clinic):
    """Planted fault: `held` without the comparison of the fence."""
    case_id = clinic.raises("T1")
    (stale,) = claimed(clinic)
    clinic.later(5)
    (fresh,) = claimed(clinic)
    with clinic.database.work() as db:
        assert page.held(db, stale.id, 1) is None
        mine = page.held(db, fresh.id, 2)
        assert mine is not None
        mine.deliver(at=db.now)
    with clinic.database.work() as db:
        assert page.held(db, stale.id, 2) is None
    assert [one.state for one in clinic.pages(case_id)] == ["sent"]


def test_a_failed_page_waits_a_little_and_others_go_first(clinic):
    clinic.raises("T1")
    (failed,) = claimed(clinic)
    with clinic.database.work() as db:
        mine = page.held(db, failed.id, failed.fence)
        assert mine is not None
        mine.fail(at=db.now)
    clinic.raises("T1")
    assert [one.id == failed.id for one in claimed(clinic)] == [False]
    clinic.later(1)
    assert [one.id == failed.id for one in claimed(clinic)] == [True]


def test_the_most_urgent_tier_goes_first(clinic):
    others = [Clinic.with_rota(clinic.database, clinic.clock) for _ in range(2)]
    for tier, where in zip(("T3", "T2", "T1"), (clinic, *others), strict=True):
        where.raises(tier)
    assert [one.tier for one in claimed(clinic, limit=1)] == ["T1"]
    assert [one.tier for one in claimed(clinic)] == ["T2", "T3"]


def test_a_page_that_was_under_way_when_somebody_took_the_case_is_not_tried_again(clinic):
    case_id = clinic.raises("T1")
    (under_way,) = claimed(clinic)
    clinic.acknowledges(case_id)
    with clinic.database.work() as db:
        mine = page.held(db, under_way.id, under_way.fence)
        assert mine is not None
        mine.fail(at=db.now)
    clinic.later(60)
    assert claimed(clinic) == []
    assert [one.state for one in clinic.pages(case_id)] == ["cancelled"]


def test_a_new_rung_replaces_what_the_same_person_was_not_told_yet(clinic):
    """After an outage of the provider nobody gets one letter for each rung they missed."""
    case_id = clinic.raises("T1")
    for _ in range(9):
        clinic.later(120)
        sweeper.sweep(clinic.database)
    queued = clinic.pages(case_id, state="queued")
    assert len(queued) == len({one.clinician_id for one in queued}) == 6


def test_the_database_refuses_the_same_page_twice(clinic):
    case_id = clinic.raises("T1")
    with pytest.raises(IntegrityError), clinic.case(case_id) as (db, case):
        page.call(db, [Called(case, clinic.rungs[0], rung=1, generation=1)], at=db.now)


@pytest.mark.parametrize("step", STATES.steps)
@pytest.mark.parametrize("state", STATES.states)
def test_a_page_takes_exactly_the_steps_of_its_table(state, step):
    one = Page(id=uuid7(), state=state)
    if (state, step) in STATES.table:
        STATES.advance(one, step)
        assert one.state == STATES.table[state, step]
    else:
        with pytest.raises(Conflict):
            STATES.advance(one, step)


def test_two_senders_never_claim_the_same_page(postgres_urls, clock):
    databases = [database_at(postgres_urls, clock) for _ in range(2)]
    for _ in range(5):
        Clinic.with_rota(databases[0], clock).raises("T1")
    with databases[0].work() as first, databases[1].work() as second:
        mine = {one.id for one in page.claim(first, limit=3, at=first.now)}
        theirs = {one.id for one in page.claim(second, limit=20, at=second.now)}
    assert len(mine) == 3
    assert len(theirs) == 2
    assert not mine & theirs
    for database in databases:
        database.close()
