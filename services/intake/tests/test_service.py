"""Intake over HTTP, on both pairs of broker and database."""

import json
from datetime import timedelta
from uuid import UUID, uuid4

import eventlet
import pytest
import sqlalchemy as sa

from catalogue.codec import encode
from catalogue.crisis import RiskAttached
from catalogue.intake import (
    ConsentGiven,
    LevelConfirmed,
    LevelRecommended,
    ParticipantAdmitted,
    ParticipantDetailsChanged,
    ParticipantDischarged,
    ReferralClosed,
    ReferralReceived,
    ScreenCompleted,
)
from catalogue.risk import RiskDetected
from catalogue.sessions import AttendanceCredited
from chassis.clock import SimulatedClock
from chassis.tables import reads, timers
from services.intake.tests.builders import (
    CALM_CSSRS,
    CANARY,
    HIGH_CSSRS,
    START,
    Desk,
    details,
    phq9,
)

NUMBERS = {"call": "988", "text": "988", "emergency": "911"}


@pytest.fixture
def desk(house_of):
    return Desk.of(house_of("intake", clock=SimulatedClock(START)))


def code(answer):
    return answer.status_code, answer.json()["code"]


def test_a_referral_becomes_an_admission_and_every_step_is_announced(desk):
    desk.admit()
    assert desk.state() == "admitted"
    kinds = [type(event) for event in desk.house.announced("intake")]
    assert kinds == [
        ReferralReceived, ParticipantDetailsChanged, ScreenCompleted, ScreenCompleted,
        LevelRecommended, LevelConfirmed, ConsentGiven, ParticipantAdmitted,
    ]  # fmt: skip
    (admitted,) = desk.announced(ParticipantAdmitted)
    assert (admitted.state, admitted.zone) == ("MT", "America/Denver")
    assert admitted.admitted_by == desk.clinician
    (confirmed,) = desk.announced(LevelConfirmed)
    assert (confirmed.confirmed_by, confirmed.as_recommended) == (desk.clinician, True)


def test_nothing_personal_and_no_answer_rides_on_an_event(desk):
    desk.admit()
    desk.ok("PUT", f"participants/{desk.participant}/details", details(given_name="Quillon"))
    sent = b"".join(encode(event) for event in desk.house.announced("intake")).decode()
    for word in (CANARY, "Quillon", "Example", "1990", "zebulon", "0143", "Street", "phq9_", "q1"):
        assert word not in sent


def test_details_lie_sealed_and_are_shown_to_those_who_may(desk):
    desk.refer()
    path = f"participants/{desk.participant}/details"
    shown = desk.ok("GET", path, **desk.myself)
    assert {name: shown[name] for name in details()} == details()
    assert shown["details_version"] == 1
    assert desk.ask("GET", path, role="participant", person=uuid4()).status_code == 404
    assert desk.ask("GET", path, role="auditor").status_code == 403
    assert desk.ask("GET", path, clinics=[uuid4()]).status_code == 404
    with desk.house.runtime("intake").database.look() as connection:
        for table in ("participants", "episodes", "details"):
            rows = connection.exec_driver_sql(f"SELECT * FROM {table}").all()
            assert CANARY not in repr(rows)


def test_who_changed_details_is_noted_as_having_read_them(desk):
    desk.refer()
    path = f"participants/{desk.participant}/details"
    desk.ok("PUT", path, details(given_name="Quillon"))
    with desk.house.runtime("intake").database.look() as connection:
        noted = connection.execute(sa.select(reads.c.operation, reads.c.subject)).all()
    assert noted == [("change_details", f"participant_id={desk.participant}")]


def test_changed_details_are_announced_with_their_version(desk):
    desk.refer()
    moved = details(state="WA", zone="America/Los_Angeles", language="es")
    path = f"participants/{desk.participant}/details"
    assert desk.ok("PUT", path, moved, **desk.myself)["state"] == "WA"
    told = desk.announced(ParticipantDetailsChanged)
    assert [(e.details_version, e.zone, e.language) for e in told] == [
        (1, "America/Denver", "en"), (2, "America/Los_Angeles", "es"),
    ]  # fmt: skip


def test_who_says_no_language_is_written_to_in_english(desk):
    without = details()
    del without["language"]
    desk.refer(participant=without)
    assert [e.language for e in desk.announced(ParticipantDetailsChanged)] == ["en"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "step_down"}, "discharged_on"),
        ({"kind": "walk_in"}, "kind"),
        ({"colour": "red"}, "colour"),
        ({"participant": details(birth_on="2030-01-01")}, "participant.birth_on"),
        ({"participant": details(state="ZZ")}, "participant.state"),
        ({"participant": details(zone="Mars/Olympus")}, "participant.zone"),
        ({"participant": details(language="tlh")}, "participant.language"),
        ({"participant": {"given_name": "A"}}, "participant.family_name"),
        ({"kind": "step_down", "discharged_on": "9999-12-31"}, "discharged_on"),
        ({"kind": "step_down", "discharged_on": "2026-11-24"}, "discharged_on"),
        ({"kind": "self", "discharged_on": "2026-11-20"}, "discharged_on"),
    ],
)
def test_a_referral_that_lacks_what_care_needs_is_refused_by_field(desk, change, field):
    body = {"clinic_id": str(desk.clinic), "kind": "self", "participant": details(), **change}
    answer = desk.ask("POST", "referrals", body)
    assert answer.status_code == 422
    assert field in [one["field"] for one in answer.json()["fields"]]
    assert desk.house.announced("intake") == []


def test_changed_details_are_refused_by_the_field_that_was_sent(desk):
    desk.refer()
    born = details(birth_on="2030-01-01")
    refused = desk.ask("PUT", f"participants/{desk.participant}/details", born)
    assert [one["field"] for one in refused.json()["fields"]] == ["birth_on"]


def test_a_referral_to_another_clinic_is_forbidden(desk):
    body = {"clinic_id": str(uuid4()), "kind": "self", "participant": details()}
    assert desk.ask("POST", "referrals", body).status_code == 403


def test_a_step_down_says_by_when_the_first_day_is_due(desk):
    desk.refer("step_down", discharged_on="2026-11-23")
    assert desk.ok("GET", f"episodes/{desk.episode}")["first_day_due_on"] == "2026-11-30"


def test_another_clinic_sees_nothing(desk):
    desk.refer()
    theirs = {"clinics": [uuid4()]}
    assert desk.ask("GET", f"episodes/{desk.episode}", **theirs).status_code == 404
    assert desk.ok("GET", "episodes", **theirs)["items"] == []
    screen = {"instrument": "ASQ"}
    asked = desk.ask("POST", f"episodes/{desk.episode}/screens", screen, **theirs)
    assert asked.status_code == 404
    assert desk.ask("GET", f"episodes?clinic_id={uuid4()}").status_code == 403


def test_episodes_are_listed_newest_last_and_by_state(desk):
    first = desk.refer().episode
    desk.house.advance(timedelta(minutes=1))
    second = desk.refer().episode
    desk.screen("GAD-7")
    listed = desk.ok("GET", f"episodes?clinic_id={desk.clinic}")["items"]
    assert [one["episode_id"] for one in listed] == [first, second]
    referred = desk.ok("GET", "episodes?state=referred")["items"]
    assert [one["episode_id"] for one in referred] == [first]
    assert [one["episode_id"] for one in desk.ok("GET", "episodes?limit=1")["items"]] == [second]


def test_an_opened_screen_says_what_is_asked_until_when_and_the_crisis_numbers(desk):
    desk.refer()
    path, body = f"episodes/{desk.episode}/screens", {"instrument": "ASQ"}
    put = desk.ok("POST", path, body, **desk.myself)
    assert put["items"] == ["asq_1", "asq_2", "asq_3", "asq_4", "asq_5"]
    assert put["state"] == "open"
    assert put["must_end_by"] == "2026-11-23T15:10:00.000000Z"
    assert put["crisis_numbers"] == NUMBERS
    again = desk.ask("POST", path, body)
    assert code(again) == (409, "already_open")
    assert again.json()["facts"]["screen_id"] == put["screen_id"]


def test_a_danger_is_announced_with_the_answer_that_shows_it_and_no_answer_is_told(desk):
    desk.refer()
    screen = desk.open_screen("C-SSRS", **desk.myself)
    said = desk.answer(screen, {"q1": 1, "q2": 1, "q4": 1}, **desk.myself)
    assert said["risk"] == {"tier": "T1", "trigger": "cssrs_high"}
    assert said["crisis_numbers"] == NUMBERS
    assert said["missing"] == ["q3", "q5", "q6"]
    (risk,) = desk.announced(RiskDetected)
    assert (risk.tier, risk.trigger, risk.instrument) == ("T1", "cssrs_high", "C-SSRS")
    assert risk.participant_id == UUID(desk.participant)
    told = set(json.loads(encode(risk)))
    assert told == {
        "clinic_id", "risk_id", "participant_id", "tier", "trigger", "instrument", "raised_by",
    }  # fmt: skip


def test_each_higher_tier_of_a_screen_is_a_new_risk_and_the_same_is_told_once(desk):
    desk.refer()
    screen = desk.open_screen("C-SSRS")
    seen = [
        desk.answer(screen, {item: 1})["risk"]
        for item in ("q1", "q2", "q3", "q6", "q5", "q4", "q6_within_3_months")
    ]
    assert [risk and risk["tier"] for risk in seen] == ["T3", None, "T2", None, "T1", None, None]
    assert desk.risks() == [("T3", "cssrs_low"), ("T2", "cssrs_moderate"), ("T1", "cssrs_high")]
    assert len({risk.risk_id for risk in desk.announced(RiskDetected)}) == 3


def test_a_changed_answer_keeps_the_former_one_and_the_risk(desk):
    desk.refer()
    screen = desk.open_screen("ASQ")
    desk.answer(screen, {"asq_1": 0, "asq_2": 1, "asq_3": 0, "asq_4": 0})
    assert desk.answer(screen, {"asq_2": 0})["missing"] == []
    ended = desk.ok("POST", f"screens/{screen}/completion")
    assert (ended["band"], ended["risk"]["tier"]) == ("negative", "T2")
    with desk.house.runtime("intake").database.look() as connection:
        kept = connection.exec_driver_sql(
            "SELECT value FROM screen_answers WHERE item = 'asq_2' ORDER BY revision"
        ).scalars()
        assert list(kept) == [1, 0]


@pytest.mark.parametrize(("value", "tier"), [(0, None), (1, None), (2, "T2"), (3, "T2")])
def test_item_9_of_phq_9_of_2_or_3_asks_for_a_human_at_once_and_1_waits(desk, value, tier):
    """Planted fault: `>= 1` where item 9 is a sign."""
    desk.refer()
    risk = desk.answer(desk.open_screen("PHQ-9"), {"phq9_9": value})["risk"]
    assert (risk and risk["tier"]) == tier
    assert desk.risks() == ([(tier, "phq9_item9")] if tier else [])


def test_a_screen_is_scored_only_when_all_is_answered(desk):
    desk.refer()
    screen = desk.open_screen("GAD-7")
    desk.answer(screen, {"gad7_1": 3, "gad7_2": 3})
    early = desk.ask("POST", f"screens/{screen}/completion")
    assert early.status_code == 422
    assert len(early.json()["fields"]) == 5
    desk.answer(screen, {f"gad7_{i}": 3 for i in range(3, 8)})
    done = desk.ok("POST", f"screens/{screen}/completion")
    assert (done["state"], done["total"], done["band"]) == ("complete", 21, "severe")
    assert [(e.instrument, e.band) for e in desk.announced(ScreenCompleted)] == [
        ("GAD-7", "severe")
    ]
    late = desk.ask("POST", f"screens/{screen}/answers", {"answers": {"gad7_1": 0}})
    assert code(late) == (409, "screen_complete")
    assert late.json()["crisis_numbers"] == NUMBERS


@pytest.mark.parametrize(
    "answers", [{"q9": 0}, {"q1": 2}, {"q1": True}, {}, {"q1": "yes"}, {"q6": 1, "q9": 0}]
)
def test_what_is_no_answer_is_refused_with_the_numbers_to_call_and_not_kept(desk, answers):
    desk.refer()
    screen = desk.open_screen("C-SSRS")
    wrong = desk.ask("POST", f"screens/{screen}/answers", {"answers": answers})
    assert wrong.status_code == 422
    assert wrong.json()["crisis_numbers"] == NUMBERS
    assert desk.risks() == []


def test_a_screen_that_is_left_alone_is_announced_at_its_tenth_minute_and_not_before(desk):
    desk.refer()
    screen = desk.open_screen("C-SSRS")
    desk.answer(screen, {"q1": 0})
    desk.house.advance(timedelta(minutes=9, seconds=59))
    assert desk.risks() == []
    desk.house.advance(timedelta(seconds=1))
    assert desk.risks() == [("T2", "screen_incomplete")]
    shown = desk.ok("GET", f"episodes/{desk.episode}")["screens"]
    assert shown[0]["state"] == "incomplete"


def test_an_ended_screen_is_never_overdue(desk):
    """Planted fault: without the raised generation the timer fails on it again and again."""
    desk.refer()
    desk.screen("ASQ")
    desk.house.advance(timedelta(hours=1))
    assert desk.risks() == []
    with desk.house.runtime("intake").database.look() as connection:
        assert connection.execute(sa.select(timers)).all() == []


def test_a_late_yes_still_counts(desk):
    desk.refer()
    screen = desk.open_screen("ASQ")
    desk.house.advance(timedelta(minutes=30))
    said = desk.answer(screen, {"asq_1": 1, "asq_5": 1})
    assert said["risk"] == {"tier": "T1", "trigger": "asq_imminent"}
    desk.answer(screen, {"asq_2": 0, "asq_3": 0, "asq_4": 0})
    assert desk.ok("POST", f"screens/{screen}/completion")["state"] == "complete"
    assert desk.risks() == [("T2", "screen_incomplete"), ("T1", "asq_imminent")]


@pytest.mark.parametrize("asq", [None, {"asq_1": 0}])
def test_item_9_of_1_without_an_ended_suicide_screen_is_a_risk_at_its_tenth_minute(desk, asq):
    """Planted faults: no timer where the PHQ-9 is completed; a screen begun counts as ended."""
    desk.refer()
    desk.screen("PHQ-9", phq9(10, item_9=1))
    if asq:
        desk.house.advance(timedelta(minutes=5))
        desk.answer(desk.open_screen("ASQ"), asq)
        desk.house.advance(timedelta(minutes=4, seconds=59))
    else:
        desk.house.advance(timedelta(minutes=9, seconds=59))
    assert desk.risks() == []
    desk.house.advance(timedelta(seconds=1))
    assert desk.risks() == [("T2", "screen_incomplete")]


def test_the_ten_minutes_of_item_9_count_from_its_first_answer_and_taking_it_back_stops_none(desk):
    """Planted faults: counted from the completion; the last answer only."""
    desk.refer()
    screen = desk.open_screen("PHQ-9")
    desk.answer(screen, phq9(10, item_9=1))
    desk.house.advance(timedelta(minutes=9))
    desk.answer(screen, {"phq9_9": 0})
    desk.ok("POST", f"screens/{screen}/completion")
    desk.house.advance(timedelta(seconds=59))
    assert desk.risks() == []
    desk.house.advance(timedelta(seconds=1))
    assert desk.risks() == [("T2", "screen_incomplete")]


def test_a_suicide_screen_ended_before_the_phq_9_is_not_the_one_item_9_asks_for(desk):
    desk.refer()
    desk.screen("ASQ")
    desk.house.advance(timedelta(minutes=1))
    desk.screen("PHQ-9", phq9(10, item_9=1))
    desk.house.advance(timedelta(minutes=10))
    assert desk.risks() == [("T2", "screen_incomplete")]


@pytest.mark.parametrize(
    ("instrument", "answers", "risks"),
    [
        ("ASQ", None, []),
        ("C-SSRS", CALM_CSSRS, []),
        ("C-SSRS", {**CALM_CSSRS, "q1": 1}, [("T3", "cssrs_low")]),
        ("ASQ", {f"asq_{n}": int(n == 2) for n in range(1, 6)}, [("T2", "asq_positive")]),
        ("ASQ", {f"asq_{n}": int(n in (1, 5)) for n in range(1, 6)}, [("T1", "asq_imminent")]),
    ],
)
def test_the_suicide_screen_that_follows_item_9_of_1_decides(desk, instrument, answers, risks):
    desk.refer()
    desk.screen("PHQ-9", phq9(10, item_9=1))
    desk.house.advance(timedelta(minutes=9))
    desk.screen(instrument, answers)
    desk.house.advance(timedelta(hours=1))
    assert desk.risks() == risks
    assert ("note_discordance" in desk.recommend()["actions"]) == (not risks)


def test_a_participant_reaches_only_their_own_screens_and_not_what_rules_suggest(desk):
    desk.refer()
    screen = desk.screen("PHQ-9", phq9(18))
    desk.screen("C-SSRS", CALM_CSSRS)
    desk.recommend()
    other = {"role": "participant", "person": uuid4()}
    answers = {"answers": {"phq9_1": 0}}
    assert desk.ask("POST", f"screens/{screen}/answers", answers, **other).status_code == 404
    assert desk.ask("GET", f"episodes/{desk.episode}", **other).status_code == 404
    mine = desk.ok("GET", f"episodes/{desk.episode}", **desk.myself)
    assert "recommendation" not in mine
    assert set(mine["screens"][0]) == {"screen_id", "instrument", "state"}


def test_a_recommendation_says_what_it_rests_on(desk):
    desk.refer()
    desk.screen("PHQ-9", phq9(18))
    early = desk.recommend()
    assert (early["level"], early["missing"]) == ("CLINICIAN_REVIEW", ["suicide_tier"])
    desk.screen("C-SSRS", CALM_CSSRS)
    made = desk.recommend(private_space="unsafe")
    assert (made["level"], made["delivery"], made["rules"]) == ("IOP", "in_person", ["LOC-7"])
    assert (made["admission"], made["held"]) == ("blocked", False)
    shown = desk.ok("GET", f"episodes/{desk.episode}")["recommendation"]
    assert shown == made
    assert [e.rules for e in desk.announced(LevelRecommended)] == [("LOC-9",), ("LOC-7",)]


def test_scores_cannot_be_stated_by_hand(desk):
    desk.refer()
    for facts in ({"measures": {"phq9_total": 3}}, {"suicide_tier": "NONE"}, {"heart_rate": 44}):
        path = f"episodes/{desk.episode}/recommendation"
        assert desk.ask("POST", path, {"facts": facts}).status_code == 422


def test_danger_stated_by_a_clinician_is_announced_with_the_recommendation(desk):
    desk.refer()
    made = desk.recommend(danger_now={"overdose": True})
    assert (made["level"], made["crisis_tier"]) == ("EMERGENCY", "T1")
    assert desk.risks() == [("T1", "stated_by_clinician")]
    assert code(desk.level("IOP", reason="seen_in_person")) == (409, "override_needed")


def test_stated_danger_is_announced_each_time_it_is_stated(desk):
    """Planted fault: told once an episode, an overdose after a closed case would go unheard."""
    desk.refer()
    desk.screen("C-SSRS", HIGH_CSSRS)
    desk.close_case(desk.take_case("T1"))
    desk.recommend(danger_now={"overdose": True})
    assert [tier for tier, _ in desk.risks()] == ["T1", "T1"]
    desk.recommend()
    assert len(desk.risks()) == 2


def test_moderate_risk_after_an_override_holds_again(desk):
    """Planted fault: an override that counts as an assessment for ever would give IOP."""
    desk.refer()
    desk.screen("PHQ-9", phq9(18))
    desk.screen("C-SSRS", HIGH_CSSRS)
    desk.recommend()
    whole = ["discharge_assessment", "safety_plan", "means_plan"]
    desk.level(reason="assessed", overrides=["imminent_risk"], evidence=whole)
    assert desk.recommend()["level"] == "IOP"
    desk.house.advance(timedelta(days=1))
    desk.screen("C-SSRS", {"q1": 1, "q2": 1, "q3": 1, "q4": 0, "q5": 0, "q6": 0})
    assert desk.recommend()["held"] is True


def test_a_stay_is_reviewed_against_its_baseline(desk):
    desk.admit()
    desk.house.advance(timedelta(days=21))
    desk.screen("PHQ-9", phq9(24))
    review = desk.recommend()
    assert (review["change"], review["reasons"]) == ("step_up_review", ["phq9_rise"])
    assert desk.state() == "admitted"


def test_moderate_risk_holds_the_recommendation(desk):
    desk.refer()
    desk.screen("PHQ-9", phq9(20))
    desk.screen("C-SSRS", {"q1": 1, "q2": 1, "q3": 1, "q4": 0, "q5": 0, "q6": 0})
    held = desk.recommend()
    assert (held["level"], held["held"]) == ("CLINICIAN_REVIEW", True)
    assert held["candidates"] == ["IOP", "PHP"]
    assert desk.recommend(licensed_assessment_done=True)["level"] == "IOP"


def test_another_level_than_recommended_needs_a_reason(desk):
    desk.refer()
    desk.screen("PHQ-9", phq9(18))
    desk.screen("C-SSRS", CALM_CSSRS)
    desk.recommend()
    assert desk.level("PHP").status_code == 422
    assert desk.level("PHP", reason="lives_alone").status_code == 200
    (confirmed,) = desk.announced(LevelConfirmed)
    assert (confirmed.level, confirmed.as_recommended) == ("PHP", False)
    desk.consent()
    assert code(desk.admission()) == (409, "level_not_iop")


def test_a_level_confirmed_by_a_double_click_is_confirmed_once(desk):
    desk.assess()
    clicks = [eventlet.spawn(desk.level) for _ in range(3)]
    answers = [click.wait() for click in clicks]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert answers[0].json() == answers[1].json() == answers[2].json()
    assert len(desk.announced(LevelConfirmed)) == 1


def test_who_confirms_after_somebody_else_is_told_who_did_and_may_after_a_new_recommendation(desk):
    desk.assess()
    desk.level()
    other = {"person": uuid4()}
    path, iop = f"episodes/{desk.episode}/level", {"level": "IOP"}
    refused = desk.ask("POST", path, iop, **other)
    assert code(refused) == (409, "already_confirmed")
    assert refused.json()["facts"] == {"confirmed_by": str(desk.clinician)}
    desk.recommend(plan_changed=True)
    assert desk.ask("POST", path, iop, **other).status_code == 200
    confirmed = [event.confirmed_by for event in desk.announced(LevelConfirmed)]
    assert confirmed == [desk.clinician, other["person"]]


def test_an_override_said_again_after_a_new_sign_counts_again(desk):
    """Planted fault: taken for a repetition, it would leave the new sign standing."""
    desk.refer()
    desk.screen("PHQ-9", phq9(18))
    desk.screen("C-SSRS", HIGH_CSSRS)
    desk.recommend()
    whole = ["discharge_assessment", "safety_plan", "means_plan"]
    override = {"reason": "assessed", "overrides": ["imminent_risk"], "evidence": whole}
    desk.level(**override)
    desk.consent()
    desk.close_case(desk.take_case("T1"))
    desk.house.advance(timedelta(minutes=1))
    desk.answer(desk.open_screen("ASQ"), {"asq_5": 1})
    desk.close_case(desk.take_case("T1"))
    desk.level(**override)
    assert len(desk.announced(LevelConfirmed)) == 2
    assert desk.admission().status_code == 200


def test_the_same_facts_stated_again_are_one_recommendation_unless_they_are_a_danger(desk):
    desk.assess()
    first = desk.ok("GET", f"episodes/{desk.episode}")["recommendation"]
    assert desk.recommend() == first
    assert len(desk.announced(LevelRecommended)) == 1
    for _ in range(2):
        desk.recommend(danger_now={"overdose": True})
    assert desk.risks() == [("T1", "stated_by_clinician")] * 2


def test_a_consent_recorded_again_is_the_same_consent_until_it_says_something_else(desk):
    desk.refer()
    first = desk.consent().json()
    assert desk.consent().json() == first
    assert desk.consent(**desk.myself).json()["consent_id"] != first["consent_id"]
    assert len(desk.announced(ConsentGiven)) == 2


def test_a_level_is_confirmed_only_once_it_was_recommended(desk):
    desk.refer()
    assert code(desk.level()) == (409, "step_not_allowed")


def test_nobody_is_admitted_without_consent(desk):
    desk.refer()
    desk.screen("PHQ-9", phq9(18))
    desk.screen("C-SSRS", CALM_CSSRS)
    desk.recommend()
    desk.level()
    assert code(desk.admission()) == (409, "no_consent")
    assert desk.consent(**desk.myself).status_code == 201
    assert desk.admission().status_code == 200


def test_a_consent_before_the_level_counts(desk):
    desk.refer()
    assert desk.consent(**desk.myself).json()["state"] == "referred"
    desk.screen("PHQ-9", phq9(18))
    desk.screen("C-SSRS", CALM_CSSRS)
    desk.recommend()
    assert desk.level().json()["state"] == "consented"
    assert desk.admission().status_code == 200


def test_a_closed_gate_refuses_admission_until_it_is_overridden_with_a_reason(desk):
    desk.refer()
    desk.screen("PHQ-9", phq9(18))
    desk.screen("C-SSRS", CALM_CSSRS)
    desk.recommend(payer={"virtual_allowed": False})
    desk.level()
    desk.consent()
    refused = desk.admission()
    assert code(refused) == (409, "gate_closed")
    assert refused.json()["facts"]["gates"] == ["payer"]
    assert desk.level(overrides=["payer"]).status_code == 422
    assert desk.level(overrides=["payer"], reason="self_pay").status_code == 200
    assert desk.admission().status_code == 200


def test_nobody_is_admitted_while_a_risk_is_unanswered_or_its_case_is_open(desk):
    """Planted fault: without the look at unanswered risks the first 409 is a 200."""
    desk.refer()
    desk.screen("PHQ-9", phq9(18, item_9=2))
    desk.screen("C-SSRS", CALM_CSSRS)
    desk.recommend()
    desk.level()
    desk.consent()
    assert code(desk.admission()) == (409, "open_risk")
    case = desk.take_case()
    assert code(desk.admission()) == (409, "open_risk")
    desk.close_case(case)
    assert desk.admission().status_code == 200
    assert desk.state() == "admitted"


def test_a_case_that_rose_holds_admission(desk):
    desk.refer()
    desk.screen("PHQ-9", phq9(18))
    desk.screen("C-SSRS", {**CALM_CSSRS, "q1": 1})
    desk.recommend()
    desk.level()
    desk.consent()
    case = desk.take_case("T3")
    elsewhere = RiskAttached(
        clinic_id=desk.clinic, case_id=case, participant_id=UUID(desk.participant),
        risk_id=uuid4(), tier="T2",
    )  # fmt: skip
    desk.hear(elsewhere)
    assert code(desk.admission()) == (409, "open_risk")
    desk.close_case(case)
    assert desk.admission().status_code == 200


def test_tier_high_refuses_iop_until_a_clinician_overrides_it_with_all_evidence(desk):
    desk.refer("step_down", discharged_on="2026-11-23")
    desk.screen("PHQ-9", phq9(18))
    desk.screen("C-SSRS", {**CALM_CSSRS, "q6": 1, "q6_within_3_months": 1})
    made = desk.recommend()
    assert (made["level"], made["admission"]) == ("EMERGENCY_EVAL", "refused")
    desk.close_case(desk.take_case("T1"))
    iop = {"reason": "seen_in_person", "overrides": ["imminent_risk"]}
    short = desk.level(**iop, evidence=["safety_plan"])
    assert code(short) == (409, "override_needed")
    assert short.json()["facts"]["evidence"] == ["discharge_assessment", "means_plan"]
    whole = ["discharge_assessment", "safety_plan", "means_plan"]
    assert desk.level(**iop, evidence=whole).status_code == 200
    desk.consent()
    assert desk.admission().status_code == 200


def test_a_later_calm_screen_does_not_lower_tier_high(desk):
    desk.refer()
    desk.screen("C-SSRS", HIGH_CSSRS)
    desk.close_case(desk.take_case("T1"))
    desk.screen("PHQ-9", phq9(18))
    desk.screen("C-SSRS", CALM_CSSRS)
    assert desk.recommend()["risk_tier"] == "HIGH"
    assert code(desk.level("IOP", reason="assessed")) == (409, "override_needed")


def test_a_new_sign_after_an_override_refuses_admission_again(desk):
    desk.refer()
    desk.screen("PHQ-9", phq9(18))
    desk.screen("C-SSRS", HIGH_CSSRS)
    desk.close_case(desk.take_case("T1"))
    desk.recommend()
    whole = ["discharge_assessment", "safety_plan", "means_plan"]
    desk.level(reason="assessed", overrides=["imminent_risk"], evidence=whole)
    desk.consent()
    desk.house.advance(timedelta(minutes=1))
    desk.answer(desk.open_screen("ASQ"), {"asq_5": 1})
    desk.close_case(desk.take_case("T1"))
    assert code(desk.admission()) == (409, "open_risk")


def test_minutes_are_credited_to_the_episode_they_were_attended_in(desk):
    desk.admit()
    credit = {"clinic_id": desk.clinic, "session_id": uuid4(), "minutes": 165}
    for _ in range(3):
        event = AttendanceCredited(
            attendance_id=uuid4(), participant_id=UUID(desk.participant), **credit
        )
        desk.hear(event, source="sessions")
    assert desk.ok("GET", f"episodes/{desk.episode}")["attended_minutes"] == 495


def test_reasons_and_versions_are_of_a_closed_form_since_they_ride_on_events(desk):
    """Planted fault: a pattern of letters and dots lets a name go out to every service."""
    desk.refer()
    said = "Jane.Doe-overdosed"
    for what, body in (
        ("discharge", {"reason": said}),
        ("closure", {"outcome": "withdrawn", "reason": said}),
        ("level", {"level": "IOP", "reason": said}),
        ("consents", {"version": said, "messages": []}),
    ):
        refused = desk.ask("POST", f"episodes/{desk.episode}/{what}", body)
        assert refused.status_code == 422, what
        assert said not in refused.text


def test_a_discharge_waits_for_the_end_of_every_case(desk):
    desk.admit()
    screen = desk.open_screen("C-SSRS")
    desk.answer(screen, {**CALM_CSSRS, "q1": 1})
    desk.ok("POST", f"screens/{screen}/completion")
    path, body = f"episodes/{desk.episode}/discharge", {"reason": "completed"}
    assert code(desk.ask("POST", path, body)) == (409, "open_risk")
    desk.close_case(desk.take_case("T3"))
    assert desk.ok("POST", path, body)["state"] == "discharged"
    (event,) = desk.announced(ParticipantDischarged)
    assert (event.reason, event.discharged_by) == ("completed", desk.clinician)
    assert code(desk.ask("POST", path, body)) == (409, "step_not_allowed")
    screens = desk.ask("POST", f"episodes/{desk.episode}/screens", {"instrument": "ASQ"})
    assert code(screens) == (409, "episode_over")


@pytest.mark.parametrize(
    ("outcome", "state"),
    [("rejected", "closed"), ("withdrawn", "closed"), ("referred_out", "referred_out")],
)
def test_a_referral_ends_without_admission_by_a_human(desk, outcome, state):
    desk.refer()
    path, body = f"episodes/{desk.episode}/closure", {"outcome": outcome, "reason": "licence"}
    assert desk.ask("POST", path, body, role="scheduler").status_code == 403
    assert desk.ok("POST", path, body)["state"] == state
    (event,) = desk.announced(ReferralClosed)
    assert (event.outcome, event.reason) == (state, "licence")
    assert (str(event.episode_id), event.decided_by) == (desk.episode, desk.clinician)


def test_a_referral_is_not_closed_with_an_open_risk(desk):
    desk.refer()
    desk.answer(desk.open_screen("ASQ"), {"asq_1": 1})
    path = f"episodes/{desk.episode}/closure"
    asked = desk.ask("POST", path, {"outcome": "rejected", "reason": "licence"})
    assert code(asked) == (409, "open_risk")


def test_other_services_get_details_with_their_key_only(desk):
    desk.refer()
    assert desk.ask("GET", f"details/{desk.participant}").status_code == 403
    with desk.house.runtime("intake").database.work() as db:
        version, content = desk.house.runtime("intake").hand_out(
            db, UUID(desk.participant), to="crisis"
        )
    assert (version, content["given_name"]) == (1, CANARY)
