"""What `./evenkeel serve` refuses to start with: every mistake, in a line each."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chassis.settings import WrongSettings
from evenkeel_ops.issuer import DemoIssuer
from evenkeel_ops.machine import ROOT
from web.hosting import settings_of
from web.keys import ServiceKey

PEOPLE = {"name": "https://id.clinic.example", "jwks_url": "https://id.clinic.example/jwks"}


def environ(directory: Path, **given: str) -> dict[str, str]:
    """Settings of intake that production accepts, and what a test changes about them."""
    key = directory / "details.key"
    key.write_text(base64.b64encode(bytes(32)).decode())
    key.chmod(0o600)
    issuers = directory / "issuers.json"
    if not issuers.exists():
        trust(directory, {**PEOPLE, "algorithm": "RS256"})
    ServiceKey.load("intake", directory / "intake.pem")
    return {
        "EVENKEEL_WORK_DATABASE_URL": "postgresql://intake_work@db/intake",
        "EVENKEEL_HTTP_DATABASE_URL": "postgresql://intake_http@db/intake",
        "EVENKEEL_BROKER_URL": "amqps://broker",
        "EVENKEEL_DETAILS_KEY": str(key),
        "EVENKEEL_SERVICE_KEY": str(directory / "intake.pem"),
        "EVENKEEL_ISSUERS": str(issuers),
        **given,
    }


def trust(directory: Path, *people: Any, **services: Any) -> Path:
    file = directory / "issuers.json"
    file.write_text(json.dumps({"issuers": people, "services": services}))
    return file


def written(file: Path, text: str) -> str:
    file.write_bytes(text.encode(errors="surrogateescape"))
    file.chmod(0o600)
    return str(file)


def mistakes(given: dict[str, str]) -> list[str]:
    with pytest.raises(WrongSettings) as wrong:
        settings_of("intake", given)
    return wrong.value.mistakes


def test_what_production_needs_is_accepted(tmp_path):
    assert settings_of("intake", environ(tmp_path)).environment == "production"


def test_production_refuses_what_belongs_to_the_demo(tmp_path):
    trust(tmp_path, DemoIssuer(tmp_path / "issuer.pem").trusted())
    given = environ(
        tmp_path,
        EVENKEEL_WORK_DATABASE_URL="sqlite:///intake.db",
        EVENKEEL_HTTP_DATABASE_URL="sqlite:///intake.db",
        EVENKEEL_BROKER_URL="memory://localhost",
    )
    assert mistakes(given) == [
        "EVENKEEL_WORK_DATABASE_URL is SQLite, which production refuses",
        "EVENKEEL_HTTP_DATABASE_URL is SQLite, which production refuses",
        "EVENKEEL_BROKER_URL is memory://, which production refuses",
        "EVENKEEL_ISSUERS trusts the demo's issuer, which production refuses",
    ]
    assert settings_of("intake", given | {"EVENKEEL_ENVIRONMENT": "demo"})


def test_contradictions_are_told_together_with_what_cannot_be_read(tmp_path):
    wrong = {"EVENKEEL_PORT": "http", "EVENKEEL_BROKER_URL": "memory://localhost"}
    given = environ(tmp_path, **wrong)
    del given["EVENKEEL_ISSUERS"]
    said = mistakes(given)
    assert len(said) == 3
    for name in ("EVENKEEL_PORT", "EVENKEEL_ISSUERS", "EVENKEEL_BROKER_URL"):
        assert any(name in one for one in said)


def test_an_environment_that_cannot_be_read_contradicts_nothing(tmp_path):
    given = environ(tmp_path, EVENKEEL_ENVIRONMENT="demmo", EVENKEEL_BROKER_URL="memory://x")
    (only,) = mistakes(given)
    assert only.startswith("EVENKEEL_ENVIRONMENT must be one of")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "is no JSON: Expecting property name enclosed in double quotes in line 1"),
        ("[]", "is not of the form that deploy/README.md describes"),
        ("\udcff", "cannot be used: 'utf-8' codec can't decode byte 0xff"),
        ('{"issuers": []}', "lacks 'services'"),
        (json.dumps({"issuers": [PEOPLE], "services": {}}), "lacks 'algorithm'"),
        (
            json.dumps({"issuers": [{**PEOPLE, "algorithm": "HS256"}], "services": {}}),
            "cannot be used: https://id.clinic.example: no tokens signed with HS256",
        ),
        ('{"issuers": [], "services": {"crisis": {}}}', "cannot be used: "),
    ],
)
def test_an_issuers_file_that_cannot_be_used_is_one_line(tmp_path, text, says):
    given = environ(tmp_path, EVENKEEL_ISSUERS=written(tmp_path / "trusted.json", text))
    (only,) = mistakes(given)
    assert only.startswith(f"EVENKEEL_ISSUERS {tmp_path / 'trusted.json'} {says}")
    assert "\n" not in only


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"crisis": "crisis:8080"}', "cannot be used: crisis has no http:// or https:// address"),
        ('["crisis"]', "is not of the form that deploy/README.md describes"),
        ("crisis", "is no JSON: Expecting value in line 1"),
    ],
)
def test_a_peers_file_that_cannot_be_used_is_one_line(tmp_path, text, says):
    given = environ(tmp_path, EVENKEEL_PEERS=written(tmp_path / "peers.json", text))
    assert mistakes(given) == [f"EVENKEEL_PEERS {tmp_path / 'peers.json'} {says}"]


def test_every_unusable_file_is_a_line_of_the_refused_start(tmp_path):
    given = environ(
        tmp_path,
        EVENKEEL_ISSUERS=written(tmp_path / "trusted.json", "{"),
        EVENKEEL_SERVICE_KEY=written(tmp_path / "no.pem", "no key"),
    )
    command = [sys.executable, "-P", "-m", "evenkeel_ops", "serve", "intake"]
    run = subprocess.run(
        command, env=os.environ | given, capture_output=True, text=True, timeout=60, cwd=ROOT
    )
    issuers, key = run.stderr.splitlines()
    assert run.returncode == 2
    assert issuers.startswith("evenkeel: EVENKEEL_ISSUERS ")
    assert key == (
        f"evenkeel: EVENKEEL_SERVICE_KEY {tmp_path / 'no.pem'} cannot be used: "
        "no unencrypted Ed25519 private key in PEM"
    )
