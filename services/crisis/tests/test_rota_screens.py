"""The screens of rota and policy: a draft is looked at, found wanting, and put right."""

import re
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from crisis.rota import policy, published
from services.crisis.tests.test_service import Crisis, crisis

__all__ = ["crisis"]

ALL_WEEK = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


class Visitor:
    """Somebody at a browser, in a role."""

    def __init__(self, crisis: Crisis, role: str = "crisis_lead") -> None:
        token = crisis.house.issuer.token(role, uuid4(), [crisis.clinic_id])
        self.client = httpx.Client(base_url=crisis.house.address)
        self.client.cookies.set("evenkeel-signed-in", token)
        self.home = f"/crisis/rota/{crisis.clinic_id}"

    def see(self, path: str = "") -> str:
        answer = self.client.get(f"{self.home}{path}")
        assert answer.status_code == 200, answer.text
        return answer.text

    def send(self, path: str, shown_at: str = "", **fields) -> httpx.Response:
        page = self.client.get(f"{self.home}{shown_at or path}").text
        hidden = re.findall(r'name="(proof|once)" value="([^"]*)"', page)
        return self.client.post(f"{self.home}{path}", data={**dict(hidden), **fields})


@pytest.fixture
def lead(crisis) -> Visitor:
    return Visitor(crisis)


def rotation(*people: UUID, **given) -> dict:
    return {
        "people": [str(person) for person in people], "turn": "week", "zone": "America/New_York",
        "first_on": "2026-11-23", "last_on": "", "starts_at": "08:00", "ends_at": "08:00",
        "weekdays": list(ALL_WEEK), **given,
    }  # fmt: skip


def in_force(crisis: Crisis):
    with crisis.house.runtime("crisis").database.work() as db:
        return published.in_force(db, crisis.clinic_id)


def test_the_rota_in_force_is_seen_with_its_week_and_without_a_gap(crisis, lead):
    page = lead.see()
    assert "Edition 1" in page
    assert page.count("<rect") == 3
    assert "no gap" in page
    assert f"/crisis/rota/{crisis.clinic_id}" in lead.client.get("/crisis/rota").text
    for person in crisis.people:
        assert f"Clinician {str(person)[-6:]}" in page


def test_a_rotation_is_drafted_and_nobody_is_called_by_it_until_it_is_published(crisis, lead):
    before = in_force(crisis)
    first, second, *_ = crisis.people
    answer = lead.send("/draft/1/1", **rotation(first, second, first_on="2026-11-16"))
    assert (answer.status_code, answer.headers["location"]) == (303, f"{lead.home}/draft")
    assert in_force(crisis) == before
    draft = lead.see("/draft")
    assert "in turns of 7 days" in draft
    assert "hand-over at 08:00" in draft
    assert lead.send("/draft").status_code == 303
    layers = in_force(crisis).layers
    assert layers[0][0].turns == ((first,), (second,))
    assert layers[1:] == before.layers[1:]
    assert "As soon as you change something" in lead.see("/draft")


def test_a_draft_with_a_gap_names_it_and_is_not_published(crisis, lead):
    before = in_force(crisis)
    first = crisis.people[0]
    lead.send("/draft/1/1", **rotation(first, last_on="2027-06-30", turn="together"))
    draft = lead.see("/draft")
    assert re.search(r"<strong>nobody</strong> is on call from Thu 01 Jul 2027 08:00", draft)
    assert "<button>Publish</button>" not in draft
    refused = lead.send("/draft")
    assert refused.status_code == 422
    assert "Rung 1: nobody is on call from 2027-07-01 08:00 -0400" in refused.text
    assert in_force(crisis) == before


def test_a_draft_with_somebody_whom_no_page_reaches_is_not_published(crisis, lead):
    before, person = in_force(crisis), crisis.hire()
    runtime = crisis.house.runtime("crisis")
    with runtime.database.work() as db:
        runtime.vault.erase(db, person)
    lead.send("/draft/1/1", **rotation(person, first_on="2026-11-16"))
    assert "neither an e-mail address nor a phone is known" in lead.see("/draft")
    refused = lead.send("/draft")
    assert refused.status_code == 422
    assert str(person) in refused.text
    assert in_force(crisis) == before


def test_rotations_and_rungs_come_and_go_and_a_draft_is_forgotten(crisis, lead):
    _, second, third, fourth = crisis.people
    lead.send("/draft/1/2", **rotation(second, first_on="2026-11-16"))
    lead.send("/draft/4/1", **rotation(third, fourth, turn="together", first_on="2026-11-16"))
    draft = lead.see("/draft")
    assert "Rung 4, which repeats for ever" in draft
    assert lead.client.get(f"{lead.home}/draft/6/1").status_code == 404
    assert lead.send("/draft/1/2/removal", "/draft").status_code == 303
    lead.send("/draft/2/1/removal", "/draft")
    assert "Rung 4" not in lead.see("/draft").replace("Add rung 4", "")
    lead.send("/draft/discarding", "/draft")
    assert "Rung 3, which repeats for ever" in lead.see("/draft")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("people", []), ("zone", "Mars/Olympus"), ("turn", "month"), ("starts_at", "25:00"),
        ("first_on", "tomorrow"), ("weekdays", []),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_rotation_is_said_beside_it(crisis, lead, field, value):
    answer = lead.send("/draft/1/1", **rotation(crisis.people[0], **{field: value}))
    assert answer.status_code == 422
    assert f'href="#field-{field}"' in answer.text
    assert "There is a problem" in answer.text
    assert "As soon as you change something" in lead.see("/draft")


def test_a_policy_is_drafted_in_minutes_within_its_bounds(crisis, lead):
    shown = lead.see("/draft/policy")
    fields = dict(re.findall(r'name="(T\d_\w+)" type="text" value="([^"]*)"', shown))
    assert (fields["T1_1"], fields["T2_contact"], fields["T3_1"]) == ("2", "20", "240")
    slow = lead.send("/draft/policy", **{**fields, "T1_2": "3"})
    assert slow.status_code == 422
    assert "From 1 to 2 minutes." in slow.text
    assert lead.send("/draft/policy", **{**fields, "T1_2": "1.5"}).status_code == 303
    assert lead.send("/draft").status_code == 303
    with crisis.house.runtime("crisis").database.work() as db:
        times = policy.times_in_force(db, crisis.clinic_id)
        assert published.newest_edition(db, crisis.clinic_id).edition == 1
    assert times["T1"].intervals == (120, 90, 120, 120, 120)


def test_somebody_stands_in_by_the_clock_of_a_zone_and_is_withdrawn(crisis, lead):
    first, second, *_ = crisis.people
    fields = {
        "clinician_id": str(second), "instead_of": str(first), "from_on": "2026-11-23",
        "from_at": "09:00", "until_on": "2026-11-23", "until_at": "18:00",
        "zone": "America/New_York",
    }  # fmt: skip
    assert lead.send("/overrides", **fields).status_code == 303
    (one,) = in_force(crisis).overrides
    assert one.ends_at - one.starts_at == timedelta(hours=9)
    assert crisis.ask("GET", "/on-call").json()["items"][0]["people"] == [str(second)]
    withdraw = re.search(r'formaction="[^"]*(/overrides/[^"]*/withdrawal)"', lead.see())
    assert lead.send(withdraw[1], "/overrides").status_code == 303
    assert in_force(crisis).overrides == ()
    over = lead.send("/overrides", **{**fields, "until_on": "2026-11-22"})
    assert over.status_code == 422
    assert "It is over before it begins." in over.text


def test_only_who_may_change_a_rota_does_and_only_of_their_own_clinic(crisis, lead):
    looks = Visitor(crisis, "clinician")
    assert "Change rota or policy" not in looks.see()
    for path in ("/draft", "/draft/1/1", "/draft/policy", "/overrides"):
        assert looks.client.get(f"{looks.home}{path}").status_code == 403
        assert looks.client.post(f"{looks.home}{path}", data={}).status_code == 403
    elsewhere = f"/crisis/rota/{uuid4()}"
    assert lead.client.get(elsewhere).status_code == 403
    assert lead.client.get(f"{elsewhere}/draft").status_code == 403


def test_a_drill_and_test_pages_are_begun_on_the_screen_and_their_answers_shown(crisis, lead):
    assert lead.send("/drill", tier="T2").status_code == 303
    assert "under way" in lead.see("/drill")
    first, second, *_ = crisis.people
    assert lead.send(f"/people/{first}/test-page", "/people").status_code == 303
    (drill,) = [one for one in crisis.ask("GET", "/drills").json()["items"] if not one["person_id"]]
    crisis.ask("POST", f"/cases/{drill['case_id']}/acknowledgement", person=second)
    assert re.search(rf"after 0.0 s</span> by Clinician {str(second)[-6:]}", lead.see("/drill"))
    crisis.house.advance(timedelta(minutes=10))
    people = lead.see("/people")
    assert people.count("not answered") == 1
    assert people.count("never") == 3
    assert people.count("Send a test page</button>") == 4
    assert Visitor(crisis, "supervisor").see("/people").count("Send a test page</button>") == 0


def test_a_draft_is_rehearsed_and_the_load_is_seen(crisis, lead):
    case_id = crisis.opens().json()["case_id"]
    crisis.house.advance(timedelta(minutes=3))
    code = crisis.case(case_id)["code"]
    fourth = crisis.people[3]
    lead.send("/draft/1/1", **rotation(fourth, first_on="2026-11-16", turn="together"))
    rehearsed = lead.see("/draft/rehearsal?days=3")
    assert f"Case {code}" in rehearsed
    name = f"Clinician {str(fourth)[-6:]}"
    was, would_be = rehearsed.split("Would have been paged</h3>")
    assert name not in was.split("Was paged</h3>")[1]
    assert name in would_be
    assert lead.client.get(f"{lead.home}/draft/rehearsal?days=0").status_code == 422
    assert lead.see("/load").count('<td data-label="Pages">1</td>') == 2
    (one, _) = crisis.ask("GET", "/load").json()["items"]
    assert (one["week_on"], one["pages"], one["at_night"]) == ("2026-11-23", 1, 0)
    assert (
        Visitor(crisis, "clinician").client.get(f"{lead.home}/draft/rehearsal").status_code == 403
    )


def test_who_goes_off_duty_with_a_case_is_seen_by_who_comes(crisis, lead):
    first, second, *_ = crisis.people
    for place, (person, starts_at, ends_at) in enumerate(
        [(first, "06:00", "18:00"), (second, "18:00", "06:00")], start=1
    ):
        fields = {"starts_at": starts_at, "ends_at": ends_at, "first_on": "2026-11-16"}
        lead.send(f"/draft/1/{place}", **rotation(person, turn="together", **fields))
    assert lead.send("/draft").status_code == 303
    case_id = crisis.opens().json()["case_id"]
    for what in ("acknowledgement", "contact"):
        crisis.ask("POST", f"/cases/{case_id}/{what}", person=first)
    assert "To be handed over" not in lead.see()
    crisis.house.advance(timedelta(hours=9))
    assert f"Now on call first: Clinician {str(second)[-6:]}" in lead.see()
    (one,) = crisis.ask("GET", "/hand-overs").json()["items"]
    assert (one["case_id"], one["holder"], one["to"][0]) == (case_id, str(first), str(second))
