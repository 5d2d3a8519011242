"""One person's whole journey through five services, on both pairs."""

from datetime import timedelta

import pytest

from tests.journeys.person import GROUP, NINE, SEGMENTS, Clinic

MINUTES_WITHOUT_BREAK = sum(s["minutes"] for s in SEGMENTS if s["kind"] != "break")


def subjects(mail):
    return [letter["subject"] for letter in mail.accepted()]


def test_from_referral_to_homework_and_discharge(house, mail):
    clinic = Clinic(house)
    cohort = clinic.open_cohort()
    person = clinic.refer()
    person.pass_intake()
    house.settle()
    person.sit(cohort["cohort_id"])
    house.settle()
    assert mail.accepted() == [], "at six in the morning nobody is told anything"

    house.advance(NINE - timedelta(minutes=5))
    assert len(mail.accepted()) == 3, "the seat is offered, and the day announced twice"
    day = cohort["occurrences"][0]["occurrence_id"]
    opened = clinic.post(f"/sessions/occurrences/{day}/session", person=clinic_person(clinic))
    session = opened["session_id"]
    assert [one["participant_id"] for one in opened["expected"]] == [person.id]
    person.log_in(session)
    assert person.check_in(session)["risk"] is None
    house.advance(NINE)
    elapsed = 0
    for position, segment in enumerate(SEGMENTS):
        clinic.post(f"/sessions/sessions/{session}/segments", {"position": position})
        elapsed += segment["minutes"]
        house.advance(NINE + timedelta(minutes=elapsed))
    homework = {"template": "thought_record", "due_on": "2027-03-01", "due_local": "20:00"}
    (given,) = clinic.post(f"/sessions/sessions/{session}/homework", homework)["homework"]
    credited = clinic.post(f"/sessions/sessions/{session}/wrap-up")["credited"]
    assert credited[0]["minutes"] == MINUTES_WITHOUT_BREAK
    house.advance(timedelta(hours=7))
    assert len(mail.accepted()) == 4, "homework is reminded of two hours before it is due"
    clinic.post(f"/sessions/homework/{given['homework_id']}/submission", **person.myself)
    house.settle()

    episode = clinic.get(person.episode)
    assert episode["attended_minutes"] == MINUTES_WITHOUT_BREAK
    clinic.post(f"{person.episode}/discharge", {"reason": "completed"})
    house.advance(timedelta(days=5))
    assert len(mail.accepted()) == 4, "nobody is reminded after discharge"
    letters = [letter["key"] for letter in mail.accepted()]
    assert len(set(letters)) == len(letters)
    assert {letter["to"] for letter in mail.accepted()} == {
        f"{clinic.canary.planted['email']}@mail.example"
    }


def test_somebody_in_danger_reaches_a_human_though_the_first_does_not_answer(house, mail):
    clinic = Clinic(house)
    person = clinic.refer()
    told = person.answer("ASQ", {"asq_1": 1}, complete=False)
    assert told["risk"] == {"tier": "T2", "trigger": "asq_positive"}
    assert told["crisis_numbers"]["call"] == "988"
    house.settle()
    (case,) = clinic.get(f"/crisis/cases?clinic_id={clinic.id}", role="crisis_lead")["items"]
    assert case["participant_id"] == person.id
    house.advance(timedelta(seconds=2))
    first = len(mail.accepted())
    assert first >= 1, "the first rung is paged"

    house.advance(timedelta(minutes=10))
    assert len(mail.accepted()) > first, "nobody acknowledged, so the ladder climbs"
    backup = {"role": "clinician", "person": as_uuid(clinic.backup)}
    path = f"/crisis/cases/{case['case_id']}"
    clinic.post(f"{path}/acknowledgement", **backup)
    house.advance(timedelta(seconds=5))
    paged = len(mail.accepted())
    assert "somebody has it" in mail.accepted()[-1]["text"], "the others are told who need not act"
    late = clinic.call(
        "POST", f"{path}/acknowledgement", {}, expect=409, person=as_uuid(clinic.facilitator)
    )
    assert clinic.backup in late.text, "the second is told who has it"
    clinic.post(f"{path}/contact", **backup)
    house.advance(timedelta(hours=1))
    assert len(mail.accepted()) == paged, "paging has stopped"
    conclusion = {
        "disposition": "assessed_safe", "safety_plan": "made", "licence": "NY",
        "follow_up": "standard",
    }  # fmt: skip
    clinic.post(f"{path}/conclusion", conclusion, **backup)
    for due_at in clinic.get(path, role="crisis_lead")["follow_ups"]:
        clinic.post(f"{path}/follow-up", {"due_at": due_at}, **backup)
    assert clinic.get(path, role="crisis_lead")["state"] == "closed"


def test_an_abandoned_screen_is_a_risk_after_ten_minutes(house):
    clinic = Clinic(house)
    person = clinic.refer()
    person.answer("ASQ", {"asq_1": 0}, complete=False)
    house.advance(timedelta(minutes=9))
    assert clinic.get(f"/crisis/cases?clinic_id={clinic.id}", role="crisis_lead")["items"] == []
    house.advance(timedelta(minutes=2))
    (case,) = clinic.get(f"/crisis/cases?clinic_id={clinic.id}", role="crisis_lead")["items"]
    assert case["tier"] == "T2"


def test_an_unsafe_check_in_is_a_case_before_the_day_goes_on(house):
    clinic = Clinic(house)
    person, session = clinic.open_day()
    person.log_in(session)
    told = person.check_in(session, safe=False)
    assert told["risk"]["tier"] == "T1"
    house.settle()
    (case,) = clinic.get(f"/crisis/cases?clinic_id={clinic.id}", role="crisis_lead")["items"]
    assert (case["tier"], case["participant_id"]) == ("T1", person.id)


@pytest.mark.parametrize("path", ["/intake/episodes", "/crisis/cases"])
def test_another_clinic_sees_nothing(house, path):
    clinic = Clinic(house)
    person = clinic.refer()
    person.answer("ASQ", {"asq_1": 1}, complete=False)
    house.settle()
    stranger = Clinic(house)
    assert stranger.get(path, role="crisis_lead")["items"] == []
    stranger.call("GET", person.episode, expect=404)


def clinic_person(clinic):
    return as_uuid(clinic.facilitator)


def as_uuid(text):
    from uuid import UUID

    return UUID(text)


def test_the_group_is_where_the_template_says():
    assert SEGMENTS[GROUP]["kind"] == "group"
