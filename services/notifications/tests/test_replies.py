"""What people write back, from the telephone company's callback to what comes of it."""

import io
from datetime import timedelta

import httpx
import sqlalchemy as sa
from prometheus_client import REGISTRY

from catalogue.notifications import AbsenceAnnounced
from catalogue.risk import RiskDetected
from chassis import logs
from notifications import answers
from notifications.numbers import Number
from notifications.replies import Reply
from services.notifications.tests.builders import (
    CLINIC,
    STARTS_AT,
    Person,
    day,
    keep_details,
)
from services.notifications.tests.telephones import desk
from services.notifications.tests.test_service import listed, seat

__all__ = ["desk"]

CANARY = "zanzibar"


def said(answer: httpx.Response) -> list[str]:
    """What the telephone company is to write back."""
    assert (answer.status_code, answer.headers["content-type"]) == (
        200, "text/xml; charset=utf-8",
    ), answer.text  # fmt: skip
    return [part.split("</Message>")[0] for part in answer.text.split("<Message>")[1:]]


def reasons(desk, person) -> set[tuple[str, str | None]]:
    return {(one["state"], one["reason"]) for one in listed(desk.house, person)}


def test_stop_ends_texts_at_once_and_is_confirmed_once(desk):
    person = desk.arrives("days.sms")
    seat(desk.house, person, day(person.cohort_id))
    desk.house.settle()
    assert said(desk.writes(person, "please stop texting me")) == [answers.text("stopped", "en")]
    assert said(desk.writes(person, "STOP", "SM2")) == []
    assert reasons(desk, person) == {("sent", None), ("skipped", "opted_out")}
    desk.house.advance(STARTS_AT)
    assert len(desk.outside.accepted()) == 1


def test_what_comes_again_is_answered_again_and_done_once(desk):
    """Planted fault: a telephone company that repeats itself opens a case each time."""
    person = desk.arrives("days.sms")
    first, again = (desk.writes(person, "STOP, I want to die") for _ in range(2))
    assert said(first) == said(again)
    assert len(desk.announced(RiskDetected)) == len(desk.rows(Reply)) == 1


def test_danger_is_told_at_once_and_a_stop_beside_it_holds_too(desk):
    """Planted fault: a STOP that ends the reading leaves somebody in danger unheard."""
    person = desk.arrives("days.sms")
    answer = said(desk.writes(person, "STOP. I want to die"))
    assert answer == [answers.text("numbers", "en"), answers.text("stopped", "en")]
    (risk,) = desk.announced(RiskDetected)
    assert (risk.participant_id, risk.clinic_id, risk.tier, risk.trigger) == (
        person.id, CLINIC, "T2", "reply_risk_words",
    )  # fmt: skip
    assert risk.stream.lane == "urgent"
    seat(desk.house, person, day(person.cohort_id))
    desk.house.settle()
    assert desk.outside.accepted() == []


def test_danger_needs_no_consent_and_no_text_of_ours_before_it(desk):
    person = desk.arrives()
    assert said(desk.writes(person, "quiero morir")) == [answers.text("numbers", "es")]
    assert len(desk.announced(RiskDetected)) == 1


def test_who_writes_from_a_number_they_had_before_is_known(desk):
    person = desk.arrives()
    former, person.number = person.number, "+12025550188"
    desk.house.hear("notifications", person.changes_details(version=2), source="intake")
    keep_details(desk.runtime.database, desk.runtime.vault, person, version=2)
    desk.house.settle()
    for number in (former, person.number):
        desk.writes(person, "I want to die", f"SM{number}", From=number)
    assert len(desk.announced(RiskDetected)) == 2


def test_a_number_that_two_people_share_speaks_for_both(desk):
    one, other = desk.arrives("days.sms", phone="+12025550177"), Person()
    other = desk.arrives("days.sms", phone="+12025550177")
    one.number = "+12025550177"
    assert said(desk.writes(one, "STOP I want to die")) == [
        answers.text("numbers", "en"), answers.text("stopped", "en"),
    ]  # fmt: skip
    assert {risk.participant_id for risk in desk.announced(RiskDetected)} == {one.id, other.id}


def test_a_stranger_is_counted_leaves_nothing_and_still_gets_the_numbers(desk):
    counted = {"sender": "unknown", "kind": "risk"}
    before = REGISTRY.get_sample_value("evenkeel_notifications_replies_total", counted) or 0
    assert said(desk.writes(Person(), "I want to die")) == [answers.text("numbers_alone", "en")]
    assert said(desk.writes(Person(), "hello", "SM2")) == []
    after = REGISTRY.get_sample_value("evenkeel_notifications_replies_total", counted)
    assert after == before + 1
    assert desk.rows(Reply) == []
    assert desk.house.announced("notifications") == []


def test_the_words_are_in_no_row_no_event_and_no_line_of_the_log(desk):
    person = desk.arrives("days.sms")
    written = io.StringIO()
    logs.configure(stream=written)
    desk.writes(person, f"STOP {CANARY} I want to die")
    desk.writes(person, CANARY, "SM2")
    logs.configure()
    kept = [vars(one) for one in desk.rows(Reply)]
    with desk.runtime.database.work() as db:
        names = sa.inspect(db.connection()).get_table_names()
        rows = str([db.execute(sa.text(f'SELECT * FROM "{name}"')).all() for name in names])
    assert (
        CANARY not in f"{written.getvalue()} {kept} {rows} {desk.house.announced('notifications')}"
    )
    assert person.number not in rows


def test_start_brings_texts_back(desk):
    person = desk.arrives("days.sms")
    seat(desk.house, person, day(person.cohort_id))
    desk.house.settle()
    desk.writes(person, "stop")
    assert said(desk.writes(person, "START", "SM2")) == [answers.text("started", "en")]
    desk.house.advance(STARTS_AT)
    assert len(desk.outside.accepted()) > 2


def test_help_is_answered(desk):
    person = desk.arrives()
    assert said(desk.writes(person, "HELP")) == [answers.text("help", "en")]
    assert said(desk.writes(person, "ayuda", "SM2")) == [answers.text("help", "es")]


def test_what_no_list_knows_is_left_for_the_staff_and_not_answered(desk):
    person = desk.arrives()
    assert said(desk.writes(person, "lalala")) == []
    (reply,) = desk.rows(Reply)
    assert (reply.kinds, reply.person_id) == (["unread"], person.id)


def test_a_reply_that_nobody_of_ours_signed_is_refused_and_does_nothing(desk):
    """Planted fault: without the signature anybody stops anybody's texts."""
    person = desk.arrives("days.sms")
    fields = {"MessageSid": "SM1", "From": person.number, "To": "+1", "Body": "STOP"}
    for forged in (
        desk.post("replies", fields, token="another"),
        desk.post("replies", {**fields, "AccountSid": "AC" + "f" * 32}),
    ):
        assert (forged.status_code, forged.json()["code"]) == (403, "not_signed")
    assert desk.rows(Reply) == []


def test_who_is_erased_is_forgotten_by_number_too(desk):
    person = desk.arrives()
    assert len(desk.rows(Number)) == 1
    with desk.runtime.database.work() as db:
        desk.runtime.vault.erase(db, person.id)
    desk.house.settle()
    assert desk.rows(Number) == []
    assert said(desk.writes(person, "STOP")) == []


def test_cannot_come_is_of_the_next_day_once_and_danger_beside_it_is_told_too(desk):
    person = desk.arrives("days.sms")
    first, second = (day(person.cohort_id, STARTS_AT + timedelta(days=n)) for n in range(2))
    seat(desk.house, person, first, second)
    desk.house.settle()
    assert said(desk.writes(person, "I can't come", "SM1")) == [answers.text("no_day", "en")]
    assert desk.announced(AbsenceAnnounced) == []
    desk.house.advance(STARTS_AT - timedelta(hours=2))
    texts = said(desk.writes(person, "no puedo ir, quiero morir", "SM2"))
    assert texts == [answers.text("numbers", "es"), answers.text("not_coming", "es")]
    assert said(desk.writes(person, "can't come", "SM3")) == [answers.text("no_day", "en")]
    (told,) = desk.announced(AbsenceAnnounced)
    assert (told.participant_id, told.occurrence_id) == (person.id, first.occurrence_id)
    assert len(desk.announced(RiskDetected)) == 1
    of_day = [m for m in listed(desk.house, person) if m["about_id"] == str(first.occurrence_id)]
    assert {m["reason"] for m in of_day if m["state"] == "skipped"} >= {"cannot_come"}
    of_next = [m for m in listed(desk.house, person) if m["about_id"] == str(second.occurrence_id)]
    assert "cannot_come" not in {m["reason"] for m in of_next}
