"""What a provider posts reaches its route as it was signed."""

from typing import ClassVar
from uuid import uuid4

import marshmallow as ma
import pytest
import sqlalchemy as sa

from chassis.refusals import Forbidden
from libs.web.tests.desk import NORTH, SOUTH, House, Referral
from web.callbacks import Callback, Posted, callback
from web.fields import Id
from web.openapi import document

SIGNED = {"X-Signature": "the signature", "Authorization": ""}


class KeyQuery(ma.Schema):
    key = Id(required=True)


class Porch:
    """The service of these tests."""

    name = "porch"
    posted: ClassVar[list[Posted]] = []

    @callback("POST", "/porch/receipts/<string:of>", query=KeyQuery, signed_in="X-Signature")
    def take_receipt(self, call, of):
        """Take a receipt, unless it is forged."""
        call.db.add(Referral(id=uuid4(), clinic_id=SOUTH, reason=of, by=call.by))
        call.db.flush()
        if call.body.signature != "the signature":
            raise Forbidden("not_signed")
        Porch.posted.append(call.body)

    @callback("POST", "/porch/replies", signed_in="X-Signature")
    def take_reply(self, call):
        """Answer with how many clinics' referrals can be seen."""
        found = call.db.scalars(sa.select(Referral.clinic_id)).all()
        return 200, {"clinics": len(set(found))}


@pytest.fixture
def porch(sqlite_url):
    house = House(sqlite_url, Porch)
    Porch.posted = []
    yield house
    house.close()


def post(porch, path, data, **headers):
    return porch.client.post(path, data=data, headers={**SIGNED, **headers})


def test_what_was_posted_arrives_as_it_was_signed(porch):
    """Planted fault: the path decoded and encoded again, which loses `%7E` and `%3a`."""
    path = f"/porch/receipts/some%7Ebody%3a1?key={uuid4()}"
    answer = post(porch, path, {"Body": "Grüße & more", "From": "+12025550100", "Blank": ""})
    assert (answer.status_code, answer.content) == (204, b"")
    (posted,) = Porch.posted
    assert (posted.target, posted.signature) == (path, "the signature")
    assert posted.fields == {"Body": "Grüße & more", "From": "+12025550100", "Blank": ""}
    assert "Grüße" not in repr(posted)


def test_what_is_refused_is_said_as_a_problem_and_leaves_nothing(porch):
    path = f"/porch/receipts/a?key={uuid4()}"
    for headers in ({"X-Signature": "another"}, {"X-Signature": ""}):
        answer = post(porch, path, {"Status": "delivered"}, **headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_signed")
    assert (Porch.posted, porch.count(Referral)) == ([], 0)


def test_a_provider_is_of_no_clinic_and_sees_each(porch):
    with porch.database.work() as db:
        for clinic in (NORTH, SOUTH):
            db.add(Referral(id=uuid4(), clinic_id=clinic, reason=str(clinic), by="x"))
    assert post(porch, "/porch/replies", {"Body": "x"}).json() == {"clinics": 2}


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ({"json": {"Status": "delivered"}}, 415, "not_a_form"),
        ({"data": {"Status": ["delivered", "failed"]}}, 400, "field_given_twice"),
        ({"data": {"Status": "x" * 70_000}}, 413, "body_too_large"),
        ({"data": {"Status": "\x00"}}, 400, "not_text"),
        ({"data": {"Status": "delivered"}, "params": {"key": "none"}}, 422, "invalid"),
        ({"data": {"Status": "delivered"}, "params": {"kee": str(uuid4())}}, 422, "invalid"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_such_form_is_refused(porch, sent, status, code):
    sent = {"params": {"key": str(uuid4())}, **sent}
    answer = porch.client.post("/porch/receipts/a", headers=SIGNED, **sent)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert Porch.posted == []


def test_a_callback_is_described_as_a_signed_form():
    described = document(Porch)["paths"]["/porch/receipts/{of}"]["post"]
    assert list(described["requestBody"]["content"]) == ["application/x-www-form-urlencoded"]
    assert "X-Signature" in [one["name"] for one in described["parameters"]]
    assert {"204", "400", "403", "415", "422"} <= set(described["responses"])
    assert described["security"] == []


def test_a_callback_without_a_form_is_no_callback():
    for wrong in (("GET", {}), ("POST", {"body": KeyQuery})):
        method, options = wrong
        with pytest.raises(TypeError, match="a POST of a signed form"):
            Callback(method, "/porch/x", signed_in="X-Signature", **options)
