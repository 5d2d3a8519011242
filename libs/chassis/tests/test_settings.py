"""Where people and providers reach the house."""

import base64

import pytest

from chassis.settings import Settings, WrongSettings


@pytest.fixture
def environ(tmp_path):
    key = tmp_path / "key"
    key.write_text(base64.b64encode(bytes(32)).decode())
    key.chmod(0o600)
    return {
        "EVENKEEL_WORK_DATABASE_URL": "postgresql://desk_work@db/desk",
        "EVENKEEL_HTTP_DATABASE_URL": "postgresql://desk_http@db/desk",
        "EVENKEEL_BROKER_URL": "amqp://broker",
        "EVENKEEL_DETAILS_KEY": str(key),
        "EVENKEEL_SERVICE_KEY": str(key),
        "EVENKEEL_ISSUERS": str(key),
    }


def mistakes(environ, origin):
    with pytest.raises(WrongSettings) as wrong:
        Settings.read("desk", environ | {"EVENKEEL_ORIGIN": origin})
    return wrong.value.mistakes


def test_an_origin_is_a_scheme_and_a_host(environ):
    for origin in ("https://evenkeel.example", "https://evenkeel.example:8443", "https://[::1]"):
        given = environ | {"EVENKEEL_ORIGIN": origin}
        assert Settings.read("desk", given).origin == origin
    assert Settings.read("desk", environ).origin is None


@pytest.mark.parametrize(
    "origin",
    ["", "evenkeel.example", "https://", "https://e.example/", "ftp://e.example", "https://a@b"],
)
def test_whatever_else_is_told(environ, origin):
    assert mistakes(environ, origin) == ["EVENKEEL_ORIGIN must be https://host, without a path"]


def test_production_is_reached_over_tls(environ):
    assert mistakes(environ, "http://e.example") == [
        "EVENKEEL_ORIGIN is http://, which production refuses"
    ]
    given = environ | {"EVENKEEL_ORIGIN": "http://127.0.0.1:8000", "EVENKEEL_ENVIRONMENT": "demo"}
    assert Settings.read("desk", given).origin == "http://127.0.0.1:8000"
