import json
import socket

import pytest
from werkzeug.datastructures import Headers

from libs.web.tests.desk import INTAKE_KEY, bearer
from web.problems import Problem
from web.reading import BODY_BYTES, must_be_storable, traceparent

JSON = {"Content-Type": "application/json"}

UNREADABLE = {
    "nothing": b"",
    "no JSON": b"{reason}",
    "a list": b'{"reason": "a"',
    "NaN": b'{"reason": NaN}',
    "infinity": b'{"reason": 1e999}',
    "a surrogate": rb'{"reason": "\ud800"}',
    "a NUL": rb'{"reason": "a\u0000b"}',
    "a NUL in a name": rb'{"a\u0000b": 1}',
    "a byte that is not UTF-8": b'{"reason": "\xff"}',
    "UTF-16": '{"reason": "a"}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"reason": "a"}',
    "a name given twice": b'{"reason": "a", "reason": "b"}',
    "brackets without end": b"[" * 60_000,
    "40 levels": b'{"reason": ' + b"[" * 40 + b"]" * 40 + b"}",
    "a number of 5,000 digits": b'{"sessions_a_week": ' + b"9" * 5000 + b"}",
    "a number of 30 digits": b'{"sessions_a_week": ' + b"9" * 30 + b"}",
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_a_body_of_no_or_two_meanings_is_refused(house, body):
    answer = house.client.post("/desk/referrals", content=body, headers=JSON)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_fields_at_fault_are_named_with_what_is_wrong(house):
    body = {"sessions_a_week": 9, "clinic_id": "north", "colour": "red"}
    answer = house.client.post("/desk/referrals", json=body)
    assert answer.status_code == 422
    fields = {found["field"]: found["messages"] for found in answer.json()["fields"]}
    assert set(fields) == {"sessions_a_week", "clinic_id", "colour", "reason"}
    assert fields["colour"] == ["Unknown field."]


def test_a_list_where_an_object_belongs_is_invalid(house):
    answer = house.client.post("/desk/referrals", json=[1])
    assert answer.status_code == 422


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_body_that_does_not_say_it_is_json_is_refused(house, kind):
    answer = house.client.post("/desk/referrals", content=b"{}", headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["code"]) == (415, "not_json")


def test_a_misspelt_filter_is_refused(house):
    answer = house.client.get("/desk/referrals?raison=sleep")
    assert (answer.status_code, answer.json()["fields"][0]["field"]) == (422, "raison")
    assert house.client.get("/desk/board?colour=red").status_code == 422


def test_a_filter_given_twice_is_refused(house):
    answer = house.client.get("/desk/referrals?reason=a&reason=b")
    assert (answer.status_code, answer.json()["fields"][0]["field"]) == (422, "reason")


def test_a_filter_with_a_nul_is_refused(house):
    assert house.client.get("/desk/referrals?reason=%00").status_code == 400
    assert house.client.post("/desk/refusals/%00").status_code == 400


@pytest.mark.parametrize("after", [2**63, 10**40])
def test_a_number_beyond_any_column_is_refused_in_a_query_too(house, after):
    headers = {"Authorization": f"Bearer {INTAKE_KEY.token()}"}
    log = "/desk/log?lane=urgent&streams=intake&after="
    assert house.client.get(f"{log}{2**63 - 1}", headers=headers).status_code == 200
    answer = house.client.get(f"{log}{after}", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "number_too_large")
    assert [one["field"] for one in answer.json()["fields"]] == ["after"]


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"reason": "a\0b"}, "reason"),
        ({"answers": {"first": [1, {"second": "\0"}]}}, "answers.first.second"),
        ({"answers": {"\0": 1}}, "answers"),
        ({"x" * 500: {"y": "\0"}}, "x" * 100),
    ],
    ids=["text", "nested", "name", "long name"],
)
def test_the_field_is_named_whose_text_is_none(content, field):
    with pytest.raises(Problem) as refused:
        must_be_storable(content)
    assert (refused.value.code, list(refused.value.fields)) == ("not_text", [field])


def test_a_body_at_the_limit_is_read_and_one_beyond_is_not(house):
    filling = BODY_BYTES - len('{"reason": ""}')
    for extra, status in ((0, 422), (1, 413)):
        body = b'{"reason": "' + b"a" * (filling + extra) + b'"}'
        answer = house.client.post("/desk/referrals", content=body, headers=JSON)
        assert answer.status_code == status


def test_a_large_body_is_refused_before_it_is_sent(house):
    head = (
        "POST /desk/referrals HTTP/1.1\r\nHost: desk\r\nContent-Type: application/json\r\n"
        f"Content-Length: 50000000\r\nAuthorization: {bearer()['Authorization']}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", house.front.port), timeout=5) as connection:
        connection.sendall(head.encode())
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"Connection: close" in answer


def test_a_sender_of_a_large_body_still_gets_to_read_the_refusal(house):
    answer = house.client.post("/desk/referrals", content=b"a" * 200_000, headers=JSON)
    assert answer.status_code == 413
    answer = house.client.request("GET", "/desk/referrals", content=b"a" * 200_000)
    assert answer.status_code == 413


def test_a_body_of_undeclared_length_is_refused(house):
    sent = iter([b"{}"])
    answer = house.client.post("/desk/referrals", content=sent, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (411, "length_required")


def test_a_thousand_unknown_fields_do_not_come_back(house):
    body = {f"field{n}": n for n in range(1000)}
    answer = house.client.post("/desk/referrals", json=body)
    assert len(json.loads(answer.text)["fields"]) == 50


@pytest.mark.parametrize(
    "given",
    [
        "",
        "00-" + "0" * 32 + "-" + "1" * 16 + "-01",
        "00-" + "1" * 32 + "-" + "0" * 16 + "-01",
        "ff-" + "1" * 32 + "-" + "1" * 16 + "-01",
        "00-" + "A" * 32 + "-" + "1" * 16 + "-01",
        "00-" + "1" * 32 + "-" + "1" * 16 + "-01\n",
    ],
)
def test_a_trace_context_that_is_none_is_replaced(given):
    assert traceparent(Headers()) != given
    made = traceparent(_trace(given)) if "\n" not in given else traceparent(Headers())
    assert made != given
    assert traceparent(_trace(made)) == made


def _trace(value):
    return Headers({"traceparent": value})
