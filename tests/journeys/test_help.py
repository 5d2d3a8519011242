"""Somebody presses the button: a case, a page, and the truth about who has it. On both pairs."""

import re
from datetime import timedelta
from uuid import UUID

import httpx

from tests.journeys.person import Clinic

HELP, NOT_YET = "/crisis/help", "Nobody has confirmed yet"


def browser_of(house, clinic, person=None):
    """A browser, in which a participant is signed in or nobody is."""
    token = house.issuer.token("participant", UUID(person.id), [clinic.id]) if person else ""
    cookies = {"evenkeel-signed-in": token} if token else {}
    return httpx.Client(base_url=house.address, cookies=cookies, follow_redirects=True)


def press(browser, path=HELP):
    shown = browser.get(path).text.partition("<main")[2]
    sent = dict(re.findall(r'name="(proof|once)" value="([^"]*)"', shown))
    return browser.post(path, data=sent or {"proof": ""}).text


def cases(clinic):
    return clinic.get(f"/crisis/cases?clinic_id={clinic.id}", role="crisis_lead")["items"]


def test_help_is_pressed_somebody_is_paged_and_the_page_says_who_has_it(house, mail):
    clinic = Clinic(house)
    person = clinic.refer()
    house.settle()
    browser = browser_of(house, clinic, person)
    assert NOT_YET in press(browser)
    house.advance(timedelta(seconds=2))
    (case,) = cases(clinic)
    assert (case["tier"], case["participant_id"]) == ("T1", person.id)
    facilitator = f"{clinic.canary.planted['lead.email']}@mail.example"
    assert facilitator in {letter["to"] for letter in mail.accepted()}
    assert NOT_YET in browser.get(HELP).text, "paged is not seen"

    path = f"/crisis/cases/{case['case_id']}/acknowledgement"
    clinic.post(path, role="supervisor", person=UUID(clinic.facilitator))
    shown = browser.get(HELP).text
    assert "A supervisor has your call" in shown
    assert clinic.canary.planted["lead.given_name"] not in shown


def test_a_link_calls_for_somebody_who_is_not_signed_in(house):
    clinic = Clinic(house)
    person = clinic.refer()
    house.settle()
    body = {"clinic_id": str(clinic.id), "participant_id": person.id}
    link = clinic.post("/crisis/help-links", body)["path"]
    browser = browser_of(house, clinic)
    assert "We do not know who you are" in press(browser)
    assert "I need help now" in browser.get(link).text
    assert cases(clinic) == []
    assert NOT_YET in press(browser, link)
    assert [case["participant_id"] for case in cases(clinic)] == [person.id]


def test_a_panic_button_and_an_answer_of_1_that_nobody_followed_reach_a_human(house):
    clinic = Clinic(house)
    person, session = clinic.open_day()
    person.answer("PHQ-9", {f"phq9_{n}": 0 for n in range(1, 9)} | {"phq9_9": 1})
    house.advance(timedelta(minutes=9))
    assert cases(clinic) == []
    house.advance(timedelta(minutes=1))
    assert [(case["tier"], case["participant_id"]) for case in cases(clinic)] == [("T2", person.id)]
    facilitator = UUID(clinic.facilitator)
    named = {"participant_id": person.id}
    clinic.post(f"/sessions/sessions/{session}/panic", named, person=facilitator)
    house.settle()
    (case,) = cases(clinic)
    assert case["tier"] == "T1"
    timeline = clinic.get(f"/crisis/cases/{case['case_id']}")["timeline"]
    (joined,) = [one for one in timeline if one["what"] == "risk_attached"]
    assert joined["facts"] == {
        "tier": "T1", "trigger": "facilitator_panic", "raised_by": clinic.facilitator,
    }  # fmt: skip
