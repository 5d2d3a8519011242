import json

import jsonschema
import marshmallow as ma
import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31

from libs.web.tests.desk import Desk
from web.between import Between
from web.fields import OF_THESE_YEARS
from web.openapi import document
from web.routes import route, routes_of


def test_the_description_is_valid_openapi_3_1():
    described = document(Desk)
    assert described["openapi"] == "3.1.0"
    jsonschema.Draft202012Validator(OPENAPI_31).validate(described)


def test_every_route_is_described_with_its_callers_and_answers():
    described = document(Desk)
    operations = {
        (path, method): operation
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    }
    assert len(operations) == len(routes_of(Desk))
    taken = operations["/desk/referrals", "post"]
    assert (taken["operationId"], taken["summary"]) == ("take_referral", "Take a referral.")
    assert taken["x-roles"] == ["clinician", "supervisor"]
    assert set(taken["responses"]) == {
        "201", "400", "401", "403", "404", "408", "409", "411", "413", "415", "422", "500", "503",
    }  # fmt: skip
    assert operations["/desk/referrals/{referral_id}", "delete"]["responses"]["204"]
    assert operations["/desk/board", "get"]["security"] == []


def test_a_body_is_described_as_strictly_as_it_is_read():
    body = document(Desk)["components"]["schemas"]["ReferralBody"]
    assert body["additionalProperties"] is False
    assert body["required"] == ["reason"]
    assert body["properties"]["sessions_a_week"] == {
        "type": "integer", "minimum": 3, "maximum": 5,
    }  # fmt: skip
    assert body["properties"]["begins_on"] == {
        "type": ["string", "null"],
        "format": "date",
        "pattern": OF_THESE_YEARS,
    }


def test_the_description_is_the_same_every_time_and_open_to_anyone(house):
    answer = house.client.get("/desk/openapi.json", headers={"Authorization": ""})
    assert answer.json() == document(Desk)
    assert json.dumps(document(Desk)) == json.dumps(document(Desk))


def test_every_service_describes_what_other_services_may_ask():
    class Intake(Between):
        """Takes referrals."""

        name = "intake"

    paths = document(Intake)["paths"]
    assert set(paths) == {"/intake/log", "/intake/details/{person_id}"}


def test_a_route_that_says_not_who_may_call_is_refused():
    with pytest.raises(TypeError, match="say who may call"):
        route("GET", "/desk/secrets")(lambda service, call: None)
    with pytest.raises(TypeError, match="say who may call"):
        route("GET", "/desk/secrets", allow=("janitor",))(lambda service, call: None)


def test_a_clinical_read_that_could_not_be_audited_is_refused():
    with pytest.raises(TypeError, match="needs a transaction"):
        route("GET", "/desk/people", allow=("clinician",), clinical=True, transaction=False)(
            lambda service, call: None
        )


def test_a_route_without_a_docstring_is_not_described():
    class Mute:
        name = "mute"

        @route("GET", "/mute", query=ma.Schema, open=True)
        def say(self, call):
            return {}

    with pytest.raises(TypeError, match="docstring"):
        document(Mute)
