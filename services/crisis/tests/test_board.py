"""The case board over HTTP, on both pairs: what is shown to whom, and what a button does."""

import re
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from catalogue.intake import ParticipantDetailsChanged
from chassis.announce import uuid7
from crisis.board import pages as board_pages
from crisis.board import views
from crisis.case import Case
from services.crisis.tests.test_service import Crisis, crisis
from services.crisis.tests.visitor import BOARD, Visitor, buttons, codes, text_of
from web import pages as web_pages
from web.forms import Form

__all__ = ["crisis"]

CONCLUSION = {
    "disposition": "stabilised", "safety_plan": "made", "licence": "NY", "follow_up": "standard",
}  # fmt: skip
NONE_OWED = {**CONCLUSION, "follow_up": "none"}

embedded = pytest.mark.parametrize("pair", ["memory+sqlite"], indirect=True)
"""What is only shown is the same on every database."""


@pytest.fixture
def visitor(crisis):
    """`visitor()` is a clinician of the clinic who is on call; `visitor(role=…)` somebody else."""

    def come(number: int = 0, **who):
        return Visitor(crisis.house, crisis.clinic_id, person=crisis.people[number], **who)

    return come


def opened(crisis: Crisis, tier: str = "T1", **request) -> dict:
    return crisis.opens(tier, **request).json()


def engaged(crisis, visitor) -> str:
    case_id = opened(crisis)["case_id"]
    for what in ("acknowledgement", "contact"):
        assert visitor().press(case_id, what).status_code == 303
    return case_id


def knows(crisis: Crisis, name: str = "Ada", number: str = "17"):
    """Somebody in care whose details have come."""
    one = uuid7()
    changed = ParticipantDetailsChanged(
        clinic_id=crisis.clinic_id, episode_id=uuid7(), participant_id=one, details_version=1,
        zone="America/New_York",
    )  # fmt: skip
    runtime = crisis.house.runtime("crisis")
    with runtime.database.work() as db:
        runtime.vault.keep(
            db, one, clinic_id=crisis.clinic_id, owner="intake", version=1,
            content={"given_name": name, "family_name": number, "phone": "+15550200017"},
        )  # fmt: skip
    crisis.house.hear("crisis", changed, source="intake")
    return one


@embedded
def test_an_empty_board_says_so_and_has_the_numbers_and_the_words(visitor):
    board = visitor().see()
    assert "No case is waiting. A new one appears here by itself." in board
    for number in ("tel:911", "tel:988", "sms:988"):
        assert number in board
    assert "acknowledged within 2 minutes, live contact within 5 minutes" in board
    assert "one call to one member of the staff about a case" in board


def three_cases(crisis) -> list[str]:
    found = []
    for _ in range(3):
        found.append(opened(crisis)["code"])
        crisis.house.advance(timedelta(seconds=30))
    return found


@embedded
def test_the_oldest_case_comes_first(crisis, visitor):
    expected = three_cases(crisis)
    assert codes(visitor().see()) == expected


@embedded
def test_a_board_that_is_sorted_newest_first_is_noticed(crisis, visitor, monkeypatch):
    newest = [(n, title, states, by.desc()) for n, title, states, by in views.GROUPS]
    monkeypatch.setattr(views, "GROUPS", newest)
    expected = three_cases(crisis)
    assert codes(visitor().see()) != expected


def test_a_case_says_how_long_it_waits_who_was_paged_and_who_is_next(crisis, visitor):
    code = opened(crisis)["code"]
    crisis.house.advance(timedelta(minutes=3))
    told = text_of(visitor().see())
    assert f"Case {code} T1 imminent" in told
    assert "Nobody has it. Waiting 3 minutes , since 15:00 UTC" in told
    first, second, *last = (f"staff {str(one)[-6:]}" for one in crisis.people)
    assert f"Rung 1, 15:00 UTC : {first}" in told
    assert f"Rung 2, 15:02 UTC : {second}" in told
    assert "Rung 3 is due at 15:04 UTC, in 60 seconds: " in told
    assert all(one in told.partition("Rung 3 is due")[2] for one in last)


@embedded
def test_staff_have_names_once_their_details_have_come(crisis, visitor):
    runtime = crisis.house.runtime("crisis")
    with runtime.database.work() as db:
        runtime.vault.keep(
            db, crisis.people[0], clinic_id=crisis.clinic_id, owner="scheduling", version=2,
            content={"given_name": "Grace", "family_name": "2", "email": "g@staff.example"},
        )  # fmt: skip
    opened(crisis)
    assert "Grace 2" in visitor().see()


def test_an_acknowledgement_says_who_has_it_and_that_paging_stopped(crisis, visitor):
    case_id = opened(crisis)["case_id"]
    answer = visitor().press(case_id, "acknowledgement")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{BOARD}/{case_id}")
    told = text_of(visitor().see(f"{BOARD}/{case_id}"))
    name = f"staff {str(crisis.people[0])[-6:]}"
    assert f"{name} has it since 15:00 UTC : somebody has it. Nobody else is paged" in told
    assert "Contact is due at 15:03 UTC, in 3 minutes." in told
    crisis.house.advance(timedelta(minutes=2))
    assert len(crisis.case(case_id)["pages"]) == 1


def test_who_presses_twice_has_it_and_who_comes_second_is_told_who(crisis, visitor):
    case_id = opened(crisis)["case_id"]
    assert visitor(0).press(case_id, "acknowledgement").status_code == 303
    assert visitor(0).press(case_id, "acknowledgement").status_code == 303
    second = visitor(1).press(case_id, "acknowledgement")
    assert second.status_code == 409
    assert f"staff {str(crisis.people[0])[-6:]} has this case." in second.text
    assert f'href="{BOARD}/{case_id}"' in second.text
    told = [entry["what"] for entry in crisis.case(case_id)["timeline"]]
    assert told.count("acknowledged") == 1


@embedded
@pytest.mark.parametrize("what", ["take-over", "contact"])
def test_a_second_press_of_a_button_changes_nothing(crisis, visitor, what):
    case_id = opened(crisis)["case_id"]
    visitor(0).press(case_id, "acknowledgement")
    for _ in range(2):
        assert visitor(1).press(case_id, what).status_code == 303
    told = [entry["what"] for entry in crisis.case(case_id)["timeline"]]
    assert told[-1] in ("taken_over", "contact_logged")
    assert told.count(told[-1]) == 1


def test_the_whole_way_of_a_case_by_its_pages(crisis, visitor):
    case_id = opened(crisis)["case_id"]
    me = visitor()
    for what, sent, state in (
        ("acknowledgement", {}, "acknowledged"),
        ("lower-tier", {"tier": "T2", "reason": "assessed_lower", "licence": "NY"}, "acknowledged"),
        ("contact", {}, "engaged"),
        ("dispatch", {"basis": "imminent_danger"}, "emergency_services"),
        ("hand-over", {"to": "ambulance"}, "handed_off"),
        ("conclusion", CONCLUSION, "follow_up"),
    ):
        if sent:
            assert f'action="{BOARD}/{case_id}/{what}"' in me.see(f"{BOARD}/{case_id}/{what}")
        assert me.press(case_id, what, **sent).headers["location"] == f"{BOARD}/{case_id}"
        assert crisis.case(case_id)["state"] == state
    for left in range(5, -1, -1):
        shown = me.see(f"{BOARD}/{case_id}")
        due_at = re.search(r'name="due_at" value="([^"]*)"', shown)
        assert due_at
        for _ in range(2):
            assert me.press(case_id, "follow-up", due_at=due_at[1]).status_code == 303
        assert len(crisis.case(case_id)["follow_ups"]) == left
    shown = text_of(me.see(f"{BOARD}/{case_id}"))
    assert "Closed at 15:00 UTC : stabilised." in shown
    assert "not told" not in shown
    assert not re.search(r"\b[a-z]+_[a-z]+\b", shown), "every code is said in words"
    assert not buttons(me.see(f"{BOARD}/{case_id}"))


@embedded
def test_a_conclusion_that_is_refused_keeps_what_was_chosen(crisis, visitor):
    case_id = engaged(crisis, visitor)
    assert is_kept(visitor().press(case_id, "conclusion", **NONE_OWED))
    wrong = {**CONCLUSION, "licence": "TX"}
    assert is_kept(visitor().press(case_id, "conclusion", **wrong), "licence")
    without = {name: v for name, v in CONCLUSION.items() if name != "safety_plan"}
    assert is_kept(visitor().press(case_id, "conclusion", **without), "safety_plan")
    assert crisis.case(case_id)["state"] == "engaged"


def is_kept(answer, *but):
    """Whether a form that was refused shows again what was chosen in it."""
    chosen = {n: v for n, v in CONCLUSION.items() if n not in (*but, "follow_up")}
    return (
        answer.status_code == 422
        and "There is a problem" in answer.text
        and all(
            re.search(rf'name="{name}" value="{value}"[^>]* checked', answer.text)
            for name, value in chosen.items()
        )
    )


@embedded
def test_a_form_that_loses_what_was_chosen_is_noticed(crisis, visitor, monkeypatch):
    case_id = engaged(crisis, visitor)
    found = web_pages._with_what_is_wrong

    def forgetful(request, failure):
        form = found(request, failure)
        return form and Form(wrong=form.wrong)

    monkeypatch.setattr(web_pages, "_with_what_is_wrong", forgetful)
    assert not is_kept(visitor().press(case_id, "conclusion", **NONE_OWED))


@embedded
def test_a_reader_sees_and_is_offered_nothing_to_press(crisis, visitor):
    case_id = engaged(crisis, visitor)
    opened(crisis)
    auditor = visitor(role="auditor")
    for path in (BOARD, f"{BOARD}/{case_id}"):
        assert "Case " in auditor.see(path)
        assert buttons(auditor.see(path)) == []
        assert buttons(visitor().see(path)) != []


@embedded
def test_an_action_that_is_offered_to_a_reader_is_noticed(crisis, visitor, monkeypatch):
    monkeypatch.setattr(board_pages, "RESPONDERS", board_pages.READERS)
    opened(crisis)
    assert buttons(visitor(role="auditor").see()) != []


POSTS = (
    "acknowledgement", "take-over", "contact", "follow-up", "lower-tier", "dispatch", "hand-over",
    "conclusion",
)  # fmt: skip


@embedded
@pytest.mark.parametrize("role", ["auditor", "scheduler", "participant"])
def test_who_may_not_act_is_refused(crisis, visitor, role):
    case_id = engaged(crisis, visitor)
    before = crisis.case(case_id)["timeline"]
    for what in POSTS:
        assert visitor(role=role).press(case_id, what).status_code == 403
    assert crisis.case(case_id)["timeline"] == before
    if role != "auditor":
        visitor(role=role).see(status=403)


def test_another_clinic_sees_and_does_nothing(crisis, visitor):
    case_id = opened(crisis)["case_id"]
    stranger = Visitor(crisis.house, uuid4())
    assert codes(stranger.see()) == []
    stranger.see(f"{BOARD}/{case_id}", status=404)
    stranger.see(f"/crisis/fragments/case/{case_id}", status=404)
    stranger.see(f"/crisis/stream?of=case/{case_id}", status=404)
    for what in ("acknowledgement", "take-over", "contact"):
        assert stranger.press(case_id, what).status_code == 404
    assert crisis.case(case_id)["state"] == "paging"


def test_a_name_is_on_the_page_of_a_case_for_who_acts_and_nowhere_else(crisis, visitor):
    one = knows(crisis)
    case_id = opened(crisis, json={"participant_id": str(one)})["case_id"]
    assert "Ada 17" in visitor().see(f"{BOARD}/{case_id}")
    assert 'href="tel:+15550200017"' in visitor().see(f"{BOARD}/{case_id}")
    assert "Ada" not in visitor(role="auditor").see(f"{BOARD}/{case_id}")
    assert "Ada" not in visitor().see()
    assert "since 10:00 EST" in text_of(visitor().see()), "in the participant's zone"


def test_a_case_is_opened_by_hand_for_somebody_one_chooses(crisis, visitor):
    one = knows(crisis)
    form = visitor().see(f"{BOARD}/open")
    assert f'<option value="{one}">Ada 17</option>' in form
    sent = {"participant_id": str(one), "tier": "T2", "trigger": "staff_concern"}
    answer = visitor().send(f"{BOARD}/open", **sent)
    (case,) = crisis.ask("GET", "/cases").json()["items"]
    assert answer.headers["location"] == f"{BOARD}/{case['case_id']}"
    assert (case["tier"], case["participant_id"]) == ("T2", str(one))
    scheduler = visitor(role="scheduler")
    again = scheduler.send(f"{BOARD}/open", **sent)
    assert again.headers["location"] == f"{BOARD}/open?opened={case['code']}"
    assert f"Case {case['code']} is open." in scheduler.see(again.headers["location"])
    assert f"Ada 17 (case {case['code']} is open)" in scheduler.see(f"{BOARD}/open")


@embedded
def test_a_form_that_opens_no_case_keeps_what_was_chosen_and_has_the_numbers(crisis, visitor):
    one = knows(crisis)
    answer = visitor().send(f"{BOARD}/open", participant_id=str(one), tier="T2")
    assert answer.status_code == 422
    assert "Why: Fill this in." in answer.text
    assert f'<option value="{one}" selected>' in answer.text
    assert "tel:988" in answer.text
    unknown = {"participant_id": str(uuid4()), "tier": "T2", "trigger": "other"}
    assert visitor().send(f"{BOARD}/open", **unknown).status_code == 404
    assert crisis.ask("GET", "/cases").json()["items"] == []


def test_details_that_do_not_open_leave_the_board_as_it_is(crisis, visitor):
    """The key of somebody's copy is broken: the case must be seen all the same."""
    runtime = crisis.house.runtime("crisis")
    with runtime.database.work() as db:
        db.connection().exec_driver_sql("UPDATE details SET sealed = wanted.sealed FROM"
                                        " (SELECT sealed FROM details WHERE version = 1 LIMIT 1)"
                                        " AS wanted")  # fmt: skip
    code = opened(crisis)["code"]
    assert codes(visitor().see()) == [code]


@embedded
def test_a_case_whose_deadline_is_over_says_so_in_words(crisis):
    case_id = opened(crisis)["case_id"]
    runtime = crisis.house.runtime("crisis")
    with runtime.database.work() as db:
        one = db.get_one(Case, UUID(case_id))
        db.info["now"] = one.next_due_at + timedelta(minutes=5)
        (card,) = views.board(db, runtime.vault)["groups"][0].cards
        assert card.is_late
        assert card.next.startswith("Rung 2 is overdue by 5 minutes: it was due at 15:02 UTC")
