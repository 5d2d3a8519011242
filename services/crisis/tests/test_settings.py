"""What crisis refuses to start with."""

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from chassis.settings import WrongSettings
from crisis.settings import Settings


def environ(directory: Path, **given: str) -> dict[str, str]:
    key = directory / "key"
    key.write_text(base64.b64encode(bytes(32)).decode())
    key.chmod(0o600)
    issuers = directory / "issuers.json"
    issuers.write_text("{}")
    signing = directory / "timeline.pem"
    signing.touch(0o600)
    signing.write_bytes(pem(Ed25519PrivateKey.generate()))
    return {
        "EVENKEEL_WORK_DATABASE_URL": "postgresql://crisis_work@db/crisis",
        "EVENKEEL_HTTP_DATABASE_URL": "postgresql://crisis_http@db/crisis",
        "EVENKEEL_BROKER_URL": "amqp://broker",
        "EVENKEEL_DETAILS_KEY": str(key),
        "EVENKEEL_SERVICE_KEY": str(key),
        "EVENKEEL_ISSUERS": str(issuers),
        "EVENKEEL_SMTP_URL": "smtps://mail",
        "EVENKEEL_SENDER": "crisis@evenkeel.example",
        "EVENKEEL_CRISIS_TIMELINE_KEY": str(signing),
        **given,
    }


def pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def mistakes(given: dict[str, str]) -> str:
    with pytest.raises(WrongSettings) as wrong:
        Settings.read("crisis", given)
    return str(wrong.value)


def test_production_refuses_to_start_without_a_desk(tmp_path):
    assert "EVENKEEL_CRISIS_DESK" in mistakes(environ(tmp_path))
    given = environ(tmp_path, EVENKEEL_CRISIS_DESK="desk@evenkeel.example")
    assert Settings.read("crisis", given).desk == "desk@evenkeel.example"
    assert Settings.read("crisis", environ(tmp_path, EVENKEEL_ENVIRONMENT="demo")).desk is None


def test_a_mail_server_that_is_none_is_told_and_one_needs_a_sender(tmp_path):
    assert "EVENKEEL_SMTP_URL" in mistakes(environ(tmp_path, EVENKEEL_SMTP_URL="http://mail"))
    given = environ(tmp_path)
    del given["EVENKEEL_SENDER"]
    assert "EVENKEEL_SENDER" in mistakes(given)


def test_production_needs_one_way_out_and_an_address_for_receipts(tmp_path):
    desk = {"EVENKEEL_CRISIS_DESK": "d@e.example"}
    given = environ(tmp_path, **desk)
    del given["EVENKEEL_SMTP_URL"]
    assert "no page leaves" in mistakes(given)
    given["EVENKEEL_SMS_URL"] = "twilio+https://a:b@phone/?from=%2B12025550100"
    assert "EVENKEEL_ORIGIN is missing" in mistakes(given)
    given["EVENKEEL_ORIGIN"] = "http://evenkeel.example"
    assert "EVENKEEL_ORIGIN is http://" in mistakes(given)
    given["EVENKEEL_ORIGIN"] = "https://evenkeel.example"
    assert list(Settings.read("crisis", given).channels()) == ["sms"]
    for no_origin in ("https://evenkeel.example/", "evenkeel.example", "https://", "ftp://x"):
        assert "EVENKEEL_ORIGIN must be" in mistakes({**given, "EVENKEEL_ORIGIN": no_origin})


def test_production_calls_and_texts_nobody_in_the_clear(tmp_path):
    clear = "twilio+http://a:b@phone/?from=%2B12025550100"
    for name in ("SMS", "VOICE"):
        given = {f"EVENKEEL_{name}_URL": clear, "EVENKEEL_CRISIS_DESK": "d@e.example"}
        said = mistakes(environ(tmp_path, EVENKEEL_ORIGIN="https://e.example", **given))
        assert said.startswith(f"EVENKEEL_{name}_URL speaks twilio+http://")


def test_production_speaks_to_no_mail_server_in_the_clear(tmp_path):
    clear = {
        "EVENKEEL_SMTP_URL": "smtps://mail smtp://other",
        "EVENKEEL_CRISIS_DESK": "d@e.example",
    }
    said = mistakes(environ(tmp_path, **clear))
    assert (
        said == "EVENKEEL_SMTP_URL speaks smtp:// with other, which production refuses: demand TLS"
    )
    demo = environ(tmp_path, EVENKEEL_ENVIRONMENT="demo", **clear)
    assert [one.name for one in Settings.read("crisis", demo).smtp_url] == ["mail", "other"]


def test_addresses_that_are_none_are_told(tmp_path):
    said = mistakes(environ(tmp_path, EVENKEEL_SENDER="nobody", EVENKEEL_CRISIS_DESK="a b@c"))
    assert "EVENKEEL_SENDER must be a plain e-mail address" in said
    assert "EVENKEEL_CRISIS_DESK must be a plain e-mail address" in said


def test_production_refuses_to_start_without_a_key_for_its_timelines(tmp_path):
    desk = {"EVENKEEL_CRISIS_DESK": "desk@evenkeel.example"}
    given = environ(tmp_path, **desk)
    assert Settings.read("crisis", given).timeline_key is not None
    del given["EVENKEEL_CRISIS_TIMELINE_KEY"]
    assert mistakes(given).startswith("EVENKEEL_CRISIS_TIMELINE_KEY is missing")


def test_a_key_for_timelines_that_others_read_or_that_is_none_is_told(tmp_path):
    given = environ(tmp_path, EVENKEEL_ENVIRONMENT="demo")
    key = Path(given["EVENKEEL_CRISIS_TIMELINE_KEY"])
    key.chmod(0o644)
    assert "may be read by others" in mistakes(given)
    key.chmod(0o600)
    key.write_text("nothing")
    assert "holds no unencrypted Ed25519 private key in PEM" in mistakes(given)
