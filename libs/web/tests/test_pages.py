import logging
import re
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa

from chassis.tables import reads
from evenkeel_ops.issuer import DemoIssuer
from libs.web.tests.desk import CANARY, NORTH
from libs.web.tests.lobby import PEOPLE, Lobby, lobby
from web.pages import Page
from web.routes import pages_of, routes_of

CLINICIAN, ELSEWHERE, LEAD, PARTICIPANT = PEOPLE
GOOD = {"reason": "to rest", "hours": "3", "track": "day"}
NAVIGATES = {"Accept": "text/html"}


@pytest.fixture
def issuer(tmp_path):
    return DemoIssuer(tmp_path / "issuer.pem")


@pytest.fixture
def house(sqlite_url, issuer):
    house = lobby(sqlite_url, issuer)
    house.client.headers.pop("Authorization")
    Lobby.arrived = []
    yield house
    house.close()


@pytest.fixture
def sign_in(house, issuer):
    """`sign_in(CLINICIAN)` gives the browser somebody's cookie."""

    def become(one):
        house.client.cookies.clear()
        token = issuer.token(one.role, one.id, one.clinics)
        house.client.cookies.set("evenkeel-signed-in", token)
        return house.client

    return become


def hidden(html, name):
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    return found[1]


def fields_of(client, path="/lobby/plan"):
    shown = client.get(path).text.split("<h1>")[1]
    return {name: hidden(shown, name) for name in ("proof", "once")}


def test_a_page_is_html_in_the_frame_of_every_page(sign_in):
    answer = sign_in(PARTICIPANT).get("/lobby/plan")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    for part in ("<title>Your plan · Evenkeel</title>", 'class="skip"', "I need help now"):
        assert part in answer.text
    assert answer.text.count('role="alert"') == answer.text.count('role="status"') == 1


def test_what_people_wrote_is_escaped(sign_in):
    client = sign_in(PARTICIPANT)
    sent = {**GOOD, **fields_of(client), "reason": "<script>alert(1)</script>", "hours": "99"}
    answer = client.post("/lobby/plan", data=sent)
    assert "<script>alert(1)" not in answer.text
    assert "&lt;script&gt;alert(1)" in answer.text


def test_a_form_that_is_right_is_taken_and_leads_to_what_to_see_next(sign_in):
    client = sign_in(PARTICIPANT)
    sent = {**GOOD, **fields_of(client), "reminded": "on", "days": ["1", "5"], "begins_on": ""}
    answer = client.post("/lobby/plan", data=sent)
    assert (answer.status_code, answer.headers["location"]) == (303, "/lobby/plan")
    assert Lobby.arrived == [
        {"reason": "to rest", "hours": 3, "track": "day", "reminded": True, "days": [1, 5]}
    ]


def test_what_is_wrong_is_shown_at_the_form_beside_what_was_written(sign_in):
    client = sign_in(PARTICIPANT)
    sent = {**GOOD, **fields_of(client), "hours": "eleven", "track": ""}
    answer = client.post("/lobby/plan", data=sent)
    assert answer.status_code == 422
    assert "<title>Error: Your plan" in answer.text
    assert '<a href="#field-hours">Hours a day: Write a whole number.</a>' in answer.text
    assert '<a href="#field-track">Time of day: Fill this in.</a>' in answer.text
    assert 'value="eleven"' in answer.text
    assert ">to rest</textarea>" in answer.text
    assert "autofocus" in answer.text
    assert Lobby.arrived == []


def test_what_the_noun_refuses_of_a_form_is_shown_there_too(sign_in):
    client = sign_in(PARTICIPANT)
    answer = client.post("/lobby/plan", data={**GOOD, **fields_of(client), "reason": "unwanted"})
    assert answer.status_code == 422
    assert "Why: Say something else." in answer.text


def test_a_field_nobody_asked_for_is_refused(sign_in):
    client = sign_in(PARTICIPANT)
    answer = client.post("/lobby/plan", data={**GOOD, **fields_of(client), "role": "sre"})
    assert (answer.status_code, Lobby.arrived) == (422, [])


def test_the_same_form_sent_twice_has_one_effect_and_another_its_own(sign_in):
    client = sign_in(PARTICIPANT)
    fields = fields_of(client)
    for _ in range(2):
        assert client.post("/lobby/plan", data={**GOOD, **fields}).status_code == 303
    assert len(Lobby.arrived) == 1
    assert client.post("/lobby/plan", data={**GOOD, **fields, "hours": "4"}).status_code == 303
    assert len(Lobby.arrived) == 2


@pytest.mark.parametrize("proof", ["", "0" * 64])
def test_a_form_without_its_proof_is_shown_again_and_not_taken(sign_in, proof):
    client = sign_in(PARTICIPANT)
    answer = client.post("/lobby/plan", data={**GOOD, "proof": proof})
    assert (answer.status_code, Lobby.arrived) == (422, [])
    assert "You signed in again since this page was shown" in answer.text
    assert ">to rest</textarea>" in answer.text


def test_a_proof_of_somebody_else_is_none(sign_in):
    fields = fields_of(sign_in(PARTICIPANT))
    other = sign_in(CLINICIAN)
    path = f"/lobby/arrivals/{UUID(int=1)}/acknowledgement"
    assert other.post(path, data=fields).status_code == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_form_that_another_site_has_sent_is_refused(sign_in, site):
    client = sign_in(PARTICIPANT)
    sent = {**GOOD, **fields_of(client)}
    answer = client.post("/lobby/plan", data=sent, headers={"Sec-Fetch-Site": site})
    assert (answer.status_code, Lobby.arrived) == (403, [])


def test_json_is_no_form(sign_in):
    assert sign_in(PARTICIPANT).post("/lobby/plan", json=GOOD).status_code == 415


def test_who_is_not_signed_in_is_sent_there_and_back(house):
    answer = house.client.get("/lobby/board?of=one")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/lobby/sign-in?to=/lobby/board%3Fof%3Done"


def test_what_was_written_by_somebody_signed_out_is_kept_for_them(house):
    answer = house.client.post("/lobby/plan", data=GOOD)
    assert answer.status_code == 401
    assert '<input type="hidden" name="reason" value="to rest">' in answer.text


def test_a_fragment_is_refused_and_sends_nobody_away(house):
    assert house.client.get("/lobby/fragments/arrivals").status_code == 401


def test_a_role_that_may_not_is_told_so_in_words(sign_in):
    answer = sign_in(PARTICIPANT).get("/lobby/board")
    assert answer.status_code == 403
    assert "You cannot do this here" in answer.text


def test_an_api_token_is_not_a_cookie_and_a_cookie_is_no_api_token(house, sign_in, issuer):
    token = issuer.token(CLINICIAN.role, CLINICIAN.id, CLINICIAN.clinics)
    headers = {"Authorization": f"Bearer {token}"}
    assert house.client.get("/lobby/board", headers=headers).status_code == 303
    signed_in = sign_in(CLINICIAN)
    assert signed_in.post("/lobby/arrivals", json={"code": "B1"}).status_code == 401
    answer = signed_in.post("/lobby/arrivals", json={"code": "B1"}, headers=headers)
    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("kind", "status", "says"),
    [
        ("missing", 404, "There is nothing here"),
        ("taken", 409, "That is not possible any more"),
        ("forbidden", 403, "You cannot do this here"),
        ("surprise", 500, "Something went wrong"),
    ],
)
def test_a_refusal_is_a_page_in_words(sign_in, capfd, caplog, kind, status, says):
    caplog.set_level(logging.DEBUG)
    answer = sign_in(CLINICIAN).get(f"/lobby/refusals/{kind}")
    assert answer.status_code == status
    assert f"<h1>{says}</h1>" in answer.text
    assert "I need help now" in answer.text
    assert CANARY not in "".join([answer.text, caplog.text, *capfd.readouterr()])
    assert answer.headers["x-correlation-id"] in answer.text


def test_a_service_has_its_own_words_for_a_code(house, sign_in, issuer):
    arrive(house, issuer, "B1")
    client = sign_in(CLINICIAN)
    board = client.get("/lobby/board").text
    path = re.search(r'formaction="([^"]*)"', board)[1]
    sent = {"proof": hidden(board, "proof")}
    assert client.post(path, data=sent).headers["location"] == "/lobby/board"
    second = sign_in(LEAD)
    sent = {"proof": hidden(second.get("/lobby/board").text, "proof")}
    answer = second.post(path, data=sent)
    assert answer.status_code == 409
    assert f"clinician:{CLINICIAN.id} has it." in answer.text


def test_a_path_nobody_serves_is_a_page_for_a_browser_only(house):
    for path in ("/lobby/nothing", "/elsewhere"):
        shown = house.client.get(path, headers=NAVIGATES)
        assert (shown.status_code, shown.headers["content-type"][:9]) == (404, "text/html")
        told = house.client.get(path)
        assert told.headers["content-type"] == "application/problem+json"


def test_an_open_page_knows_who_looks_and_asks_nobody(house, sign_in):
    assert "<h1>Hello anyone</h1>" in house.client.get("/lobby/hello").text
    assert "<h1>Hello clinician</h1>" in sign_in(CLINICIAN).get("/lobby/hello").text


def test_who_may_be_in_danger_is_told_whom_to_call(house):
    answer = house.client.post("/lobby/hello", data={"code": "B1"})
    assert answer.status_code == 409
    assert 'href="tel:988"' in answer.text
    assert "What you sent was not kept" in answer.text


def test_a_page_may_say_itself_that_it_failed(house, capfd, caplog):
    """Planted fault: the general page, which hides what this one always shows."""
    caplog.set_level(logging.DEBUG)
    answer = house.client.get("/lobby/numbers")
    assert answer.status_code == 500
    assert "<h1>Numbers</h1>" in answer.text
    assert "fault, when GET was asked" in answer.text
    assert 'href="tel:988"' in answer.text
    assert answer.headers["x-correlation-id"]
    assert CANARY not in "".join([answer.text, caplog.text, *capfd.readouterr()])


def test_a_page_may_answer_something_else(house):
    assert house.client.get("/lobby/file").text == "as it is"


def test_a_page_sees_the_rows_of_the_visitors_clinics_only(house, sign_in, issuer):
    arrive(house, issuer, "B1")
    assert "I have B1" in sign_in(CLINICIAN).get("/lobby/board").text
    assert "I have B1" not in sign_in(ELSEWHERE).get("/lobby/board").text


def test_a_clinical_page_leaves_a_row_that_says_who_looked(house, sign_in):
    sign_in(CLINICIAN).get("/lobby/fragments/arrivals")
    with house.database.work() as db:
        row = db.execute(sa.select(reads)).one()
    assert (row.by, row.operation) == (f"clinician:{CLINICIAN.id}", "arrivals")


def test_pages_are_not_in_the_description_of_the_api(house):
    described = house.client.get("/lobby/openapi.json").json()
    assert list(described["paths"]) == ["/lobby/arrivals", "/lobby/streams"]
    assert [one.path for one in routes_of(Lobby)] == ["/lobby/arrivals", "/lobby/streams"]
    assert "/lobby/board" in [one.path for one in pages_of(Lobby)]


@pytest.mark.parametrize(
    "declared",
    [
        {"method": "GET", "path": "/x"},
        {"method": "POST", "path": "/x", "template": "x.html"},
        {"method": "PUT", "path": "/x"},
        {"method": "GET", "path": "/x/<uuid:id>", "template": "x.html", "live": True},
        {"method": "GET", "path": "/x/fragments/y", "template": "x.html", "own": True},
    ],
)
def test_a_page_that_cannot_be_is_refused_where_it_is_declared(declared):
    with pytest.raises(TypeError, match="/x"):
        Page(**declared, allow=("clinician",))


def arrive(house, issuer, code, clinic=NORTH):
    token = issuer.token("clinician", UUID(int=9), [clinic])
    headers = {"Authorization": f"Bearer {token}"}
    answer = httpx.post(f"{house.url}/lobby/arrivals", json={"code": code}, headers=headers)
    assert answer.status_code == 201
