"""Stand-down: one acknowledgement wins, and everybody else who was paged is told, once."""

import pytest
from sqlalchemy.exc import IntegrityError

from channels import receipt
from crisis import sweeper
from crisis.paging import notice, page
from crisis.paging.notice import STATES, Notice
from services.crisis.tests.test_turns import receives


def three_are_paged(paged):
    """A case that has climbed to the third rung: whoever stands on each was paged."""
    case_id = paged.clinic.raises("T1")
    paged.send()
    for _ in range(2):
        paged.clinic.later(120)
        sweeper.sweep(paged.clinic.database)
        paged.send()
    return case_id, [rung[0] for rung in paged.clinic.rungs[:3]]


def told(paged, case_id):
    """To whom notices went, and by which channel."""
    return [(one.clinician_id, one.channel) for one in paged.notices(case_id)]


def test_everybody_else_who_was_paged_is_told_once_and_the_winner_is_not(paged):
    """Planted faults: no `_tell`; `_tell` without asking who has the case."""
    case_id, (first, winner, third) = three_are_paged(paged)
    before = len(paged.arrived())
    paged.clinic.acknowledges(case_id, winner)
    paged.send()
    paged.later(600)
    news = paged.arrived()[before:]
    assert {who for who, _ in told(paged, case_id)} == {first, third}
    assert sorted(one["to"] for one in news) == [paged.number(0), paged.number(2)]
    code = paged.code(case_id)
    for one in news:
        assert one["text"].startswith(f"Case {code}: somebody has it, you need not act.")
        assert "Clinician" not in one["text"]
    assert {one.state for one in paged.notices(case_id)} == {"sent"}


def test_nobody_is_told_of_what_they_were_not_paged_for(paged):
    case_id = paged.clinic.raises("T1")
    paged.clinic.acknowledges(case_id)
    paged.later(60)
    assert paged.arrived() == []
    assert told(paged, case_id) == []
    assert {one.state for one in paged.clinic.pages(case_id)} == {"cancelled"}


def test_each_is_told_by_the_channel_that_reached_them(paged):
    case_id = paged.clinic.raises("T1")
    paged.send()
    receives(paged, paged.page(case_id, "sms"), receipt.UNDELIVERABLE)
    receives(paged, paged.page(case_id, "voice"), receipt.DELIVERED)
    paged.clinic.acknowledges(case_id)
    assert told(paged, case_id) == [(paged.first, "voice")]


def test_a_page_that_is_under_way_when_somebody_takes_the_case_is_followed_by_a_notice(paged):
    """Planted fault: a notice that does not wait, and overtakes the page that it takes back."""
    paged.clinic.give_details(paged.vault, paged.first, version=2, phone=paged.number(0))
    paged.sender = paged.a_sender(voice_url=None)
    paged.send()
    case_id = paged.clinic.raises("T1")
    with paged.clinic.database.work() as db:
        assert page.claim(db, limit=1, at=db.now)
    paged.clinic.acknowledges(case_id)
    paged.send()
    assert paged.arrived() == []
    paged.later(10)
    assert [one["text"][:4] for one in paged.arrived()] == ["Case"]


def test_nobody_is_told_that_somebody_has_a_case_which_calls_again(paged):
    """Planted fault: `claim` without asking the case."""
    case_id, _ = three_are_paged(paged)
    before = len(paged.arrived())
    paged.outside.fail("phone_a", down=True)
    paged.clinic.acknowledges(case_id)
    paged.send()
    paged.outside.fail("phone_a")
    paged.clinic.later(180)
    sweeper.sweep(paged.clinic.database)
    paged.send()
    news = paged.arrived()[before:]
    assert news
    assert not [one for one in news if one["text"].startswith("Case")]
    assert {one.state for one in paged.notices(case_id)} == {"cancelled"}


def test_a_refused_notice_is_tried_until_it_is_accepted(paged):
    case_id = paged.clinic.raises("T1")
    paged.send()
    paged.outside.fail("phone_a", refuse=503)
    paged.clinic.acknowledges(case_id)
    paged.send()
    assert [one.state for one in paged.notices(case_id)] == ["queued"]
    paged.outside.fail("phone_a")
    paged.later(1)
    paged.later(60)
    assert [(one.state, one.attempts) for one in paged.notices(case_id)] == [("sent", 2)]
    assert len([one for one in paged.arrived() if one["text"].startswith("Case")]) == 1


def test_a_case_taken_a_second_time_is_told_a_second_time(paged):
    case_id = paged.clinic.raises("T1")
    paged.send()
    paged.clinic.acknowledges(case_id)
    paged.send()
    paged.clinic.later(180)
    sweeper.sweep(paged.clinic.database)
    paged.send()
    paged.clinic.acknowledges(case_id)
    paged.send()
    second = paged.clinic.rungs[1][0]
    assert [who for who, _ in told(paged, case_id)] == [paged.first, second]


def test_the_database_refuses_the_same_notice_twice(paged):
    case_id = paged.clinic.raises("T1")
    paged.send()
    paged.clinic.acknowledges(case_id)
    told = paged.page(case_id, "sms")
    with pytest.raises(IntegrityError), paged.clinic.case(case_id) as (db, case):
        notice._tell(db, case, told, "taken", at=db.now)


def test_a_notice_takes_the_steps_of_a_page():
    assert Notice.STATES is STATES
    assert STATES.table[("sending", "fail")] == "queued"
