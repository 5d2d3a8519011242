"""Receipts as telephone companies post them, believed only when they signed them."""

import pytest

from catalogue.notifications import MessageTexted
from notifications.attempts import Attempt
from services.notifications.tests.builders import day
from services.notifications.tests.telephones import desk
from services.notifications.tests.test_service import listed, seat

__all__ = ["desk"]


@pytest.fixture
def text(desk) -> dict:
    """One text that was accepted, and of which no true receipt has come."""
    desk.outside.fail("phone_a", receipts="forged")
    person = desk.arrives("days.sms")
    seat(desk.house, person, day(person.cohort_id))
    desk.house.settle()
    (accepted,) = desk.outside.accepted()
    assert [one["state"] for one in listed(desk.house, person)].count("sent") == 1
    return accepted


def receipt_of(desk) -> str | None:
    (one,) = desk.rows(Attempt)
    return one.receipt


def test_the_receipts_of_a_telephone_company_are_taken_as_it_posts_them(desk):
    person = desk.arrives("days.sms")
    seat(desk.house, person, day(person.cohort_id))
    desk.house.settle()
    desk.until(lambda: receipt_of(desk) == "delivered")
    assert len(desk.announced(MessageTexted)) == 1


def test_a_receipt_is_believed_only_under_the_signature_of_an_account_of_ours(desk, text):
    """Planted fault: a forged receipt that is believed."""
    fields = {"MessageSid": text["reference"], "MessageStatus": "delivered"}
    path = f"receipts?key={text['key']}"
    for forged in (
        desk.post(path, fields, token="another"),
        desk.post(path, {**fields, "AccountSid": "AC" + "f" * 32}),
    ):
        assert (forged.status_code, forged.json()["code"]) == (403, "not_signed")
    assert receipt_of(desk) is None
    assert desk.post(path, fields).status_code == 204
    assert receipt_of(desk) == "delivered"


def test_a_receipt_signed_for_another_message_is_not_believed(desk, text):
    """Its signature covers the address, and with it the message that it is about."""
    fields = {"MessageSid": "SM" + "0" * 32, "MessageStatus": "failed"}
    assert desk.post(f"receipts?key={text['key']}", fields).status_code == 204
    assert receipt_of(desk) is None
