import io
import logging
import sqlite3
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from catalogue.numbers import CRISIS_NUMBERS
from chassis import logs
from chassis.metrics import FAULTS, REQUESTS
from chassis.tables import reads
from libs.web.tests.desk import CANARY, INTAKE_KEY, NORTH, SOUTH, Desk, Referral, bearer

BUSY = OperationalError("SELECT 1", {}, sqlite3.OperationalError("database is locked"))


def test_what_a_method_returns_is_answered_through_its_schema(house):
    answer = house.refer(body={"reason": "sleep"})
    assert answer.status_code == 201
    assert answer.json()["reason"] == "sleep"
    assert answer.json()["clinic_id"] == str(NORTH)
    shown = house.client.get(f"/desk/referrals/{answer.json()['id']}")
    assert (shown.status_code, shown.json()) == (200, answer.json())


def test_who_wrote_is_the_caller_of_the_token(house):
    house.refer()
    assert house.count(Referral, by=f"clinician:{UUID(int=7)}") == 1


def test_nothing_returned_is_an_empty_204(house):
    answer = house.client.delete(f"/desk/referrals/{uuid4()}")
    assert (answer.status_code, answer.content) == (204, b"")


def test_a_page_is_answered_as_it_is_with_the_policy_of_pages(house):
    answer = house.client.get("/desk/board")
    assert answer.text == "<h1>Desk</h1>"
    assert "script-src 'self'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "path", ["/desk/nothing", "/desk/referrals/not-an-id", "/elsewhere", "/static/", "/desk"]
)
def test_a_path_nobody_serves_is_a_404_problem(house, path):
    answer = house.client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:evenkeel:problem:not_found"


def test_a_wrong_method_is_told_which_are_right(house):
    answer = house.client.put("/desk/referrals")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD, POST"


def test_without_a_token_the_caller_is_asked_to_sign_in(house):
    answer = house.client.get("/desk/referrals", headers={"Authorization": ""})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="evenkeel"'


def test_a_role_that_may_not_is_told_which_may(house):
    answer = house.client.get("/desk/referrals", headers=bearer(role="auditor"))
    assert answer.status_code == 403
    assert answer.json()["facts"] == {"allowed": ["clinician", "supervisor"]}


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("missing", 404, "seat_not_found"),
        ("taken", 409, "seat_taken"),
        ("wrong", 422, "invalid"),
        ("forbidden", 403, "not_licensed_there"),
        ("surprise", 500, "fault"),
    ],
)
def test_a_refusal_becomes_a_problem_with_its_facts(house, kind, status, code):
    answer = house.client.post(f"/desk/refusals/{kind}")
    problem = answer.json()
    assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert problem["correlation_id"] == answer.headers["x-correlation-id"]
    if kind == "taken":
        assert problem["facts"] == {"free": 0}
    if kind == "wrong":
        assert problem["fields"] == [{"field": "begins_on", "messages": ["Must be a Monday."]}]


def test_what_nobody_foresaw_says_nothing_but_is_counted(house, capfd, caplog):
    caplog.set_level(logging.DEBUG)
    written = io.StringIO()
    logs.configure(stream=written)
    faults = FAULTS.labels("desk", "/desk/refusals/<string:kind>")
    before = faults._value.get()
    answer = house.client.post("/desk/refusals/surprise")
    assert faults._value.get() == before + 1
    everything = "".join([answer.text, caplog.text, written.getvalue(), *capfd.readouterr()])
    assert CANARY not in everything
    assert "RuntimeError in Desk.refuse:" in written.getvalue()
    assert answer.json()["correlation_id"] in written.getvalue()


def test_a_conflict_that_no_noun_translated_is_a_409_without_its_text(house):
    house.refer(body={"reason": "sleep"})
    answer = house.refer(body={"reason": "sleep"})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert "UNIQUE" not in answer.text


def test_a_transaction_that_the_database_breaks_off_is_run_again(house):
    Desk.failures = [BUSY, BUSY]
    assert house.refer().status_code == 201
    assert house.count(Referral) == 1


def test_a_database_that_is_lost_is_a_503_that_says_when_to_come_back(house):
    Desk.failures = [BUSY] * 5
    answer = house.refer()
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["retry-after"] == "1"
    assert house.count(Referral) == 0


def test_a_failure_takes_its_writes_with_it(house):
    Desk.failures = [RuntimeError(CANARY)]
    assert house.refer().status_code == 500
    assert house.count(Referral) == 0


def test_a_caller_of_two_clinics_names_one(house):
    two = bearer(clinics=[str(NORTH), str(SOUTH)])
    answer = house.refer(headers=two)
    assert (answer.status_code, answer.json()["fields"][0]["field"]) == (422, "clinic_id")
    assert house.refer(headers=two, body={"clinic_id": str(SOUTH)}).status_code == 201


def test_a_clinic_of_somebody_else_is_refused_and_its_rows_are_not_there(house):
    assert house.refer(body={"clinic_id": str(SOUTH)}).status_code == 403
    there = house.refer(headers=bearer(clinics=[str(SOUTH)])).json()["id"]
    assert house.client.get(f"/desk/referrals/{there}").status_code == 404
    assert house.client.get("/desk/referrals").json() == []


def test_a_service_spans_clinics_and_a_person_does_not(house):
    house.refer()
    house.refer(headers=bearer(clinics=[str(SOUTH)]))
    service = {"Authorization": f"Bearer {INTAKE_KEY.token()}"}
    assert house.client.get("/desk/totals", headers=service).json() == {"referrals": 2}
    auditor = bearer(role="auditor")
    assert house.client.get("/desk/totals", headers=auditor).json() == {"referrals": 1}


def test_a_participant_reaches_own_records_only(house):
    me = bearer(role="participant")
    assert house.client.get(f"/desk/people/{UUID(int=7)}", headers=me).status_code == 200
    assert house.client.get(f"/desk/people/{UUID(int=8)}", headers=me).status_code == 404


def test_a_clinical_read_leaves_a_row_that_says_who_read_what(house):
    referral_id = house.refer().json()["id"]
    assert house.count(reads) == 0
    house.client.get(f"/desk/referrals/{referral_id}")
    with house.database.work() as db:
        row = db.execute(sa.select(reads)).one()
    assert (row.by, row.role) == (f"clinician:{UUID(int=7)}", "clinician")
    assert (row.operation, row.clinic_id) == ("show_referral", NORTH)
    assert row.subject == f"referral_id={referral_id}"


def test_a_filter_by_somebody_says_whom_was_read_about(house):
    somebody = uuid4()
    house.client.get(f"/desk/referrals?id={somebody}&reason=sleep")
    with house.database.work() as db:
        assert db.execute(sa.select(reads.c.subject)).scalars().all() == [f"id={somebody}"]


def test_a_write_that_answers_with_what_is_clinical_is_noted_each_time_it_answers(house):
    path = f"/desk/people/{UUID(int=8)}/visits"
    for _ in range(2):
        answer = house.client.post(path, json={}, headers={"Idempotency-Key": "one"})
        assert answer.status_code == 201
    assert house.count(reads, operation="receive", subject=f"person_id={UUID(int=8)}") == 2


def test_reading_from_two_clinics_at_once_is_noted_in_both(house):
    house.client.get("/desk/referrals", headers=bearer(clinics=[str(NORTH), str(SOUTH)]))
    assert (house.count(reads, clinic_id=NORTH), house.count(reads, clinic_id=SOUTH)) == (1, 1)


def test_a_correlation_id_is_kept_when_it_is_one(house):
    given = str(uuid4())
    answer = house.client.get("/desk/referrals", headers={"X-Correlation-Id": given})
    assert answer.headers["x-correlation-id"] == given
    answer = house.client.get("/desk/referrals", headers={"X-Correlation-Id": "' OR 1"})
    assert UUID(answer.headers["x-correlation-id"])


def test_requests_are_counted_by_the_template_of_their_route(house):
    def counted():
        labels = {"service": "desk", "route": "/desk/referrals/<uuid:referral_id>"}
        return sum(
            sample.value
            for metric in REQUESTS.collect()
            for sample in metric.samples
            if sample.name.endswith("_count") and labels.items() <= sample.labels.items()
        )

    before = counted()
    house.client.get(f"/desk/referrals/{uuid4()}")
    assert counted() == before + 1


def test_who_may_be_in_danger_is_told_whom_to_call_however_they_are_refused(house):
    house.client.headers["Content-Type"] = "application/json"
    for content, headers, status in (
        (b"{", {}, 400),
        (b"{}", {"Authorization": ""}, 401),
        (b"{}", bearer(role="auditor"), 403),
        (b'{"reason": "sleep"}', {}, 409),
        (iter([b"{}"]), {}, 411),
        (b"a" * 70_000, {}, 413),
        (b"{}", {"Content-Type": "text/plain"}, 415),
        (b"{}", {}, 422),
    ):
        refused = house.client.post("/desk/check-ins", content=content, headers=headers)
        assert refused.status_code == status
        assert refused.json()["crisis_numbers"] == CRISIS_NUMBERS
    assert "crisis_numbers" not in house.client.post("/desk/referrals", content=b"{}").json()
