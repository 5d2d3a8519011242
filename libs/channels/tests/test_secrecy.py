"""No log and no exception names an address, a number, the text or a secret."""

import logging

import pytest

from channels import attempt as attempts
from channels.callbacks import Callbacks, Forged
from channels.carrier_url import telephone
from channels.channel import Channel
from libs.channels.tests.builders import carrier, mail_server, new_key, outgoing

ADDRESS, NUMBER, TEXT, SUBJECT = "jane.roe@post.example", "+12125550187", "the text", "subject!"
SECRETS = (ADDRESS, "jane.roe", NUMBER, "2125550187", TEXT, SUBJECT, "token-of", "hunter2")
FAULTS = (
    {}, {"refuse": 550}, {"refuse": 400, "said": 21610}, {"refuse": 503}, {"lose_reply": True},
    {"hang": "answer"}, {"down": True},
)  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_is_given_away_whatever_happens(outside, fault, caplog, capfd, monkeypatch):
    """Planted fault: a refusal's text kept, which repeats the address."""
    monkeypatch.setattr("channels.channel.DEADLINE_SECONDS", 0.7)
    caplog.set_level(logging.DEBUG)
    outside.fail("mail_a", **{k: v for k, v in fault.items() if k != "said"})
    outside.fail("phone_a", **fault)
    mail = Channel([mail_server(outside.smtp_url())])
    phone = Channel([carrier(outside.twilio_url())])
    letter = outgoing(ADDRESS, text=TEXT, subject=SUBJECT)
    text = outgoing(NUMBER, text=TEXT)
    outcomes = [mail.send(letter, key=new_key()), phone.send(text, key=new_key())]
    said = "".join((caplog.text, *capfd.readouterr(), repr((outcomes, letter, text, mail, phone))))
    assert [one for one in SECRETS if one in said] == []


def test_a_failure_of_our_own_names_nothing_either(outside, monkeypatch):
    def broken(*_):
        raise LookupError

    monkeypatch.setattr(attempts.Attempt, "go", broken)
    for one, to in (
        (carrier(outside.twilio_url()), NUMBER),
        (mail_server(outside.smtp_url()), ADDRESS),
    ):
        with pytest.raises(LookupError) as failure:
            Channel([one]).send(outgoing(to, text=TEXT), key="1")
        assert [secret for secret in SECRETS if secret in str(failure.value)] == []


def test_a_forgery_says_what_is_wrong_and_nothing_of_its_content():
    (at,) = telephone("twilio+https://AC1:hunter2@api.example/?from=%2B12025550100")
    fields = {"AccountSid": "AC1", "MessageSid": "SM1", "From": NUMBER, "Body": TEXT}
    with pytest.raises(Forged) as forged:
        Callbacks(at).reply("https://clinic.example/", fields, "no")
    assert str(forged.value) == "signature"
    assert "hunter2" not in repr(vars(forged.value))
