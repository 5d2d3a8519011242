import time
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from evenkeel_ops import issuer as issuing
from evenkeel_ops.issuer import DemoIssuer
from libs.web.tests.lobby import PEOPLE, lobby
from libs.web.tests.test_pages import fields_of, hidden
from web.browsers import Cookies
from web.callers import Callers, Door, Issuer
from web.keys import StaticKeys
from web.signing_in import UnderWay, own_path

CLINICIAN, _, _, PARTICIPANT = PEOPLE


@pytest.fixture
def issuer(tmp_path):
    return DemoIssuer(tmp_path / "issuer.pem")


@pytest.fixture
def house(sqlite_url, issuer):
    house = lobby(sqlite_url, issuer)
    house.client.headers.pop("Authorization")
    yield house
    house.close()


def begun(house, to="/lobby/board"):
    """The issuer's page, as the browser finds it after having begun to sign in."""
    answer = house.client.get("/lobby/sign-in/start", params={"to": to})
    assert answer.status_code == 303
    return answer.headers["location"]


def picked(house, address, one):
    """The way back, after somebody was picked."""
    return house.client.get(address, params={**query(address), "as": str(one.id)}).headers[
        "location"
    ]


def query(address):
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def signed_in(house, one, to="/lobby/board"):
    return house.client.get(picked(house, begun(house, to), one))


def test_somebody_signs_in_and_is_where_they_wanted_to_be(house):
    answer = signed_in(house, CLINICIAN)
    assert (answer.status_code, answer.headers["location"]) == (303, "/lobby/board")
    board = house.client.get("/lobby/board")
    assert "Signed in as clinician" in board.text


def test_the_page_names_where_one_signs_in_and_keeps_where_one_wanted_to_be(house):
    shown = house.client.get("/lobby/sign-in", params={"to": "/lobby/board"})
    assert shown.status_code == 200
    assert "Sign in with a synthetic person of the demo" in shown.text
    assert "to=%2Flobby%2Fboard" in shown.text


def test_the_cookie_is_of_the_origin_and_no_script_can_read_it(house):
    said = signed_in(house, CLINICIAN).headers.get_list("set-cookie")
    token = next(one for one in said if one.startswith("evenkeel-signed-in="))
    for part in ("HttpOnly", "Path=/", "SameSite=Lax"):
        assert part in token
    assert "Secure" not in token
    assert 0 < int(token.partition("Max-Age=")[2].partition(";")[0]) <= 600


def test_outside_the_demo_the_cookie_is_for_tls_alone():
    class Answer:
        def set_cookie(self, name, value, **options):
            self.name, self.options = name, options

    answer = Answer()
    Cookies("production").put(answer, "signed-in", "token", 60)
    assert answer.name == "__Host-evenkeel-signed-in"
    assert answer.options["secure"] is True
    assert answer.options["path"] == "/"


def test_pkce_state_and_nonce_are_sent_and_nothing_else_of_us(house):
    asked = query(begun(house))
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["code_challenge"]) == 43
    assert len(asked["state"]) == len(asked["nonce"]) == 43
    assert asked["redirect_uri"] == f"{house.url}/lobby/sign-in/callback"


def test_another_state_than_ours_signs_nobody_in(house):
    back = picked(house, begun(house), CLINICIAN).replace("state=", "state=x")
    answer = house.client.get(back)
    assert answer.status_code == 400
    assert "evenkeel-signed-in" not in house.client.cookies


def test_a_way_back_without_the_browser_that_began_it_signs_nobody_in(house):
    back = picked(house, begun(house), CLINICIAN)
    answer = httpx.get(back)
    assert (answer.status_code, answer.headers.get_list("set-cookie")) == (400, [])


def test_a_code_works_once(house):
    back = picked(house, begun(house), CLINICIAN)
    kept = dict(house.client.cookies)
    assert house.client.get(back).status_code == 303
    house.client.cookies = kept
    assert house.client.get(back).status_code == 403


def test_a_code_of_another_sign_in_is_worth_nothing_here(house):
    """Somebody lures a browser into an account that is theirs: the verifier does not fit."""
    theirs = query(picked(house, begun(house), PARTICIPANT))
    ours = picked(house, begun(house), CLINICIAN)
    answer = house.client.get(ours, params={**query(ours), "code": theirs["code"]})
    assert answer.status_code == 403
    assert "evenkeel-signed-in" not in house.client.cookies


def test_an_id_token_for_another_sign_in_is_refused(house, issuer, monkeypatch):
    made = issuer.id_token
    monkeypatch.setattr(issuer, "id_token", lambda person_id, nonce: made(person_id, "other"))
    answer = signed_in(house, CLINICIAN)
    assert answer.status_code == 403
    assert "You were not signed in" in answer.text


def test_an_id_token_of_somebody_else_is_refused(house, issuer, monkeypatch):
    made = issuer.id_token
    monkeypatch.setattr(issuer, "id_token", lambda person_id, nonce: made(PARTICIPANT.id, nonce))
    assert signed_in(house, CLINICIAN).status_code == 403


def test_a_token_that_services_would_not_believe_is_no_cookie(house, tmp_path, monkeypatch):
    monkeypatch.setattr(
        house.front._apps["issuer"]._issuer, "token", DemoIssuer(tmp_path / "other.pem").token
    )
    assert signed_in(house, CLINICIAN).status_code == 403
    assert "evenkeel-signed-in" not in house.client.cookies


def test_an_issuer_that_refuses_is_told_in_words(house):
    state = query(begun(house))["state"]
    answer = house.client.get(
        "/lobby/sign-in/callback", params={"error": "access_denied", "state": state}
    )
    assert answer.status_code == 403
    assert "You were not signed in" in answer.text


def test_an_issuer_that_is_away_is_told_in_words(house):
    del house.front._apps["issuer"]
    answer = house.client.get("/lobby/sign-in/start")
    assert answer.status_code == 503
    assert "does not work at the moment" in answer.text


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example",
        "javascript:alert(1)", "/\t/evil.example", "evil.example", "/\nLocation: x", "/é", "",
    ],
)  # fmt: skip
def test_nobody_is_sent_to_another_site(house, elsewhere):
    assert own_path(elsewhere) == "/"
    if elsewhere:
        assert signed_in(house, CLINICIAN, to=elsewhere).headers["location"] == "/"


def test_a_path_of_ours_is_kept():
    assert own_path("/lobby/board?of=a//b#here") == "/lobby/board?of=a//b#here"


@pytest.mark.parametrize("cookie", ["", "x", "e30=", "WzFd", "eyJhIjoxfQ=="])
def test_a_cookie_that_somebody_made_up_is_none(cookie):
    assert UnderWay.of(cookie) is None


def test_signing_out_forgets_the_cookie(house):
    signed_in(house, PARTICIPANT)
    proof = fields_of(house.client)["proof"]
    assert house.client.post("/lobby/sign-out", data={"proof": "x"}).status_code == 403
    answer = house.client.post("/lobby/sign-out", data={"proof": proof})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert house.client.get("/lobby/plan").status_code == 303


def test_a_token_that_has_ended_is_no_longer_somebody(house, issuer, monkeypatch):
    monkeypatch.setattr(issuing, "time", SimpleNamespace(time=lambda: time.time() - 700))
    house.client.cookies.set("evenkeel-signed-in", issuer.token("clinician", CLINICIAN.id, []))
    assert house.client.get("/lobby/board").status_code == 303


def test_a_tab_opened_to_stay_signed_in_ends_with_what_the_others_need(house):
    signed_in(house, CLINICIAN, to="/lobby/sign-in/done")
    shown = house.client.get("/lobby/sign-in/done").text
    assert hidden(house.client.get("/lobby/board").text, "proof") in shown
    assert 'data-left="' in shown


def test_somebody_with_two_issuers_chooses(sqlite_url, issuer):
    said = issuer.trusted()
    doors = [
        Issuer(name, StaticKeys(said["jwks"]), algorithm="EdDSA", door=Door("us", "/x", name))
        for name in ("staff", "participants")
    ]
    house = lobby(sqlite_url, issuer)
    house.container.config["callers"] = Callers(doors)
    shown = httpx.get(f"{house.url}/lobby/sign-in").text
    assert shown.count("Sign in with") == 2
    assert httpx.get(f"{house.url}/lobby/sign-in/start?with=nobody").status_code == 404
    house.close()


class TestTheDemosIssuer:
    @pytest.mark.parametrize(
        "without", ["code_challenge", "code_challenge_method", "state", "nonce", "redirect_uri"]
    )
    def test_demands_pkce_and_all_that_binds_a_sign_in_to_its_browser(self, house, without):
        asked = query(begun(house))
        del asked[without]
        asked["as"] = str(CLINICIAN.id)
        answer = house.client.get("/issuer/authorize", params=asked)
        assert (answer.status_code, answer.json()) == (400, {"error": "invalid_request"})

    def test_answers_to_this_machine_only(self, house):
        asked = {**query(begun(house)), "as": str(CLINICIAN.id)}
        away = {**asked, "redirect_uri": "https://evil.example/callback"}
        assert house.client.get("/issuer/authorize", params=away).status_code == 400
        named = {"Host": "evil.example"}
        assert house.client.get("/issuer/keys", headers=named).status_code == 403

    def test_lets_a_code_expire(self, house, monkeypatch):
        back = picked(house, begun(house), CLINICIAN)
        later = SimpleNamespace(monotonic=lambda: time.monotonic() + 61, time=time.time)
        monkeypatch.setattr(issuing, "time", later)
        assert house.client.get(back).status_code == 403

    def test_shows_everybody_one_may_be(self, house):
        shown = house.client.get(begun(house)).text
        for one in PEOPLE:
            assert one.name in shown

    def test_describes_itself_and_its_keys(self, house, issuer):
        said = house.client.get("/issuer/.well-known/openid-configuration").json()
        assert said["code_challenge_methods_supported"] == ["S256"]
        assert house.client.get(said["jwks_uri"]).json() == issuer.jwks
