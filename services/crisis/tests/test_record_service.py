"""Export, packet and safety plan over HTTP and as pages, and the row that says who read them."""

import json
import re
from collections.abc import Callable
from html import unescape
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa

from chassis.announce import uuid7
from chassis.clock import SimulatedClock
from chassis.tables import reads
from crisis.participant import Participant
from crisis.record import export
from crisis.record.signing import PublicKeys
from evenkeel_ops.house import House
from services.crisis.tests.builders import START, Clinic

COOKIE = "evenkeel-signed-in"
WRITTEN = {"alone": "walk by the lake", "together": "on"}


class Office:
    """A house with crisis in it, one clinic, and somebody with an open case."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.runtime = house.runtime("crisis")
        self.clinic = Clinic.with_rota(self.runtime.database, SimulatedClock(START))
        self.person = uuid7()
        self.case_id = self.clinic.raises("T1", participant_id=self.person)
        with self.runtime.database.work() as db:
            db.add(Participant(id=self.person, clinic_id=self.clinic.id, zone="America/New_York"))

    def ask(self, method: str, path: str, *, role: str = "clinician", **request: Any):
        given = {"clinics": [self.clinic.id], "role": role, **request}
        return self.house.call(method, f"/crisis{path}", **given)

    def browser(self, role: str = "clinician", person: UUID | None = None) -> httpx.Client:
        """Somebody's browser, without JavaScript."""
        token = self.house.issuer.token(role, person or uuid7(), [self.clinic.id])
        return httpx.Client(base_url=self.house.address, cookies={COOKIE: token}, timeout=30)

    def read(self) -> list[tuple[str, str]]:
        """Which reads are in the audit, and of what."""
        with self.runtime.database.look() as connection:
            rows = connection.execute(sa.select(reads.c.operation, reads.c.subject))
            return [(row.operation, row.subject) for row in rows]


@pytest.fixture
def office(house_of: Callable[..., House]) -> Office:
    settings = {
        "EVENKEEL_SMTP_URL": "smtp://127.0.0.1:9",
        "EVENKEEL_SENDER": "crisis@evenkeel.example",
    }
    return Office(house_of("crisis", clock=SimulatedClock(START), settings=settings))


def send(browser: httpx.Client, path: str, **fields: str) -> httpx.Response:
    shown = browser.get(path).text.partition("<main")[2]
    hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', shown)
    return browser.post(path, data={**dict(hidden), **fields})


def text_of(answer: httpx.Response) -> str:
    """What there is to read on a page."""
    shown = answer.text.partition("<main")[2].partition("</main>")[0]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", shown)).split())


def test_a_timeline_is_exported_signed_for_those_who_may_and_the_read_is_kept(office):
    path = f"/cases/{office.case_id}/timeline"
    for role in ("clinician", "scheduler", "sre", "participant"):
        assert office.ask("GET", path, role=role).status_code == 403
    assert office.ask("GET", path, role="auditor", clinics=[uuid7()]).status_code == 404
    before = office.read()
    answer = office.ask("GET", path, role="auditor")
    assert answer.status_code == 200
    key = office.runtime.settings.timeline_key
    document = json.loads(answer.text)
    assert export.wrong_with(document, PublicKeys([key.public])) is None
    assert [entry["what"] for entry in document["entries"]] == ["opened", "rung_paged"]
    assert office.read()[len(before) :] == [("export_timeline", f"case_id={office.case_id}")]


def test_the_timelines_of_a_running_service_are_signed(office):
    office.house.settle()
    with office.runtime.database.look() as connection:
        (count,) = connection.exec_driver_sql(
            "SELECT count(*) FROM case_timeline_checkpoints"
        ).one()
    assert count == 1


@pytest.mark.parametrize("path", ["packet", "packet-facts"])
def test_a_packet_that_is_opened_leaves_a_row_in_the_audit(office, path):
    """Planted fault: a packet opened without an audit row."""
    where, before = f"/crisis/cases/{office.case_id}/{path}", office.read()
    if path == "packet":
        answer = office.browser().get(where)
    else:
        answer = office.ask("GET", where.removeprefix("/crisis"))
    assert answer.status_code == 200
    operation = {"packet": "packet_page", "packet-facts": "show_packet"}[path]
    assert office.read()[len(before) :] == [(operation, f"case_id={office.case_id}")]


def test_only_those_who_may_have_a_case_open_its_packet(office):
    for role in ("scheduler", "clinic_admin", "auditor", "sre", "participant"):
        page = office.browser(role).get(f"/crisis/cases/{office.case_id}/packet")
        facts = office.ask("GET", f"/cases/{office.case_id}/packet-facts", role=role)
        assert (page.status_code, facts.status_code) == (403, 403), role


def test_the_page_names_what_is_missing_and_says_that_it_calls_nobody(office):
    shown = text_of(office.browser().get(f"/crisis/cases/{office.case_id}/packet"))
    assert "This software calls nobody" in shown
    assert "Emergency call centre missing" in shown
    for what in ("name", "callback number", "emergency contact", "safety plan"):
        assert what in shown.partition("Missing")[2]
    number = {"clinic_id": str(office.clinic.id), "state": "NY", "number": "212 555 0100"}
    assert office.ask("PUT", "/call-centres", role="clinic_admin", json=number).status_code == 200
    assert office.ask("PUT", "/call-centres", role="clinician", json=number).status_code == 403
    wrong = office.ask(
        "PUT", "/call-centres", role="clinic_admin", json={**number, "number": "911"}
    )
    assert (wrong.status_code, [one["field"] for one in wrong.json()["fields"]]) == (
        422, ["number"],
    )  # fmt: skip
    listed = office.ask("GET", "/call-centres").json()["items"]
    assert [(one["state"], one["number"]) for one in listed] == [("NY", "212 555 0100")]


def test_to_whom_a_packet_was_read_out_is_kept_and_asked_for_in_full(office):
    browser, path = office.browser(), f"/crisis/cases/{office.case_id}/packet"
    refused = send(browser, path, to="emergency_services")
    assert refused.status_code == 422
    assert "On what basis: Fill this in." in text_of(refused)
    assert "packet_told" not in office.clinic.told(office.case_id)
    done = send(browser, path, to="emergency_services", basis="imminent_danger")
    assert done.status_code == 303
    assert office.clinic.told(office.case_id)[-1] == "packet_told"


def test_a_plan_written_on_the_page_is_first_in_the_case_and_on_the_participants_own(office):
    path = f"/crisis/participants/{office.person}/plan"
    assert send(office.browser(), path, **WRITTEN).status_code == 303
    case = office.ask("GET", f"/cases/{office.case_id}").json()
    assert case["plan"]["steps"]["alone"] == "walk by the lake"
    mine = office.browser("participant", office.person).get("/crisis/plan")
    assert "walk by the lake" in text_of(mine)
    shown = text_of(office.browser().get(f"/crisis/cases/{office.case_id}/packet"))
    assert "walk by the lake" in shown
    assert "walk by the lake" not in json.dumps(case["timeline"])


def test_a_plan_is_shown_to_its_owner_and_to_staff_of_the_clinic_alone(office):
    path = f"/participants/{office.person}/safety-plan"
    body = {"alone": "walk", "together": True, "replaces": 0}
    assert office.ask("POST", path, json=body).status_code == 201
    assert office.ask("POST", path, json=body).json()["code"] == "plan_was_written_meanwhile"
    assert office.ask("GET", path, role="participant", person=office.person).json()["plan"]
    assert office.ask("GET", path, role="participant", person=uuid7()).status_code == 404
    assert office.ask("GET", path, clinics=[uuid7()]).status_code == 404
    other = office.browser("participant", uuid7()).get("/crisis/plan")
    assert "You have no plan here yet" in text_of(other)


def test_what_is_wrong_with_a_plan_is_shown_beside_what_was_written(office):
    path = f"/crisis/participants/{office.person}/plan"
    refused = send(office.browser(), path, alone="walk")
    assert refused.status_code == 422
    assert "A plan is written together with the participant." in text_of(refused)
    assert ">walk</textarea>" in refused.text
    long = send(office.browser(), path, alone="w" * 1001, together="on")
    assert (long.status_code, office.ask("GET", f"/cases/{office.case_id}").json()["plan"]) == (
        422, None,
    )  # fmt: skip


def test_numbers_are_on_the_page_with_and_without_a_plan_and_before_sign_in(office):
    mine = office.browser("participant", office.person).get("/crisis/plan")
    stranger = httpx.get(f"{office.house.address}/crisis/plan", follow_redirects=True)
    for page in (mine, stranger):
        assert 'href="tel:988"' in page.text
        assert 'href="sms:988"' in page.text
