"""What providers post and what links open, over HTTP, on both pairs of broker and database."""

import re
import socket
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from chassis.clock import SimulatedClock
from evenkeel_ops.house import House
from evenkeel_ops.issuer import AT
from evenkeel_ops.providers.posting import signature
from evenkeel_ops.providers.running import Providers
from services.crisis.tests.builders import START, until
from services.crisis.tests.test_service import Crisis

PHONE = "+12125550144"
ACCOUNT, TOKEN = f"AC{'a' * 32}", "token-of-phone_a"


@dataclass
class Reached(Crisis):
    """Crisis with text messages, and somebody on call who has a phone."""

    origin: str = ""

    @property
    def provider(self) -> str:
        return f"127.0.0.1:{self.mail.ports['phone_a']}"

    def give_phone(self) -> None:
        runtime = self.house.runtime("crisis")
        with runtime.database.work() as db:
            runtime.vault.keep(
                db, self.people[0], clinic_id=self.clinic_id, owner="scheduling", version=2,
                content={"phone": PHONE, "name": "Clinician 1"},
            )  # fmt: skip
        self.house.settle()

    def pages_somebody(self) -> str:
        """A case, once the text message about it has left."""
        case_id = self.opens("T1").json()["case_id"]
        until(lambda: self.page(case_id)["state"] == "sent")
        return case_id

    def page(self, case_id: str) -> dict[str, Any]:
        (one,) = self.case(case_id)["pages"]
        return one

    def text(self) -> dict[str, Any]:
        (one,) = self.mail.accepted()
        return one

    def link(self) -> str:
        found = re.search(r"http\S+/crisis/paged/\S+", self.text()["text"])
        assert found
        return found[0]

    def post(self, path: str, fields: dict[str, str], token: str = TOKEN) -> httpx.Response:
        """As the provider would, signed with a token."""
        url = f"{self.origin}{path}"
        signed = {"X-Twilio-Signature": signature(url, fields, token)}
        return httpx.post(url, data=fields, headers=signed)

    def receipt(self, key: str, status: str = "delivered", **changes: str) -> httpx.Response:
        token = changes.pop("token", TOKEN)
        sid = changes.pop("sid", self.text()["reference"])
        path = f"/crisis/receipts/sms/{changes.pop('provider', self.provider)}?key={key}"
        fields = {"AccountSid": ACCOUNT, "MessageSid": sid, "MessageStatus": status, **changes}
        return self.post(path, fields, token)


@pytest.fixture
def reached(house_of: Callable[..., House], outside: Providers) -> Reached:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    origin = f"http://127.0.0.1:{port}"
    house = house_of(
        "crisis",
        clock=SimulatedClock(START),
        port=port,
        settings={"EVENKEEL_SMS_URL": outside.twilio_url(), "EVENKEEL_ORIGIN": origin},
    )
    reached = Reached(house, outside, origin=origin)
    first, second, third, fourth = (reached.hire() for _ in range(4))
    assert reached.publish([first], [second], [third, fourth]).status_code == 200
    reached.give_phone()
    return reached


@pytest.mark.parametrize("receipts", ["true", "doubled", "reversed"])
def test_a_receipt_says_that_a_page_arrived_and_acknowledges_nothing(reached, receipts):
    """Planted fault: a receipt that acknowledges."""
    reached.mail.fail("phone_a", receipts=receipts)
    case_id = reached.pages_somebody()
    until(lambda: reached.page(case_id)["receipt"] == "delivered")
    shown = reached.case(case_id)
    assert (shown["state"], shown["acknowledged_by"]) == ("paging", None)
    assert [entry["what"] for entry in shown["timeline"]] == ["opened", "rung_paged"]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"token": "not the token"}, 403),
        ({"AccountSid": "AC" + "f" * 32}, 403),
        ({"sid": "SM" + "0" * 32}, 403),
        ({"sid": ""}, 403),
        ({"provider": "127.0.0.1:1"}, 404),
    ],
    ids=["forged", "another account", "another page", "no page", "unknown"],
)
def test_a_receipt_that_is_not_to_be_believed_changes_nothing(reached, changes, status):
    """Planted faults: a signature not compared; a reference not compared."""
    reached.mail.fail("phone_a", receipts="none")
    case_id = reached.pages_somebody()
    key = reached.page(case_id)["page_id"]
    assert reached.receipt(key, **changes).status_code == status
    assert reached.page(case_id)["receipt"] is None
    assert reached.receipt(key).status_code == 204
    assert reached.page(case_id)["receipt"] == "delivered"


def test_a_receipt_is_good_for_the_page_that_its_url_names_only(reached):
    reached.mail.fail("phone_a", receipts="none")
    case_id = reached.pages_somebody()
    page = reached.page(case_id)
    fields = {
        "AccountSid": ACCOUNT, "MessageSid": reached.text()["reference"],
        "MessageStatus": "delivered",
    }  # fmt: skip
    path = f"/crisis/receipts/sms/{reached.provider}?key="
    of_another = signature(f"{reached.origin}{path}{case_id}", fields, TOKEN)
    url = f"{reached.origin}{path}{page['page_id']}"
    answer = httpx.post(url, data=fields, headers={"X-Twilio-Signature": of_another})
    assert answer.status_code == 403
    assert reached.receipt(case_id).status_code == 204  # a message nobody knows
    assert reached.page(case_id)["receipt"] is None


def test_a_text_message_with_the_code_takes_the_case(reached):
    case_id = reached.pages_somebody()
    code = reached.case(case_id)["code"]
    url = f"{reached.origin}/crisis/replies/{reached.provider}"
    reached.mail.reply("phone_a", url, from_=PHONE, text=f"ok {code}")
    until(lambda: reached.case(case_id)["state"] == "acknowledged")
    shown = reached.case(case_id)
    assert shown["acknowledged_by"] == str(reached.people[0])
    assert shown["timeline"][-1]["by"] == f"reply:{reached.people[0]}"
    until(lambda: len(reached.mail.accepted()) == 2)
    assert reached.mail.accepted()[1]["text"].startswith(f"Case {code} is yours.")


def test_a_text_message_that_no_provider_signed_takes_nothing(reached):
    case_id = reached.pages_somebody()
    fields = {
        "AccountSid": ACCOUNT, "MessageSid": "SM1", "From": PHONE, "To": "+12025550100",
        "Body": reached.case(case_id)["code"],
    }  # fmt: skip
    path = f"/crisis/replies/{reached.provider}"
    assert reached.post(path, fields, "not the token").status_code == 403
    assert reached.case(case_id)["state"] == "paging"
    assert reached.post(path, fields).status_code == 204
    assert reached.case(case_id)["state"] == "acknowledged"


def test_a_preview_of_a_link_acknowledges_nothing(reached):
    """Planted fault: a GET that acknowledges."""
    case_id = reached.pages_somebody()
    for method in ("HEAD", "GET", "GET"):
        answer = httpx.request(method, reached.link())
        assert answer.status_code == 200
    assert f"I have case {reached.case(case_id)['code']}" in answer.text
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert reached.case(case_id)["state"] == "paging"


def test_the_button_takes_the_case_without_the_issuer_once(reached):
    """Planted fault: a link that asks who is signed in."""
    case_id = reached.pages_somebody()
    code = reached.case(case_id)["code"]
    reached.house.process.front._apps.pop(AT.strip("/"))
    for _ in range(2):
        pressed = httpx.post(reached.link(), data={"code": code}, follow_redirects=True)
        assert pressed.status_code == 200
        assert "You have it." in pressed.text
        assert "15:03 UTC" in pressed.text
    shown = reached.case(case_id)
    assert (shown["state"], shown["acknowledged_by"]) == ("acknowledged", str(reached.people[0]))
    assert [entry["what"] for entry in shown["timeline"]].count("acknowledged") == 1


def test_a_late_click_sees_who_has_the_case(reached):
    case_id = reached.pages_somebody()
    code = reached.case(case_id)["code"]
    reached.ask("POST", f"/cases/{case_id}/acknowledgement", person=reached.people[1])
    pressed = httpx.post(reached.link(), data={"code": code}, follow_redirects=True)
    assert "a colleague" in pressed.text
    assert "You need not act." in pressed.text
    assert reached.case(case_id)["acknowledged_by"] == str(reached.people[1])


@pytest.mark.parametrize("data", [{"code": ""}, {"code": "NONE"}, {"code": "x" * 99}, {"cod": "x"}])
def test_a_button_of_no_case_takes_nothing(reached, data):
    case_id = reached.pages_somebody()
    assert httpx.post(reached.link(), data=data).status_code == 422
    assert reached.case(case_id)["state"] == "paging"


def test_a_link_that_is_none_shows_nothing_and_no_link_is_in_a_log(reached, capfd):
    reached.pages_somebody()
    assert httpx.get(f"{reached.origin}/crisis/paged/nothing").status_code == 404
    assert httpx.get(reached.link()).status_code == 200
    told = capfd.readouterr().out
    assert "route=/crisis/paged/<string:token>" in told
    assert reached.link().rpartition("/")[2] not in told
    assert PHONE not in told
