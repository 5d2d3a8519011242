"""Whatever is sent, no service answers with a 5xx or with a status its document does not name."""

import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from evenkeel_ops.provision import SERVICES

HOOKS = Path(__file__).parents[2] / "libs" / "web" / "tests"
EXAMPLES = os.environ.get("EVENKEEL_EXAMPLES", "6")
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance"
ROLE_OF = {
    "intake": "clinician",
    "scheduling": "clinic_admin",
    "sessions": "clinician",
    "notifications": "clinician",
    "crisis": "crisis_lead",
}


@pytest.mark.parametrize("service", SERVICES)
def test_no_request_meets_a_fault_or_an_undocumented_status(asked_house, service, tmp_path):
    token = asked_house.issuer.token(ROLE_OF[service], uuid4(), [uuid4()])
    ran = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"), "run",
            f"{asked_house.address}/{service}/openapi.json",
            "--phases", "coverage,fuzzing", "--checks", CHECKS,
            "--max-examples", EXAMPLES, "--warnings", "off",
        ],
        cwd=tmp_path,
        env={
            **os.environ,
            "SCHEMATHESIS_HOOKS": "outsider",
            "PYTHONPATH": str(HOOKS),
            "TOKEN": f"Bearer {token}",
        },
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout
