"""Whatever is sent, no service answers with a 5xx or with a status its document does not name.

Each route is asked in a role that it admits, about things that exist, so that what is sent is read.
"""

import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from uuid import UUID

import pytest

from evenkeel_ops.provision import SERVICES
from tests.contracts.lived import live_through
from tests.journeys.person import Clinic
from web.callers import SERVICE
from web.hosting import service_class
from web.keys import ServiceKey
from web.routes import routes_of

HOOKS = Path(__file__).parents[2] / "libs" / "web" / "tests"
EXAMPLES = os.environ.get("EVENKEEL_EXAMPLES", "3")
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance"
BACK_TO_FRONT = tuple(reversed(SERVICES))
"""What comes late is asked first: a released seat would end what sessions is asked about."""

PEOPLE = ("clinic_admin", "clinician", "crisis_lead", "participant")
"""One of them may ask any route that people may; whoever plans may more than a clinician."""

NOT_ASKED = {
    *((service, "read_log") for service in SERVICES[1:]),
    *((service, "hand_out_details") for service in ("notifications", "crisis")),
    *((service, "take_receipt") for service in ("notifications", "crisis")),
    *((service, "take_reply") for service in ("notifications", "crisis")),
}
"""What every service does by the same code, where it is asked elsewhere: one log is enough, and
those two own nobody's details. What a telephone company posts is refused without its signature."""

TURNED_AWAY = {"400", "401", "403", "404", "405", "411", "413", "415"}
"""Statuses that say nothing about body and query."""


@pytest.fixture(scope="module")
def known(asked_house):
    return live_through(Clinic(asked_house))


@pytest.mark.parametrize("service", BACK_TO_FRONT)
def test_no_request_meets_a_fault_or_an_undocumented_status(asked_house, known, service, tmp_path):
    answers = tmp_path / "answers"
    ran = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"), "run",
            f"{asked_house.address}/{service}/openapi.json",
            "--phases", "coverage,fuzzing", "--checks", CHECKS,
            "--max-examples", EXAMPLES, "--warnings", "off", *left_out(service),
        ],
        cwd=tmp_path,
        env={
            **os.environ,
            "SCHEMATHESIS_HOOKS": "outsider",
            "PYTHONPATH": str(HOOKS),
            "TOKENS": json.dumps(tokens(asked_house, known)),
            "KNOWN": json.dumps(owned(service, known)),
            "ANSWERS": str(answers),
        },
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout
    assert never_read(service, answers.read_text()) == set()


def test_a_route_that_turns_everybody_away_is_noticed():
    told = "".join(f"{one.method_name} 200\n" for one in routes_of(service_class("notifications")))
    assert never_read("notifications", told) == set()
    assert never_read("notifications", told.replace("prefer 200", "prefer 404")) == {"prefer"}
    assert never_read("notifications", told.replace("prefer 200", "prefer 422")) == set()
    assert "messages" in never_read("notifications", "prefer 200\n")


def left_out(service):
    names = sorted(name for of, name in NOT_ASKED if of == service)
    return [word for name in names for word in ("--exclude-operation-id", name)]


def tokens(house, known):
    """As the people of the day, and as a service."""
    clinic = [UUID(known["clinic_id"])]
    ids = {"participant": known["participant_id"]}
    said = {
        role: house.issuer.token(role, UUID(ids.get(role, known["clinician_id"])), clinic)
        for role in PEOPLE
    }
    said[SERVICE] = ServiceKey.load("crisis", house.directory / "crisis.pem").token()
    return {role: f"Bearer {token}" for role, token in said.items()}


def owned(service, known):
    """The same ids; scheduling's persons are clinicians."""
    return {**known, "person_id": known["clinician_id"]} if service == "scheduling" else known


def never_read(service, answers):
    """Operations of which no request came as far as to have its body or query read."""
    statuses = defaultdict(set)
    for line in answers.splitlines():
        operation, status = line.split()
        statuses[operation].add(status)
    return {
        one.method_name
        for one in routes_of(service_class(service))
        if (service, one.method_name) not in NOT_ASKED and statuses[one.method_name] <= TURNED_AWAY
    }
