"""Crisis over HTTP and events, on both pairs of broker and database."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa

from catalogue.codec import encode
from catalogue.crisis import CaseAcknowledged, CaseClosed, CaseOpened, RiskAttached, RungPaged
from catalogue.intake import ParticipantDetailsChanged, ParticipantDischarged
from catalogue.scheduling import ClinicianDetailsChanged, ClinicianRegistered
from chassis.announce import uuid7
from chassis.clock import SimulatedClock
from chassis.message import Message
from chassis.tables import details
from evenkeel_ops.house import House
from evenkeel_ops.providers.running import Providers, providers
from services.crisis.tests.builders import START, a_risk, until


@dataclass
class Crisis:
    """A house with crisis in it, seen from one clinic."""

    house: House
    mail: Providers
    clinic_id: UUID = field(default_factory=uuid7)
    people: list[UUID] = field(default_factory=list)

    def ask(self, method: str, path: str, *, role: str = "clinician", **request: Any):
        given = {"clinics": [self.clinic_id], "role": role, **request}
        if method in ("POST", "PUT"):
            given.setdefault("json", {})
        return self.house.call(method, f"/crisis{path}", **given)

    def hire(self, role: str = "clinician") -> UUID:
        person = uuid7()
        registered = ClinicianRegistered(
            clinic_id=self.clinic_id,
            clinician_id=person,
            roles=(role,),
            states=("NY",),
            details_version=1,
            zone="America/New_York",
        )
        self.house.hear("crisis", registered, source="scheduling")
        runtime = self.house.runtime("crisis")
        with runtime.database.work() as db:
            runtime.vault.keep(
                db, person, clinic_id=self.clinic_id, owner="scheduling", version=1,
                content={"email": f"{person}@staff.example"},
            )  # fmt: skip
        self.people.append(person)
        return person

    def publish(self, *rungs: list[UUID], **request: Any):
        body = {"clinic_id": str(self.clinic_id), "rungs": [list(map(str, r)) for r in rungs]}
        return self.ask("PUT", "/rotas", **{"role": "crisis_lead", "json": body, **request})

    def opens(self, tier: str = "T1", **request: Any):
        body = {
            "clinic_id": str(self.clinic_id),
            "participant_id": str(uuid7()),
            "tier": tier,
            "trigger": "facilitator_panic",
        }
        request["json"] = {**body, **request.get("json", {})}
        return self.ask("POST", "/cases", **request)

    def letters(self) -> set[str]:
        """The ids of the letters that arrived; a clock that jumps mid-attempt may repeat one."""
        return {letter["key"] for letter in self.mail.accepted()}

    def case(self, case_id: str) -> dict[str, Any]:
        answer = self.ask("GET", f"/cases/{case_id}", role="supervisor")
        assert answer.status_code == 200
        return answer.json()


@pytest.fixture
def crisis(house_of: Callable[..., House], tmp_path) -> Iterator[Crisis]:
    with providers(tmp_path / "mail") as mail:
        house = house_of(
            "crisis",
            clock=SimulatedClock(START),
            settings={
                "EVENKEEL_SMTP_URL": mail.smtp_url(),
                "EVENKEEL_SENDER": "crisis@evenkeel.example",
                "EVENKEEL_CRISIS_DESK": "desk@evenkeel.example",
            },
        )
        crisis = Crisis(house, mail)
        first, second, third, fourth = (crisis.hire() for _ in range(4))
        assert crisis.publish([first], [second], [third, fourth]).status_code == 200
        yield crisis


def test_a_risk_heard_is_a_case_and_a_letter_to_whoever_is_on_call(crisis):
    risk = a_risk(crisis.clinic_id, "T1")
    crisis.house.hear("crisis", risk, source="intake")
    opened, paged = crisis.house.announced("crisis")
    assert opened == CaseOpened(
        clinic_id=crisis.clinic_id,
        case_id=opened.case_id,
        participant_id=risk.participant_id,
        risk_id=risk.risk_id,
        tier="T1",
    )
    assert isinstance(paged, RungPaged)
    until(lambda: len(crisis.letters()) == 1)
    letter = crisis.mail.accepted()[0]
    assert letter["to"] == f"{crisis.people[0]}@staff.example"
    case = crisis.case(str(opened.case_id))
    assert letter["text"].strip() == f"T1, case {case['code']}. Open the app."
    assert letter["key"] == f"{case['pages'][0]['page_id']}@evenkeel"


def test_a_risk_that_was_long_on_its_way_is_as_urgent_as_when_it_was_noticed(crisis):
    """Planted fault: `noticed_at=work.now` where the risk is heard."""
    risk = a_risk(crisis.clinic_id, "T1")
    message = Message(
        id=uuid7(),
        source="sessions",
        type=risk.type,
        subject=risk.subject,
        version=1,
        time=START - timedelta(minutes=3),
        clinic_id=crisis.clinic_id,
        privacy=risk.privacy,
        correlation_id=uuid7(),
        body=encode(risk),
    )
    crisis.house.runtime("crisis").backbone.receivers["urgent"].receive([message])
    (case,) = crisis.ask("GET", "/cases").json()["items"]
    assert (case["rung"], case["next_due_at"]) == (2, "2026-11-23T15:01:00.000000Z")


def test_the_ladder_climbs_by_itself_until_somebody_has_the_case(crisis):
    case_id = crisis.opens().json()["case_id"]
    crisis.house.advance(timedelta(minutes=5))
    case = crisis.case(case_id)
    assert (case["state"], case["rung"], case["tier"]) == ("paging", 3, "T1")
    assert case["next_due_at"] == "2026-11-23T15:06:00.000000Z"
    assert [e["at"] for e in case["timeline"] if e["what"] == "rung_paged"] == [
        f"2026-11-23T15:0{minute}:00.000000Z" for minute in (0, 2, 4)
    ]
    until(lambda: len(crisis.letters()) == 4)

    has_it = uuid4()
    crisis.ask("POST", f"/cases/{case_id}/acknowledgement", person=has_it)
    crisis.ask("POST", f"/cases/{case_id}/contact", person=has_it)
    crisis.house.advance(timedelta(hours=1))
    assert crisis.case(case_id)["rung"] == 3
    texts = [letter["text"] for letter in crisis.mail.accepted()]
    assert len(crisis.letters()) == 8
    assert len([text for text in texts if "somebody has it" in text]) == 4


def test_the_way_of_a_case_from_opening_to_closing(crisis):
    person, participant = crisis.people[0], uuid7()
    answer = crisis.opens("T2", json={"participant_id": str(participant)}, role="scheduler")
    assert answer.status_code == 201
    case_id = answer.json()["case_id"]
    assert answer.json()["state"] == "paging"

    taken = crisis.ask("POST", f"/cases/{case_id}/acknowledgement", person=person)
    assert (taken.status_code, taken.json()["acknowledged_by"]) == (200, str(person))
    again = crisis.ask("POST", f"/cases/{case_id}/acknowledgement", role="crisis_lead")
    assert again.status_code == 409
    assert again.json()["code"] == "already_acknowledged"
    assert again.json()["facts"]["acknowledged_by"] == str(person)

    how = {
        "disposition": "raised_in_error", "safety_plan": "made", "licence": "NY",
        "follow_up": "none",
    }  # fmt: skip
    assert crisis.ask("POST", f"/cases/{case_id}/conclusion", json=how).status_code == 422
    early = crisis.ask("POST", f"/cases/{case_id}/conclusion", json=how, person=person)
    assert early.status_code == 409
    contact = crisis.ask("POST", f"/cases/{case_id}/contact", person=person)
    assert (contact.status_code, contact.json()["state"]) == (200, "engaged")
    closed = crisis.ask("POST", f"/cases/{case_id}/conclusion", json=how, person=person)
    assert (closed.status_code, closed.json()["state"]) == (200, "closed")

    *_, acknowledged, closing = crisis.house.announced("crisis")
    assert isinstance(acknowledged, CaseAcknowledged)
    assert acknowledged.acknowledged_by == person
    assert closing == CaseClosed(
        clinic_id=crisis.clinic_id,
        case_id=UUID(case_id),
        participant_id=participant,
        disposition="raised_in_error",
        closed_by=person,
    )
    told = [(entry["what"], entry["by"]) for entry in crisis.case(case_id)["timeline"]]
    assert told[-4:] == [
        ("acknowledged", f"clinician:{person}"),
        ("contact_logged", f"clinician:{person}"),
        ("concluded", f"clinician:{person}"),
        ("closed", f"clinician:{person}"),
    ]


def test_emergency_services_take_over_and_contact_is_kept(crisis):
    person = crisis.people[0]
    case_id = crisis.opens("T1").json()["case_id"]
    steps = [
        ("acknowledgement", {}, None),
        ("take-over", {}, "acknowledged"),
        ("lower-tier", {"tier": "T2", "reason": "assessed_lower", "licence": "NY"}, "acknowledged"),
        ("contact", {}, "engaged"),
        ("dispatch", {"basis": "imminent_danger"}, "emergency_services"),
        ("hand-over", {"to": "ambulance"}, "handed_off"),
        ("conclusion", WHOLE, "follow_up"),
    ]
    for path, body, state in steps:
        answer = crisis.ask("POST", f"/cases/{case_id}/{path}", json=body, person=person)
        assert (answer.status_code, answer.json().get("state")) == (200, state)
    contacts = crisis.case(case_id)["follow_ups"]
    for due_at in contacts:
        body, path = {"due_at": due_at}, f"/cases/{case_id}/follow-up"
        kept = crisis.ask("POST", path, json=body, person=person)
        assert kept.status_code == 200
        again = crisis.ask("POST", path, json=body, person=person)
        assert again.status_code == 409
        if due_at != contacts[-1]:
            assert again.json()["code"] == "not_the_next_contact"
            assert again.json()["facts"]["next_due_at"] == kept.json()["next_due_at"]
    assert crisis.case(case_id)["state"] == "closed"


WHOLE = {
    "disposition": "hospitalised", "safety_plan": "made", "licence": "NY", "follow_up": "standard",
}  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"disposition": "he said he is fine"},
        {"disposition": "Jane.Doe-is-fine"},
        {"safety_plan": "maybe"},
        {"licence": "New York"},
        {"licence": "CA"},
        {"follow_up": "sometimes"},
        {"follow_up": "none"},
        {"note": "x"},
        *[{left_out: None} for left_out in WHOLE],
    ],
    ids=str,
)
def test_concluding_needs_every_answer(crisis, wrong):
    case_id = crisis.opens().json()["case_id"]
    body = {name: value for name, value in {**WHOLE, **wrong}.items() if value is not None}
    path = f"/cases/{case_id}/conclusion"
    refused = crisis.ask("POST", path, json=body, person=crisis.people[0])
    assert refused.status_code == 422
    assert [one["field"] for one in refused.json()["fields"]] == list(wrong)


def test_a_case_is_opened_for_a_trigger_of_the_list_only(crisis):
    refused = crisis.opens(json={"trigger": "Jane.Doe-overdosed"})
    assert refused.status_code == 422
    assert crisis.house.announced("crisis") == []


def test_a_rota_with_a_gap_is_refused_with_the_field(crisis):
    first, second, third, _ = crisis.people
    for rungs in ([[]], [[first], []], [[first], [second]], [[uuid4()], [second, third]]):
        refused = crisis.publish(*rungs)
        assert refused.status_code == 422
        assert [one["field"] for one in refused.json()["fields"]] == ["rota"]
    assert crisis.publish([first], [second, third], role="clinician").status_code == 403


def test_a_second_risk_attaches_and_says_the_higher_tier(crisis):
    participant = uuid7()
    for tier in ("T2", "T1", "T3"):
        risk = a_risk(crisis.clinic_id, tier, participant_id=participant)
        crisis.house.hear("crisis", risk, source="sessions")
    found = crisis.house.announced("crisis")
    assert [event.tier for event in found if isinstance(event, RiskAttached)] == ["T1", "T1"]
    assert len([event for event in found if isinstance(event, CaseOpened)]) == 1


def test_the_list_is_filtered_and_newest_last(crisis):
    ids = [crisis.opens().json()["case_id"] for _ in range(3)]
    crisis.ask("POST", f"/cases/{ids[0]}/acknowledgement")
    listed = crisis.ask("GET", "/cases").json()["items"]
    assert [one["case_id"] for one in listed] == ids
    paging = crisis.ask("GET", "/cases?state=paging&limit=1").json()["items"]
    assert [one["case_id"] for one in paging] == ids[2:]
    assert crisis.ask("GET", "/cases?state=asleep").status_code == 422
    assert crisis.ask("GET", f"/cases?clinic_id={crisis.clinic_id}").json()["items"] == listed
    assert crisis.ask("GET", f"/cases?clinic_id={uuid4()}").status_code == 403


def test_another_clinics_staff_finds_no_case_and_opens_none_here(crisis):
    case_id = crisis.opens().json()["case_id"]
    elsewhere = [uuid4()]
    assert crisis.ask("GET", "/cases", clinics=elsewhere).json()["items"] == []
    assert crisis.ask("GET", f"/cases/{case_id}", clinics=elsewhere).status_code == 404
    taken = crisis.ask("POST", f"/cases/{case_id}/acknowledgement", clinics=elsewhere)
    assert taken.status_code == 404
    assert crisis.opens(clinics=elsewhere).status_code == 403
    assert crisis.publish(crisis.people[:1], crisis.people, clinics=elsewhere).status_code == 403


@pytest.mark.parametrize("role", ["participant", "sre", "auditor", "scheduler"])
def test_only_responders_acknowledge(crisis, role):
    case_id = crisis.opens().json()["case_id"]
    taken = crisis.ask("POST", f"/cases/{case_id}/acknowledgement", role=role)
    assert taken.status_code == 403


def test_reading_a_case_leaves_a_trace(crisis):
    case_id = crisis.opens().json()["case_id"]
    crisis.case(case_id)
    with crisis.house.runtime("crisis").database.look() as connection:
        rows = connection.exec_driver_sql("SELECT operation, subject FROM clinical_reads").all()
    assert ("show_case", f"case_id={case_id}") in [tuple(row) for row in rows]


def test_the_numbers_need_no_sign_in_and_no_database(crisis):
    crisis.house.runtime("crisis").database.http_engine.dispose()
    answer = httpx.get(f"{crisis.house.address}/crisis/numbers")
    assert answer.json() == {"call": "988", "text": "988", "emergency": "911"}


def test_what_crisis_must_be_able_to_reach_is_wanted_from_its_owner(crisis):
    participant = uuid7()
    changed = ParticipantDetailsChanged(
        clinic_id=crisis.clinic_id,
        episode_id=uuid7(),
        participant_id=participant,
        details_version=3,
        zone="America/Denver",
    )
    crisis.house.hear("crisis", changed, source="intake")
    with crisis.house.runtime("crisis").database.look() as connection:
        rows = connection.exec_driver_sql("SELECT owner, wanted_version FROM details").all()
    assert ("intake", 3) in [tuple(row) for row in rows]
    case_id = crisis.opens("T3", json={"participant_id": str(participant)}).json()["case_id"]
    crisis.house.clock.advance_to(START + timedelta(hours=16))
    crisis.house.settle()
    assert crisis.case(case_id)["tier"] == "T2"  # midnight in Denver is 07:00 UTC


def test_a_clinicians_new_address_is_wanted_from_scheduling(crisis):
    changed = ClinicianDetailsChanged(
        clinic_id=crisis.clinic_id, clinician_id=uuid7(), details_version=2, zone="America/Denver"
    )
    crisis.house.hear("crisis", changed, source="scheduling")
    with crisis.house.runtime("crisis").database.look() as connection:
        wanted = sa.select(details.c.owner, details.c.wanted_version)
        row = connection.execute(wanted.where(details.c.person_id == changed.clinician_id)).one()
    assert tuple(row) == ("scheduling", 2)


def test_a_discharge_is_told_to_whoever_has_the_case(crisis):
    participant = uuid7()
    case_id = crisis.opens(json={"participant_id": str(participant)}).json()["case_id"]
    discharged = ParticipantDischarged(
        clinic_id=crisis.clinic_id,
        episode_id=uuid7(),
        participant_id=participant,
        reason="completed",
        discharged_by=uuid7(),
    )
    crisis.house.hear("crisis", discharged, source="intake")
    assert crisis.case(case_id)["timeline"][-1]["what"] == "participant_discharged"


def test_a_policy_is_published_and_listed_and_one_out_of_bounds_is_refused(crisis):
    body = {
        "clinic_id": str(crisis.clinic_id),
        "T1": {"intervals": [60] * 5, "contact_seconds": 120, "disposition_seconds": 3600},
        "T2": {"intervals": [60] * 5, "contact_seconds": 600, "disposition_seconds": 3600},
        "T3": {"intervals": [3600], "contact_seconds": None, "disposition_seconds": 3600},
    }  # fmt: skip
    made = crisis.ask("PUT", "/policies", json=body, role="clinic_admin")
    assert (made.status_code, made.json()["edition"]) == (200, 1)
    assert crisis.ask("GET", "/policies").json()["items"] == [made.json()]
    case_id = crisis.opens("T1").json()["case_id"]
    assert crisis.case(case_id)["next_due_at"] == "2026-11-23T15:01:00.000000Z"
    body["T1"]["intervals"] = [60] * 4 + [121]
    refused = crisis.ask("PUT", "/policies", json=body, role="clinic_admin")
    assert [one["field"] for one in refused.json()["fields"]] == ["T1.intervals"]
    assert crisis.ask("PUT", "/policies", json=body).status_code == 403


def test_a_rota_that_rotates_is_published_as_layers(crisis):
    first, second, third, fourth = map(str, crisis.people)
    weekly = {
        "turns": [[first], [second]], "zone": "America/New_York", "first_on": "2026-11-23",
        "starts_at": "08:00", "ends_at": "08:00",
    }  # fmt: skip
    last = {"turns": [[third, fourth]], "zone": "America/New_York"}
    body = {"clinic_id": str(crisis.clinic_id), "layers": [[weekly], [last]]}
    assert crisis.ask("PUT", "/rotas", json=body, role="crisis_lead").status_code == 200
    now = crisis.ask("GET", "/on-call").json()["items"]
    assert [(one["rung"], set(one["people"])) for one in now] == [
        (1, {first}),
        (2, {third, fourth}),
    ]
    weekly["last_on"] = "2027-10-31"
    refused = crisis.ask("PUT", "/rotas", json=body, role="crisis_lead")
    assert refused.status_code == 422
    assert "nobody is on call from 2027-11-01 08:00 -0400 (America/New_York)" in refused.text
    for wrong in ({**body, "rungs": [[first, second]]}, {"clinic_id": body["clinic_id"]}):
        assert crisis.ask("PUT", "/rotas", json=wrong, role="crisis_lead").status_code == 422
    weekly["zone"] = "Mars/Olympus"
    assert "layers.0.0.zone" in crisis.ask("PUT", "/rotas", json=body, role="crisis_lead").text


def test_a_rota_with_somebody_nobody_can_reach_is_refused_over_http(crisis):
    """Planted fault: the route takes it for granted that everybody is reached."""
    person, (*_, third, fourth) = crisis.hire(), crisis.people[:4]
    runtime = crisis.house.runtime("crisis")
    with runtime.database.work() as db:
        runtime.vault.erase(db, person)
    refused = crisis.publish([person], [third, fourth])
    assert refused.status_code == 422
    assert f"no phone is known of {person}" in refused.text


def test_a_test_page_goes_out_by_the_real_sender_and_its_answer_is_timed(crisis):
    person, other = crisis.people[3], crisis.people[0]
    body = {"clinic_id": str(crisis.clinic_id), "person_id": str(person)}
    refused = crisis.ask("POST", "/test-pages", json=body, person=other)
    assert (refused.status_code, refused.json()["code"]) == (403, "only_to_yourself")
    sent = crisis.ask("POST", "/test-pages", json=body, person=person)
    assert sent.status_code == 201
    until(lambda: len(crisis.letters()) == 1)
    (letter,) = crisis.mail.accepted()
    assert letter["to"] == f"{person}@staff.example"
    assert letter["text"].strip() == "T2, case TEST. Open the app."
    crisis.house.clock.advance_to(START + timedelta(seconds=30))
    path = f"/cases/{sent.json()['case_id']}/acknowledgement"
    assert crisis.ask("POST", path, person=person).json()["contact_due_at"] is None
    (one,) = crisis.ask("GET", "/drills").json()["items"]
    assert (one["answered_after_seconds"], one["answered_by"]) == (30.0, str(person))


def test_a_drill_is_begun_by_who_keeps_the_rota_and_announced_to_nobody(crisis):
    body = {"clinic_id": str(crisis.clinic_id), "tier": "T1"}
    assert crisis.ask("POST", "/drills", json=body).status_code == 403
    begun = crisis.ask("POST", "/drills", json=body, role="crisis_lead")
    assert (begun.status_code, begun.json()["code"]) == (201, "TEST")
    crisis.house.advance(timedelta(minutes=3))
    assert crisis.case(begun.json()["case_id"])["rung"] == 2
    assert crisis.ask("GET", "/cases").json()["items"] == []
    again = crisis.ask("POST", "/drills", json=body, role="crisis_lead")
    assert (again.status_code, again.json()["code"]) == (409, "drill_is_on")
    assert crisis.house.announced("crisis") == []
