"""Staying signed in: who is active gets another token, and nobody else does."""

import time
from types import SimpleNamespace

import pytest

from evenkeel_ops import issuer as issuing
from evenkeel_ops.issuer import DemoIssuer
from libs.web.tests.lobby import PEOPLE, lobby
from libs.web.tests.test_pages import hidden
from libs.web.tests.test_signing_in import signed_in

CLINICIAN, _, _, PARTICIPANT = PEOPLE
RENEWAL = "/lobby/sign-in/renewal"
TOKEN, STAYING = "evenkeel-signed-in", "evenkeel-staying"


@pytest.fixture
def issuer(tmp_path):
    return DemoIssuer(tmp_path / "issuer.pem")


@pytest.fixture
def house(sqlite_url, issuer):
    house = lobby(sqlite_url, issuer)
    house.client.headers.pop("Authorization")
    yield house
    house.close()


@pytest.fixture
def client(house):
    signed_in(house, CLINICIAN)
    return house.client


def proof_of(client):
    return hidden(client.get("/lobby/board").text, "proof")


def renewed(client, **sent):
    return client.post(RENEWAL, data={"proof": proof_of(client), **sent})


def later(monkeypatch, seconds):
    passed = SimpleNamespace(monotonic=lambda: time.monotonic() + seconds, time=time.time)
    monkeypatch.setattr(issuing, "time", passed)


def test_who_is_signed_in_gets_a_later_token_and_a_proof_that_fits_it(client):
    before, stayed_by = client.cookies[TOKEN], client.cookies[STAYING]
    answer = renewed(client)
    assert answer.status_code == 200
    assert client.cookies[TOKEN] != before
    assert client.cookies[STAYING] != stayed_by
    assert answer.json()["left"] > 590
    assert answer.json()["proof"] == proof_of(client)
    assert renewed(client).status_code == 200


def test_the_cookie_to_stay_by_is_kept_from_scripts_and_lasts_a_quarter_of_an_hour(house):
    said = signed_in(house, CLINICIAN).headers.get_list("set-cookie")
    cookie = next(one for one in said if one.startswith(f"{STAYING}="))
    for part in ("HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=900"):
        assert part in cookie


def test_a_page_says_where_to_stay_only_to_who_can(client):
    assert f'data-stay="{RENEWAL}"' in client.get("/lobby/board").text
    client.cookies.delete(STAYING)
    assert "data-stay" not in client.get("/lobby/board").text


@pytest.mark.parametrize("proof", ["", "0" * 64])
def test_without_the_proof_of_our_pages_nobody_stays(client, proof):
    stayed_by = client.cookies[STAYING]
    assert renewed(client, proof=proof).status_code == 403
    assert client.cookies[STAYING] == stayed_by


def test_who_is_signed_out_comes_back_by_signing_in_and_not_by_the_other_cookie(client):
    proof = proof_of(client)
    client.cookies.delete(TOKEN)
    assert client.post(RENEWAL, data={"proof": proof}).status_code == 401
    assert TOKEN not in client.cookies


def test_without_a_cookie_to_stay_by_one_signs_in_again(client):
    client.cookies.delete(STAYING)
    assert renewed(client).status_code == 409


def test_what_one_stays_by_is_good_once(client):
    used = client.cookies[STAYING]
    assert renewed(client).status_code == 200
    client.cookies.delete(STAYING)
    client.cookies.set(STAYING, used)
    assert renewed(client).status_code == 409


def test_nobody_becomes_somebody_else_by_it(house, client, issuer):
    """The issuer's refresh token of another person, in a browser where somebody is signed in."""
    theirs = client.cookies[STAYING]
    client.cookies.clear()
    signed_in(house, PARTICIPANT)
    mine = client.cookies[TOKEN]
    client.cookies.delete(STAYING)
    client.cookies.set(STAYING, theirs)
    proof = hidden(client.get("/lobby/plan").text, "proof")
    assert client.post(RENEWAL, data={"proof": proof}).status_code == 409
    assert client.cookies[TOKEN] == mine


def test_who_does_nothing_for_a_quarter_of_an_hour_is_signed_out(client, monkeypatch):
    later(monkeypatch, 901)
    assert renewed(client).status_code == 409


def test_nobody_stays_for_longer_than_half_a_day(client, monkeypatch):
    for passed in range(0, 12 * 3600, 840):
        later(monkeypatch, passed)
        assert renewed(client).status_code == 200
    later(monkeypatch, 12 * 3600 + 1)
    assert renewed(client).status_code == 409


def test_signing_out_ends_it_at_the_issuer_too(house, client):
    stays = house.front._apps["issuer"]._stays
    assert stays
    client.post("/lobby/sign-out", data={"proof": proof_of(client)})
    assert STAYING not in client.cookies
    assert stays == {}


def test_an_issuer_that_is_away_signs_nobody_out(house, client):
    token = client.cookies[TOKEN]
    del house.front._apps["issuer"]
    assert renewed(client).status_code == 503
    assert client.cookies[TOKEN] == token
