"""By which channel a message goes, over real mail servers and telephone companies."""

from collections import Counter
from datetime import timedelta

import pytest

from catalogue.notifications import MessageSent, MessageSkipped, MessageTexted, MessageUndelivered
from channels import receipt
from channels.carrier_url import telephone
from channels.channel import Channel
from channels.outgoing import EMAIL, SMS
from channels.receipt import Receipt
from channels.twilio import Twilio
from notifications import attempts, receipts
from notifications.consent import ledger
from notifications.frequency import LIMITS
from notifications.purposes import DAYS, HOMEWORK
from notifications.recipients import find_recipient
from notifications.sending import send_due
from notifications.wishes import prefer, stop
from services.notifications.tests.builders import (
    STARTS_AT,
    Person,
    announced,
    by_mail,
    hear,
    keep_details,
    message,
    queue,
)

BOTH = ("days.sms", "days.email")


@pytest.fixture
def channels(mail, clock) -> dict[str, Channel]:
    companies = [Twilio(at, SMS) for at in telephone(mail.twilio_url())]
    texts = Channel(companies, clock=lambda: clock.now().timestamp())
    return {**by_mail(clock, mail.smtp_url()), SMS: texts}


@pytest.fixture
def person_of(database, vault):
    """Somebody who agreed to these, with an address and a number."""

    def made(*agreed: str, **known) -> Person:
        one = Person()
        hear(database, one.consents(*agreed), one.changes_details())
        keep_details(database, vault, one, **known)
        return one

    return made


@pytest.fixture
def send(database, vault, channels):
    def run() -> None:
        while send_due(database, vault, channels):
            pass

    return run


def look(database, message_id):
    one = message(database, message_id)
    return one.state, one.reason


def tried(database, message_id) -> list[tuple[str, str | None]]:
    with database.work() as db:
        return [(one.channel, one.outcome) for one in attempts.of_message(db, message_id)]


def hears(database, message_id, status: str, attempt: int = -1) -> bool:
    with database.work() as db:
        reference = attempts.of_message(db, message_id)[attempt].reference
        return receipts.take(db, message_id, Receipt(reference or "?", status, "30003"))


def test_who_agreed_to_both_gets_a_text_and_nothing_else(database, person_of, mail, send):
    person = person_of(*BOTH)
    message_id = queue(database, person, "seat_offered")
    send()
    (sent,) = mail.accepted()
    assert (sent["channel"], sent["to"], sent["key"]) == ("sms", person.number, str(message_id))
    assert tried(database, message_id) == [(SMS, "accepted")]
    assert [type(told) for told in announced(database)] == [MessageTexted]


@pytest.mark.parametrize(
    ("agreed", "template", "channel"),
    [
        (("days.sms", "homework.email"), "seat_offered", SMS),
        (("days.sms", "homework.email"), "homework_due", EMAIL),
        (("homework.sms",), "seat_offered", None),
    ],
)
def test_a_purpose_goes_by_what_was_agreed_for_it(
    database, clock, person_of, mail, send, agreed, template, channel
):
    """Planted fault: consent inferred from another purpose texts where nobody agreed to texts."""
    message_id = queue(database, person_of(*agreed), template)
    clock.advance_to(STARTS_AT - timedelta(hours=1))
    send()
    assert [one["channel"] for one in mail.accepted()] == ([channel] if channel else [])
    if channel is None:
        assert look(database, message_id) == ("skipped", "no_consent")


def test_each_attempt_names_the_entry_of_the_ledger_it_rests_on(database, person_of, send):
    person = person_of(*BOTH)
    message_id = queue(database, person, "seat_offered")
    send()
    with database.work() as db:
        (one,) = attempts.of_message(db, message_id)
        (entry,) = [e for e in ledger(db, person.id) if e.n == one.consent_n]
    assert (entry.purpose, entry.channel, entry.said) == (DAYS, SMS, "given")


@pytest.mark.parametrize(
    ("known", "unsafe", "reason"),
    [
        ({"phone": None}, False, "no_address"),
        ({"phone": "0800 CALL ME"}, False, "bad_address"),
        ({}, True, "unsafe"),
    ],
)
def test_where_no_text_may_go_the_mail_goes_and_without_it_the_reason_is_told(
    database, person_of, mail, send, known, unsafe, reason
):
    """Planted fault: ignoring the flag writes to a telephone that somebody else reads."""
    by_both, by_text = person_of(*BOTH, **known), person_of("days.sms", **known)
    for person in (by_both, by_text):
        with database.work() as db:
            prefer(db, person.id, {"safe_to_text": not unsafe}, own=True, by="t")
    first, second = (queue(database, one, "seat_offered") for one in (by_both, by_text))
    send()
    assert [(one["channel"], one["to"]) for one in mail.accepted()] == [(EMAIL, by_both.address)]
    assert look(database, first)[0] == "sent"
    assert look(database, second) == ("skipped", reason)


def test_texts_beyond_the_limit_go_by_mail_or_are_dropped(database, clock, person_of, mail, send):
    """Planted fault: a limit counted from what was planned, or not at all, sends the next one."""
    most = LIMITS[DAYS].a_day
    by_text, by_both = person_of("days.sms"), person_of(*BOTH)
    ids = [queue(database, by_text, "seat_offered") for _ in range(most + 1)]
    for _ in range(most + 1):
        queue(database, by_both, "seat_offered")
    send()
    of_text = [one["channel"] for one in mail.accepted() if one["to"] == by_text.number]
    assert of_text == [SMS] * most
    assert Counter(look(database, one) for one in ids) == {
        ("sent", None): most, ("skipped", "too_many"): 1,
    }  # fmt: skip
    of_both = sorted(
        one["channel"] for one in mail.accepted()
        if one["to"] in (by_both.number, by_both.address)
    )  # fmt: skip
    assert of_both == [EMAIL] + [SMS] * most


def test_a_refused_text_is_not_counted_and_goes_by_mail_at_once(database, person_of, mail, send):
    mail.fail("phone_a", refuse=503)
    person = person_of(*BOTH)
    message_id = queue(database, person, "seat_offered")
    send()
    assert tried(database, message_id) == [(SMS, "http_503"), (EMAIL, "accepted")]
    assert look(database, message_id) == ("sent", None)
    with database.work() as db:
        since = db.now - timedelta(days=1)
        assert attempts.texts_since(db, person.id, DAYS, since) == []


def test_without_consent_to_mail_a_refused_text_waits_for_its_next_attempt(
    database, clock, person_of, mail, send
):
    """Planted fault: falling back by address instead of consent writes a mail nobody agreed to."""
    mail.fail("phone_a", refuse=503)
    message_id = queue(database, person_of("days.sms"), "seat_offered")
    send()
    assert look(database, message_id) == ("queued", "http_503")
    assert message(database, message_id).not_before == clock.now() + timedelta(seconds=30)
    mail.fail("phone_a")
    clock.advance_to(clock.now() + timedelta(seconds=30))
    send()
    assert [one["channel"] for one in mail.accepted()] == [SMS]


def test_when_both_refuse_for_now_they_take_turns_and_pause(database, clock, person_of, mail, send):
    mail.fail("phone_a", refuse=503)
    mail.fail("mail_a", refuse=451)
    message_id = queue(database, person_of(*BOTH), "seat_offered")
    send()
    assert tried(database, message_id) == [(SMS, "http_503"), (EMAIL, "smtp_451")]
    assert look(database, message_id) == ("queued", "smtp_451")
    assert message(database, message_id).not_before > clock.now()


def test_an_answer_that_was_lost_is_not_followed_by_a_mail(database, person_of, mail, send):
    """It may have arrived: the same thing by two channels would be told twice."""
    mail.fail("phone_a", lose_reply=True)
    message_id = queue(database, person_of(*BOTH), "seat_offered")
    send()
    assert [one["channel"] for one in mail.accepted()] == [SMS]
    assert message(database, message_id).may_repeat


@pytest.mark.parametrize("said", [receipt.FAILED, receipt.UNDELIVERABLE])
def test_a_text_that_did_not_arrive_goes_by_mail(database, person_of, mail, send, said):
    message_id = queue(database, person_of(*BOTH), "seat_offered")
    send()
    assert hears(database, message_id, said)
    assert look(database, message_id) == ("queued", "undelivered")
    send()
    assert [one["channel"] for one in mail.accepted()] == [SMS, EMAIL]
    assert look(database, message_id) == ("sent", None)
    told = [type(one) for one in announced(database)]
    assert told == [MessageTexted, MessageUndelivered, MessageSent]
    assert hears(database, message_id, receipt.DELIVERED, attempt=0)
    assert look(database, message_id) == ("sent", None)


def test_a_text_that_did_not_arrive_and_has_no_other_way_is_given_up(
    database, person_of, mail, send
):
    message_id = queue(database, person_of("days.sms"), "seat_offered")
    send()
    hears(database, message_id, receipt.UNDELIVERABLE)
    send()
    assert look(database, message_id) == ("failed", "undelivered")
    assert [one["channel"] for one in mail.accepted()] == [SMS]
    assert [type(one) for one in announced(database)] == [
        MessageTexted, MessageUndelivered, MessageSkipped,
    ]  # fmt: skip


def test_who_said_stop_meanwhile_gets_no_second_way(database, person_of, mail, send):
    person = person_of(*BOTH)
    message_id = queue(database, person, "seat_offered")
    send()
    with database.work() as db:
        stop(db, find_recipient(db, person.id), (SMS, EMAIL), by="t")
    hears(database, message_id, receipt.FAILED)
    send()
    assert look(database, message_id) == ("skipped", "opted_out")
    assert len(mail.accepted()) == 1


def test_receipts_in_any_order_and_twice_leave_what_is_final(database, person_of, send):
    message_id = queue(database, person_of(*BOTH), "seat_offered")
    send()
    for said in (receipt.DELIVERED, receipt.SENT, receipt.FAILED, receipt.DELIVERED):
        hears(database, message_id, said)
    with database.work() as db:
        (one,) = attempts.of_message(db, message_id)
    assert (one.receipt, one.is_final) == (receipt.DELIVERED, False)
    assert look(database, message_id) == ("sent", None)


def test_a_receipt_after_a_lost_answer_says_that_it_has_gone(
    database, clock, person_of, mail, send
):
    """Planted fault: without it the text is sent once more."""
    mail.fail("phone_a", lose_reply=True)
    message_id = queue(database, person_of("days.sms"), "seat_offered")
    send()
    assert look(database, message_id)[0] == "queued"
    with database.work() as db:
        assert receipts.take(db, message_id, Receipt("SM1", receipt.DELIVERED))
    assert look(database, message_id) == ("sent", None)
    mail.fail("phone_a")
    clock.advance_to(clock.now() + timedelta(minutes=5))
    send()
    assert len(mail.accepted()) == 1


def test_a_receipt_of_another_message_changes_nothing(database, person_of, send):
    """Planted fault: believing whatever reference comes lets one message's failure bring back
    another one, of another person and clinic."""
    mine, others = (queue(database, person_of(*BOTH), "seat_offered") for _ in range(2))
    send()
    with database.work() as db:
        foreign = attempts.of_message(db, others)[0].reference
        assert foreign is not None
        assert not receipts.take(db, mine, Receipt(foreign, receipt.FAILED))
    assert look(database, mine) == look(database, others) == ("sent", None)


def test_texts_that_leave_at_once_count_each_other(database, clock, person_of, mail, send):
    """Planted fault: an attempt that is written only when it is over lets a whole batch through."""
    person = person_of("homework.sms")
    ids = [queue(database, person, "homework_due") for _ in range(5)]
    clock.advance_to(STARTS_AT - timedelta(hours=1))
    send()
    assert len(mail.accepted()) == LIMITS[HOMEWORK].a_day
    assert [look(database, one) for one in ids].count(("skipped", "too_many")) == 4
