"""The service as it runs: events through the real receive step, routes over HTTP, real mail."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa

from catalogue.notifications import MessageSent, MessageSkipped
from chassis.clock import SimulatedClock
from chassis.tables import reads
from notifications.messages import MESSAGE
from notifications.templates import REMINDERS
from services.notifications.tests.builders import (
    CLINIC,
    SENDER,
    STARTS_AT,
    Person,
    cancellation,
    day,
    keep_address,
)

README = Path(__file__).parents[1] / "README.md"


@pytest.fixture
def house(house_of, mail):
    settings = {"EVENKEEL_SMTP_URL": mail.smtp_url(), "EVENKEEL_SENDER": SENDER}
    clock = SimulatedClock(datetime(2026, 11, 24, 15, 0, tzinfo=UTC))
    return house_of("notifications", clock=clock, settings=settings)


@pytest.fixture
def person(house) -> Person:
    """Somebody who consented, was admitted, and whose address has arrived."""
    one = Person()
    for event in (one.consents("email"), one.is_admitted(), one.changes_details()):
        house.hear("notifications", event, source="intake")
    runtime = house.runtime("notifications")
    keep_address(runtime.database, runtime.vault, one)
    return one


def seat(house, person, *days) -> None:
    for event in (*days, person.is_seated(days[0].starts_at)):
        house.hear("notifications", event, source="scheduling")


def listed(house, person, **options) -> list[dict]:
    asked = {"recipient_id": str(person.id)}
    answer = house.call("GET", "/notifications/messages", clinics=[CLINIC], params=asked, **options)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def test_a_seat_becomes_a_message_now_and_reminders_of_each_of_its_days(house, person, mail):
    first, second = day(person.cohort_id), day(person.cohort_id, STARTS_AT + timedelta(days=1))
    seat(house, person, first, second)
    house.settle()
    assert [one["to"] for one in mail.accepted()] == [person.address]
    house.advance(first.starts_at)
    house.advance(second.starts_at)
    assert [one["text"].strip() for one in mail.accepted()] == [
        "You have an appointment on Tuesday, December 1 at 9:00 AM.",
        "You have an appointment on Tuesday, December 1 at 9:00 AM.",
        "Tomorrow, Tuesday, December 1: 9:00 AM.",
        "You have an appointment at 9:00 AM.",
        "Your appointment begins at 9:00 AM.",
        "You have an appointment on Wednesday, December 2 at 9:00 AM.",
        "Tomorrow, Wednesday, December 2: 9:00 AM.",
        "You have an appointment at 9:00 AM.",
        "Your appointment begins at 9:00 AM.",
    ]
    assert [type(told) for told in house.announced("notifications")] == [MessageSent] * 9
    items = listed(house, person)
    assert {item["state"] for item in items} == {"sent"}
    begins = next(item for item in items if item["template"] == "day_begins")
    assert begins["sent_at"].startswith("2026-12-01T13:00")
    assert person.address not in str(items)


def test_a_cancelled_day_is_listed_with_the_reason_it_was_not_announced(house, person, mail):
    one = day(person.cohort_id)
    seat(house, person, one)
    house.settle()
    house.hear("notifications", cancellation(one), source="scheduling")
    house.advance(STARTS_AT)
    assert len(mail.accepted()) == 1
    skipped = [item for item in listed(house, person) if item["about_id"] == str(one.occurrence_id)]
    assert {(item["state"], item["reason"]) for item in skipped} == {("skipped", "cancelled")}
    told = [type(announced) for announced in house.announced("notifications")]
    assert told == [MessageSent, *[MessageSkipped] * len(REMINDERS)]


def test_homework_is_reminded_two_hours_ahead_unless_it_was_handed_in(house, person, mail):
    due_at = datetime(2026, 11, 26, 1, 0, tzinfo=UTC)  # eight in the evening in New York
    open_one, done = uuid4(), uuid4()
    for homework_id in (open_one, done):
        house.hear("notifications", person.gets_homework(due_at, homework_id), source="sessions")
    house.hear("notifications", person.hands_in(done), source="sessions")
    house.advance(due_at)
    (accepted,) = mail.accepted()
    assert accepted["text"].strip() == "You have something to finish by 8:00 PM."
    by_matter = {item["about_id"]: item for item in listed(house, person)}
    assert by_matter[str(open_one)]["state"] == "sent"
    assert by_matter[str(open_one)]["sent_at"].startswith("2026-11-25T23:00")
    assert by_matter[str(done)]["reason"] == "submitted"


@pytest.mark.parametrize("ends", [Person.is_discharged, Person.is_not_admitted])
def test_after_the_episode_nothing_is_sent_any_more(house, person, mail, ends):
    one = day(person.cohort_id)
    seat(house, person, one)
    house.settle()
    house.hear("notifications", ends(person), source="intake")
    house.advance(STARTS_AT)
    assert len(mail.accepted()) == 1
    assert listed(house, person)[-1]["reason"] == "no_consent"


def test_a_participant_says_when_they_may_be_written_to(house, person, mail):
    answer = house.call(
        "PUT", f"/notifications/recipients/{person.id}/preferences", role="participant",
        clinics=[CLINIC], person=person.id,
        json={"email": True, "quiet_from": "09:00", "quiet_to": "18:30"},
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "person_id": str(person.id), "email": True, "sms": True,
        "quiet_from": "09:00", "quiet_to": "18:30",
        "safe_to_text": True, "safe_to_leave_voicemail": False, "safe_from": None, "safe_to": None,
    }  # fmt: skip
    seat(house, person, day(person.cohort_id))
    house.settle()
    (waiting,) = [i for i in listed(house, person) if i["template"] == "seat_offered"]
    assert (waiting["state"], waiting["reason"]) == ("queued", "quiet_hours")
    assert waiting["not_before"].startswith("2026-11-24T23:30")
    house.advance(timedelta(hours=9))
    assert len(mail.accepted()) == 1


def test_a_participant_who_wants_no_email_gets_none(house, person, mail):
    house.call(
        "PUT", f"/notifications/recipients/{person.id}/preferences", clinics=[CLINIC],
        json={"email": False},
    ).raise_for_status()  # fmt: skip
    seat(house, person, day(person.cohort_id))
    house.settle()
    house.advance(STARTS_AT)
    assert mail.accepted() == []
    assert {item["reason"] for item in listed(house, person)} == {"opted_out"}


def test_wishes_that_make_no_sense_are_refused_by_field(house, person):
    path = f"/notifications/recipients/{person.id}/preferences"
    for body, field in (
        ({"quiet_from": "21:00"}, "email"),
        ({"email": "yes"}, "email"),
        ({"email": 1}, "email"),
        ({"email": True, "quiet_from": "25:00"}, "quiet_from"),
        ({"email": True, "sms": "yes"}, "sms"),
        ({"email": True, "voice": True}, "voice"),
        ({"email": True, "safe_from": "09:00"}, "safe_to"),
        ({"email": True, "safe_to": "09:00"}, "safe_from"),
        ({"email": True, "safe_from": "09:00", "safe_to": "09:00"}, "safe_to"),
    ):
        answer = house.call("PUT", path, clinics=[CLINIC], json=body)
        assert answer.status_code == 422
        assert [one["field"] for one in answer.json()["fields"]] == [field]


def test_wishes_are_taken_for_people_of_the_own_clinic_and_by_themselves_only(house, person):
    path = f"/notifications/recipients/{person.id}/preferences"
    asked = {"json": {"email": True}}
    stranger = {"role": "participant", "person": uuid4(), "clinics": [CLINIC]}
    assert house.call("PUT", path, clinics=[uuid4()], **asked).status_code == 404
    assert house.call("PUT", path, **stranger, **asked).status_code == 404
    assert house.call("PUT", path, role="auditor", clinics=[CLINIC], **asked).status_code == 403
    nobody = f"/notifications/recipients/{uuid4()}/preferences"
    assert house.call("PUT", nobody, clinics=[CLINIC], **asked).status_code == 404


def test_messages_are_shown_to_staff_of_the_clinic_and_to_the_person_only(house, person):
    seat(house, person, day(person.cohort_id))
    path, asked = "/notifications/messages", {"recipient_id": str(person.id)}

    def read(**caller):
        return house.call("GET", path, **{"clinics": [CLINIC], "params": asked, **caller})

    planned = 1 + len(REMINDERS)
    assert len(read(role="auditor").json()["items"]) == planned
    assert len(read(role="participant", person=person.id).json()["items"]) == planned
    assert len(read(params={}).json()["items"]) == planned
    assert len(read(params={"limit": "1"}).json()["items"]) == 1
    assert read(clinics=[uuid4()]).json() == {"items": []}
    assert read(role="participant", person=uuid4()).status_code == 404
    assert read(role="participant", person=person.id, params={}).status_code == 404
    assert read(role="scheduler").status_code == 403
    assert read(params={"limit": "501"}).status_code == 422
    assert read(params={"recipient": "x"}).status_code == 422


def test_whose_messages_were_read_is_noted(house, person):
    listed(house, person)
    with house.runtime("notifications").database.look() as connection:
        noted = connection.execute(sa.select(reads.c.operation, reads.c.subject)).all()
    assert noted == [("messages", f"recipient_id={person.id}")]


def test_the_readme_shows_the_states_as_they_are():
    assert f"```mermaid\n{MESSAGE.diagram()}\n```" in README.read_text()


def test_nobody_west_of_the_clinic_is_woken(house, mail):
    """A seat offered at nine in the morning of New York reaches Honolulu at its own eight."""
    person = Person(zone="Pacific/Honolulu")
    for event in (person.consents("email"), person.changes_details()):
        house.hear("notifications", event, source="intake")
    runtime = house.runtime("notifications")
    keep_address(runtime.database, runtime.vault, person)
    seat(house, person, day(person.cohort_id))
    house.settle()
    assert mail.accepted() == []
    house.advance(timedelta(hours=4))
    assert listed(house, person)[0]["sent_at"].startswith("2026-11-24T18:00")
