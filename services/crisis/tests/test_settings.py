"""What crisis refuses to start with."""

import base64
from pathlib import Path

import pytest

from chassis.settings import WrongSettings
from crisis.settings import Settings


def environ(directory: Path, **given: str) -> dict[str, str]:
    key = directory / "key"
    key.write_text(base64.b64encode(bytes(32)).decode())
    key.chmod(0o600)
    issuers = directory / "issuers.json"
    issuers.write_text("{}")
    return {
        "EVENKEEL_WORK_DATABASE_URL": "postgresql://crisis_work@db/crisis",
        "EVENKEEL_HTTP_DATABASE_URL": "postgresql://crisis_http@db/crisis",
        "EVENKEEL_BROKER_URL": "amqp://broker",
        "EVENKEEL_DETAILS_KEY": str(key),
        "EVENKEEL_SERVICE_KEY": str(key),
        "EVENKEEL_ISSUERS": str(issuers),
        "EVENKEEL_SMTP_URL": "smtps://mail",
        "EVENKEEL_SENDER": "crisis@evenkeel.example",
        **given,
    }


def mistakes(given: dict[str, str]) -> str:
    with pytest.raises(WrongSettings) as wrong:
        Settings.read("crisis", given)
    return str(wrong.value)


def test_production_refuses_to_start_without_a_desk(tmp_path):
    assert "EVENKEEL_CRISIS_DESK" in mistakes(environ(tmp_path))
    given = environ(tmp_path, EVENKEEL_CRISIS_DESK="desk@evenkeel.example")
    assert Settings.read("crisis", given).desk == "desk@evenkeel.example"
    assert Settings.read("crisis", environ(tmp_path, EVENKEEL_ENVIRONMENT="demo")).desk is None


def test_a_mail_server_and_a_sender_are_needed(tmp_path):
    given = environ(tmp_path, EVENKEEL_SMTP_URL="http://mail")
    del given["EVENKEEL_SENDER"]
    said = mistakes(given)
    assert "EVENKEEL_SMTP_URL" in said
    assert "EVENKEEL_SENDER" in said


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
