"""What the screens show, and to whom."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from notifications import wording
from notifications.delivery_log import HIGH, STATUSES, bars
from services.notifications.tests.builders import (
    CLINIC,
    STARTS_AT,
    Person,
    cancellation,
    day,
)
from services.notifications.tests.telephones import desk
from services.notifications.tests.test_service import listed, seat
from web.browsers import Cookies, Visitor
from web.callers import Caller

__all__ = ["desk"]
SETTINGS = {"quiet_from": "21:00", "quiet_to": "08:00", "safe_to_text": "on"}


class Looking:
    """Somebody with a browser."""

    def __init__(self, desk, role: str, person_id: UUID, *clinics: UUID) -> None:
        self.address, self.token = (
            desk.house.address,
            desk.house.issuer.token(role, person_id, clinics or (CLINIC,)),
        )
        self.cookies = {Cookies("demo")._named("signed-in"): self.token}

    def at(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.address}/notifications/{path}", cookies=self.cookies, timeout=30)

    def sends(self, path: str, **form: str) -> httpx.Response:
        visitor = Visitor(Caller("", ""), self.token)
        form = {"proof": visitor.proof, "once": str(uuid4()), **form}
        return httpx.post(
            f"{self.address}/notifications/{path}", data=form, cookies=self.cookies, timeout=30
        )


@pytest.fixture
def person(desk) -> Person:
    """Somebody who was given a place, of which one day was called off."""
    one = desk.arrives("days.sms", "homework.email")
    days = [day(one.cohort_id, STARTS_AT + timedelta(days=n)) for n in range(2)]
    seat(desk.house, one, *days)
    desk.house.settle()
    desk.house.hear("notifications", cancellation(days[0]), source="scheduling")
    return one


def test_a_history_is_of_its_own_person_alone(desk, person):
    """Planted fault: a history that is not narrowed to who is signed in shows another's."""
    other = desk.arrives("days.email")
    seat(desk.house, other, day(other.cohort_id))
    desk.house.settle()
    desk.writes(other, "lalala")
    shown = {
        one.id: Looking(desk, "participant", one.id).at("history").text for one in (person, other)
    }
    for one, another in ((person, other), (other, person)):
        for item in listed(desk.house, one):
            assert item["message_id"] not in shown[another.id]
    assert any(item["message_id"] in shown[person.id] for item in listed(desk.house, person))
    assert "somebody will ask you" in shown[other.id]
    assert "somebody will ask you" not in shown[person.id]


def test_somebody_who_is_not_known_here_has_no_history(desk):
    assert Looking(desk, "participant", uuid4()).at("history").status_code == 404
    assert Looking(desk, "clinician", uuid4()).at("history").status_code == 403


def test_settings_show_what_stands_and_keep_the_words_that_were_read(desk, person):
    looking = Looking(desk, "participant", person.id)
    before = looking.at("settings").text
    for words in wording.WORDINGS[wording.CURRENT].values():
        assert words.replace("'", "&#39;") in before
    assert before.count(" checked") == 3  # two of the forms, and that it is safe to text
    answer = looking.sends("settings", **SETTINGS, days_email="on")
    assert (answer.status_code, answer.headers["location"]) == (
        303, "/notifications/settings?saved=true",
    )  # fmt: skip
    asked = f"/notifications/recipients/{person.id}/consents"
    said = desk.house.call("GET", asked, clinics=[CLINIC]).json()
    stands = {(one["purpose"], one["channel"]): one for one in said["standings"]}
    assert {key: (one["allowed"], one["reason"]) for key, one in stands.items()} == {
        ("days", "sms"): (False, "opted_out"), ("days", "email"): (True, None),
        ("homework", "sms"): (False, "no_consent"), ("homework", "email"): (False, "opted_out"),
    }  # fmt: skip
    (given,) = [one for one in said["items"] if one["n"] == stands["days", "email"]["n"]]
    assert given["wording"] == wording.WORDINGS[wording.CURRENT]["days", "email"]
    assert (given["said_in"], given["by"]) == ("page", f"participant:{person.id}")


def test_what_is_wrong_with_settings_changes_nothing(desk, person):
    answer = Looking(desk, "participant", person.id).sends("settings", **SETTINGS, safe_from="9:00")
    assert answer.status_code == 422
    asked = f"/notifications/recipients/{person.id}/consents"
    said = desk.house.call("GET", asked, clinics=[CLINIC]).json()
    assert {one["said_in"] for one in said["items"]} == {"form"}


def test_the_log_is_of_the_clinic_and_day_and_state_that_were_asked_for(desk, person):
    staff = Looking(desk, "clinician", uuid4())
    today = desk.runtime.database.clock.now().date().isoformat()
    sent, *_ = [one for one in listed(desk.house, person) if one["state"] == "sent"]
    assert sent["message_id"] in staff.at(f"deliveries?on={today}").text
    assert sent["message_id"] not in staff.at(f"deliveries?on={today}&status=skipped").text
    assert sent["message_id"] not in staff.at("deliveries?on=2026-11-20&status=").text
    elsewhere = Looking(desk, "clinician", uuid4(), uuid4())
    assert sent["message_id"] not in elsewhere.at(f"deliveries?on={today}").text
    assert staff.at("deliveries?on=yesterday").status_code == 422
    assert staff.at(f"deliveries?clinic_id={uuid4()}").status_code == 403


def test_the_log_names_who_wrote_what_no_list_knows(desk, person):
    desk.writes(person, "lalala")
    assert str(person.id) in Looking(desk, "clinician", uuid4()).at("deliveries").text
    assert str(person.id) not in Looking(desk, "clinician", uuid4(), uuid4()).at("deliveries").text


def test_why_names_the_rule_the_consent_each_attempt_and_the_cause(desk, person):
    desk.until(lambda: why(desk, person, "sent")["status"] == "delivered")
    told = why(desk, person, "sent")
    assert told["rule"] == "Sent at once when you are given a place."
    assert (told["consent"]["said_in"], told["consent"]["version"]) == ("form", "2026-01")
    (attempt,) = told["attempts"]
    assert (attempt["channel"], attempt["outcome"], attempt["receipt"]) == (
        "sms", "accepted", "delivered",
    )  # fmt: skip
    assert UUID(told["caused_by"])
    dropped = why(desk, person, "skipped")
    assert (dropped["status"], dropped["consent"], dropped["attempts"]) == ("skipped", None, [])
    assert dropped["reason_in_words"] == "What it was about was called off."


def test_why_is_told_to_the_person_and_the_clinic_alone(desk, person):
    (one, *_) = listed(desk.house, person)
    path = f"/notifications/messages/{one['message_id']}/why"

    def status(**caller) -> int:
        return desk.house.call("GET", path, **{"clinics": [CLINIC], **caller}).status_code

    assert status() == status(role="participant", person=person.id) == 200
    assert status(role="participant", person=uuid4()) == 404
    assert status(clinics=[uuid4()]) == 404
    elsewhere = Looking(desk, "clinician", uuid4(), uuid4())
    assert elsewhere.at(f"deliveries/{one['message_id']}").status_code == 404
    assert (
        Looking(desk, "auditor", uuid4()).at(f"deliveries/{one['message_id']}").status_code == 200
    )


def why(desk, person, state: str) -> dict:
    found = [one for one in listed(desk.house, person) if one["state"] == state]
    path = f"/notifications/messages/{found[0]['message_id']}/why"
    answer = desk.house.call("GET", path, clinics=[CLINIC])
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_picture_has_every_message_once_and_the_fullest_hour_is_as_high_as_it_is():
    found = [("sent", 9)] * 3 + [("skipped", 9)] + [("failed", 23)] * 2
    made = bars(found)
    assert sum(one.count for one in made) == len(found)
    assert sum(one.height for one in made if one.hour == 9) == HIGH
    assert sum(one.height for one in made if one.hour == 23) == HIGH / 2
    lower, upper = (one for one in made if one.hour == 9)
    assert lower.y == upper.y + upper.height
    assert {one.status for one in made} <= set(STATUSES)
    assert bars([]) == []


def test_an_hour_is_that_of_the_recipients(desk, person):
    """Ten in the morning in New York."""
    at = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
    assert desk.runtime.database.clock.now() == at
    text = Looking(desk, "clinician", uuid4()).at("deliveries").text
    assert "<title>10:00, 1 " in text
    assert "America/New York" in text
