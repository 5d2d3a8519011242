"""Which channel is tried when: all at once where it is urgent, else one after the other."""

import eventlet
import pytest

from channels import channel, receipt
from channels.receipt import Receipt
from chassis.announce import uuid7
from crisis import rules
from crisis.paging import receipts
from services.crisis.tests.builders import START, until

ALL = ["email", "sms", "voice"]


def receives(paged, page, status, *, reference=None):
    came = Receipt(reference or page.reference, status)
    with paged.clinic.database.work() as db:
        receipts.take(db, came, key=page.key, at=db.now)


@pytest.mark.parametrize("tier", ["T1", "T2"])
def test_an_urgent_page_leaves_by_every_channel_at_once(paged, tier):
    """Planted fault: `goes_in_turn` true of every tier."""
    case_id = paged.clinic.raises(tier)
    paged.send()
    assert sorted(paged.by()) == ALL
    pages = paged.clinic.pages(case_id)
    assert {str(one.id) for one in pages} == {a["key"].partition("@")[0] for a in paged.arrived()}
    assert {(one.state, one.sent_at, one.receipt) for one in pages} == {("sent", START, None)}
    assert {one["to"] for one in paged.arrived()} == {
        paged.number(0), f"{paged.first}@staff.example",
    }  # fmt: skip


def test_a_page_of_the_same_day_is_tried_by_one_channel_after_the_other(paged):
    """Planted fault: `goes_in_turn` false of every tier."""
    paged.clinic.raises("T3")
    paged.send()
    assert paged.by() == ["sms"]
    paged.later(59)
    assert paged.by() == ["sms"]
    paged.later(1)
    assert paged.by() == ["sms", "voice"]
    paged.later(60)
    assert paged.by() == ["sms", "voice", "email"]
    paged.later(3600)
    assert paged.by() == ["sms", "voice", "email"]


def test_where_one_channel_refuses_the_next_is_tried_at_once(paged):
    """Planted fault: `refused` passes nothing on."""
    paged.outside.fail("phone_a", refuse=503)
    case_id = paged.clinic.raises("T3")
    paged.send()
    assert paged.by() == ["voice"]
    assert paged.page(case_id, "sms").state == "queued"
    paged.outside.fail("phone_a")
    paged.later(59)
    assert paged.by() == ["voice"]
    paged.later(1)
    assert paged.by() == ["voice", "email"]
    paged.later(60)
    assert paged.by() == ["voice", "email", "sms"]


def test_where_one_channel_says_nothing_the_next_is_tried_after_ten_seconds(paged, monkeypatch):
    """Whoever takes the page over has no more time than who began."""
    monkeypatch.setattr(channel, "DEADLINE_SECONDS", 20.0)
    paged.outside.fail("phone_a", hang="message")
    case_id = paged.clinic.raises("T3")
    going = eventlet.spawn(paged.sender.step)
    until(lambda: paged.page(case_id, "sms").state == "sending")
    assert paged.page(case_id, "voice").not_before == START + rules.ACCEPTED_WITHIN
    paged.clinic.later(9)
    taking_over = eventlet.spawn(paged.a_sender().step)
    until(lambda: paged.page(case_id, "sms").fence == 2)
    assert paged.by() == []
    paged.clinic.later(1)
    until(lambda: paged.by() == ["voice"])
    assert paged.page(case_id, "sms").state == "sending"
    going.kill()
    taking_over.kill()


def test_what_is_delivered_needs_no_other_channel(paged):
    case_id = paged.clinic.raises("T3")
    paged.send()
    receives(paged, paged.page(case_id, "sms"), receipt.DELIVERED)
    paged.later(3600)
    assert paged.by() == ["sms"]
    assert paged.page(case_id, "voice").state == "cancelled"
    with paged.clinic.case(case_id) as (_, case):
        assert case.is_calling


@pytest.mark.parametrize("status", [receipt.FAILED, receipt.UNDELIVERABLE])
def test_what_was_not_delivered_has_the_next_channel_tried_at_once(paged, status):
    case_id = paged.clinic.raises("T3")
    paged.send()
    receives(paged, paged.page(case_id, "sms"), status)
    paged.send()
    assert paged.by() == ["sms", "voice"]


def test_a_receipt_that_says_only_that_it_is_on_its_way_gains_no_time(paged):
    case_id = paged.clinic.raises("T3")
    paged.send()
    paged.later(50)
    for status in (receipt.QUEUED, receipt.SENT, receipt.SENT):
        receives(paged, paged.page(case_id, "sms"), status)
    paged.later(10)
    assert paged.by() == ["sms", "voice"]


@pytest.mark.parametrize("tier", ["T1", "T3"])
def test_while_all_providers_are_down_nobody_is_recorded_as_paged(paged, tier):
    down = ("mail_a", "phone_a", "phone_b")
    for name in down:
        paged.outside.fail(name, down=True)
    case_id = paged.clinic.raises(tier)
    for _ in range(8):
        paged.later(10)
    pages = paged.clinic.pages(case_id)
    assert [(one.state, one.sent_at) for one in pages] == [("queued", None)] * 3
    assert min(one.attempts for one in pages) > 1
    for name in down:
        paged.outside.fail(name)
    paged.later(30)
    assert (len(paged.by()) == 3) if tier == "T1" else paged.by()


@pytest.mark.parametrize("given", [{"smtp_url": None, "sms_url": None, "voice_url": None}])
def test_a_house_without_providers_records_nobody_as_paged(paged, given):
    paged.sender = paged.a_sender(**given)
    paged.send()
    case_id = paged.clinic.raises("T1")
    paged.later(60)
    assert [one.state for one in paged.clinic.pages(case_id)] == ["queued"]


def test_only_channels_that_reach_somebody_have_a_page(paged):
    """Planted fault: `note` without asking the details."""
    clinic = paged.clinic
    clinic.give_details(paged.vault, paged.first, version=2, phone=paged.number(0))
    paged.send()
    case_id = clinic.raises("T1")
    assert sorted(one.channel for one in clinic.pages(case_id)) == ["sms", "voice"]


def test_a_house_that_gains_a_channel_uses_it(paged):
    """Planted fault: a sender that begins without `forget`."""
    paged.sender = paged.a_sender(voice_url=None)
    paged.send()
    without = paged.clinic.raises("T1")
    assert sorted(one.channel for one in paged.clinic.pages(without)) == ["email", "sms"]
    paged.sender = paged.a_sender()
    paged.send()
    with_it = paged.clinic.raises("T1", participant_id=uuid7())
    assert sorted(one.channel for one in paged.clinic.pages(with_it)) == ALL
