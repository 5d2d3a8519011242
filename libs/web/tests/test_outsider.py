import json
import os
import subprocess
import sys
from pathlib import Path

from libs.web.tests.desk import bearer

HERE = Path(__file__).parent
EXAMPLES = os.environ.get("EVENKEEL_EXAMPLES", "25")


def test_an_outsider_finds_no_answer_that_the_description_does_not_foresee(house, tmp_path):
    ran = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"), "run", f"{house.url}/desk/openapi.json",
            "--exclude-operation-id", "wait", "--exclude-operation-id", "refuse",
            "--phases", "examples,coverage,fuzzing", "--checks", "all",
            "--max-examples", EXAMPLES, "--warnings", "off",
        ],
        cwd=tmp_path,
        env={
            **os.environ,
            "SCHEMATHESIS_HOOKS": "outsider",
            "PYTHONPATH": str(HERE),
            "TOKENS": json.dumps({"clinician": bearer()["Authorization"]}),
        },
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout
