"""What a provider posts to us is believed when it signed it, and only about what it names."""

from collections.abc import Iterator
from urllib.parse import parse_qsl

import eventlet
import pytest
from eventlet import wsgi

from channels.callbacks import Callbacks, Forged, signed
from channels.carrier_url import telephone
from channels.receipt import UNKNOWN, furthest
from libs.channels.tests.builders import NUMBER, always, carrier, outgoing

AT = telephone("twilio+https://AC1:token@api.example/?from=%2B12025550100")[0]
URL = "https://clinic.example/receipts?key=1"
FIELDS = {"AccountSid": "AC1", "MessageSid": "SM1", "MessageStatus": "delivered"}


class Desk:
    """Where callbacks arrive, over a real socket; keeps url, fields and signature of each."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, str], str]] = []
        self._listening = eventlet.listen(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/receipts"
        self.serving = eventlet.spawn(wsgi.server, self._listening, self._take, log_output=False)

    def _take(self, environ, start):
        body = environ["wsgi.input"].read().decode()
        query = environ.get("QUERY_STRING")
        url = self.url + (f"?{query}" if query else "")
        fields = dict(parse_qsl(body, keep_blank_values=True))
        self.heard.append((url, fields, environ["HTTP_X_TWILIO_SIGNATURE"]))
        start("204 No Content", [])
        return []

    def hears(self, count: int) -> None:
        with eventlet.Timeout(20, TimeoutError(f"heard {len(self.heard)} of {count}")):
            while len(self.heard) < count:
                eventlet.sleep(0.01)


@pytest.fixture
def desk() -> Iterator[Desk]:
    one = Desk()
    yield one
    one.serving.kill()


def callbacks(outside) -> Callbacks:
    return Callbacks(telephone(outside.twilio_url())[0])


def statuses(outside, desk, count, **given):
    desk.hears(count)
    return [callbacks(outside).receipt(*one, **given).status for one in desk.heard]


def send(outside, desk, channel="sms"):
    one = carrier(outside.twilio_url(), channel, desk.url)
    return one.send(outgoing(NUMBER), key="k/1", seconds=5, may_go=always)


@pytest.mark.parametrize("channel", ["sms", "voice"])
def test_a_message_is_followed_to_its_delivery(outside, desk, channel):
    outcome = send(outside, desk, channel)
    said = statuses(outside, desk, 3, about=outcome.reference)
    assert said == ["queued", "sent", "delivered"]
    assert all(url.endswith("?key=k%2F1") for url, _, _ in desk.heard)


@pytest.mark.parametrize(("receipts", "count"), [("doubled", 6), ("reversed", 3)])
def test_receipts_that_come_twice_or_in_any_order_end_in_the_delivery(
    outside, desk, receipts, count
):
    outside.fail("phone_a", receipts=receipts)
    send(outside, desk)
    holds = UNKNOWN
    for status in statuses(outside, desk, count):
        holds = furthest(holds, status)
    assert holds == "delivered"


@pytest.mark.parametrize(("receipts", "wrong"), [("forged", "signature"), ("foreign", "account")])
def test_a_receipt_of_somebody_else_is_refused(outside, desk, receipts, wrong):
    """Planted fault: reading the fields without asking who signed them, or for which account."""
    outside.fail("phone_a", receipts=receipts)
    send(outside, desk)
    desk.hears(1)
    with pytest.raises(Forged, match=wrong):
        callbacks(outside).receipt(*desk.heard[0])


def test_a_receipt_is_of_no_use_for_another_message(outside, desk):
    """Planted fault: a signature over the fields alone, or a reference that is not compared."""
    send(outside, desk)
    desk.hears(3)
    url, fields, signature = desk.heard[-1]
    with pytest.raises(Forged, match="signature"):
        callbacks(outside).receipt(url.replace("k%2F1", "k%2F2"), fields, signature)
    with pytest.raises(Forged, match="message"):
        callbacks(outside).receipt(url, fields, signature, about="SM2")


def test_what_somebody_wrote_back_is_heard(outside, desk):
    outside.reply("phone_a", desk.url, from_="+12125550144", text="C: ünïcode & =")
    reply = callbacks(outside).reply(*desk.heard[0])
    assert (reply.from_, reply.to, reply.text) == ("+12125550144", "+12025550100", "C: ünïcode & =")
    assert "2125550144" not in repr(reply)
    assert "ünï" not in repr(reply)
    with pytest.raises(Forged):
        callbacks(outside).reply(desk.url, {**desk.heard[0][1], "Body": "STOP"}, desk.heard[0][2])


def test_the_signature_is_that_of_twilios_own_example():
    """https://www.twilio.com/docs/usage/security, with the example's invented token."""
    fields = {
        "CallSid": "CA1234567890ABCDE", "Caller": "+14158675309", "Digits": "1234",
        "From": "+14158675309", "To": "+18005551212",
    }  # fmt: skip
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert signed(url, fields, "12345") == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


@pytest.mark.parametrize("signature", ["", "x", "é", "\udc80", signed(URL, FIELDS, "other")])
def test_no_signature_but_the_right_one_will_do(signature):
    with pytest.raises(Forged, match="signature"):
        Callbacks(AT).receipt(URL, FIELDS, signature)
    assert Callbacks(AT).receipt(URL, FIELDS, signed(URL, FIELDS, "token")).status == "delivered"


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"MessageStatus": "undelivered", "ErrorCode": "30003"}, "undeliverable", "30003"),
        ({"MessageStatus": "failed", "ErrorCode": ""}, "failed", None),
        ({"MessageStatus": "never heard of"}, "unknown", None),
        ({}, "unknown", None),
    ],
)
def test_statuses_are_told_in_our_words(fields, status, code):
    given = {"AccountSid": "AC1", "MessageSid": "SM1", **fields}
    receipt = Callbacks(AT).receipt(URL, given, signed(URL, given, "token"))
    assert (receipt.status, receipt.code) == (status, code)
