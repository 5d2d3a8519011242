from uuid import uuid4

from eventlet.greenpool import GreenPool

from chassis.tables import answers
from libs.web.tests.desk import CANARY, NORTH, SOUTH, Desk, Referral, bearer


def test_the_same_request_under_the_same_key_gets_the_first_answer_again(house_on_either):
    house = house_on_either
    asked = {"body": {"reason": "sleep"}, "headers": {"Idempotency-Key": "one"}}
    first, second = house.refer(**asked), house.refer(**{**asked, "body": {"reason": "sleep"}})
    assert (second.status_code, second.json()) == (first.status_code, first.json())
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert house.count(Referral) == 1


def test_twenty_at_once_under_one_key_have_one_effect(house_on_either):
    house = house_on_either
    asked = {"json": {"reason": "sleep"}, "headers": {"Idempotency-Key": "one"}}
    pool = GreenPool(20)
    given = list(pool.imap(lambda _: house.client.post("/desk/referrals", **asked), range(20)))
    assert {answer.status_code for answer in given} == {201}
    assert len({answer.json()["id"] for answer in given}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in given) == 19
    assert house.count(Referral) == 1


def test_another_request_under_the_same_key_is_refused(house_on_either):
    house = house_on_either
    key = {"Idempotency-Key": "one"}
    house.refer(headers=key)
    answer = house.refer(headers=key)
    assert (answer.status_code, answer.json()["code"]) == (422, "key_used_for_another_request")
    assert house.client.post("/desk/refusals/taken", headers=key).status_code == 422
    assert house.count(Referral) == 1


def test_a_key_belongs_to_its_caller(house_on_either):
    house = house_on_either
    for person in (uuid4(), uuid4()):
        headers = {**bearer(sub=str(person)), "Idempotency-Key": "one"}
        assert house.refer(headers=headers).status_code == 201
    assert house.count(Referral) == 2


def test_a_request_that_failed_may_be_tried_again_under_its_key(house_on_either):
    house = house_on_either
    Desk.failures = [RuntimeError(CANARY)]
    asked = {"headers": {"Idempotency-Key": "one"}, "body": {"reason": "sleep"}}
    assert house.refer(**{**asked, "body": dict(asked["body"])}).status_code == 500
    assert house.count(answers) == 0
    assert house.refer(**asked).status_code == 201


def test_a_key_that_is_none_is_refused(house_on_either):
    house = house_on_either
    for key in ("", "a" * 129, "two words"):
        assert house.refer(headers={"Idempotency-Key": key}).status_code == 422


def test_an_answer_is_kept_under_a_clinic_of_the_caller(house_on_either):
    house = house_on_either
    two = bearer(clinics=[str(NORTH), str(SOUTH)])
    house.refer(headers={**two, "Idempotency-Key": "one"}, body={"clinic_id": str(SOUTH)})
    assert house.count(answers, clinic_id=NORTH) == 1
