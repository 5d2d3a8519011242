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
        "EVENKEEL_SMTP_URL": "smtp://mail",
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
