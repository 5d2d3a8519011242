"""What schemathesis is told about our descriptions that OpenAPI has no words for."""

import json
import os
import re
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import schemathesis

from web.answers import KEY_PATTERN

TOKENS: dict[str, str] = json.loads(os.environ["TOKENS"])
"""A token for each role, the role first that should ask where several may."""

KNOWN: dict[str, str] = json.loads(os.environ.get("KNOWN", "{}"))
"""Ids of things that exist, by the name of a parameter or field."""

ANSWERS = os.environ.get("ANSWERS")
"""A file that gets the operation and the status of every answer."""


@schemathesis.auth(refresh_interval=None)
class SignedIn:
    """Sends the token of a role that may ask, except where the tool tries to do without."""

    def get(self, case, _context):
        allowed = case.operation.definition.raw["x-roles"]
        return next((token for role, token in TOKENS.items() if role in allowed), None)

    def set(self, case, data, _context):
        case.headers = {**(case.headers or {}), "Authorization": data}


@schemathesis.hook
def before_call(_context, case, _kwargs):
    """A key that has been used names an earlier request: every request gets its own.

    And an id that nobody has is answered 404 before anything else is looked at.
    """
    key = (case.headers or {}).get("Idempotency-Key")
    if key is not None and re.fullmatch(KEY_PATTERN, str(key)):
        case.headers["Idempotency-Key"] = str(uuid4())
    for part in ("path_parameters", "query", "body"):
        if isinstance(values := getattr(case, part), dict):
            setattr(case, part, with_ids_that_exist(values))


@schemathesis.hook
def after_call(_context, case, response):
    if ANSWERS:
        operation = case.operation.definition.raw["operationId"]
        with Path(ANSWERS).open("a") as answers:
            answers.write(f"{operation} {response.status_code}\n")


def with_ids_that_exist(values: dict[str, Any]) -> dict[str, Any]:
    """The same, with each id that could be one replaced by that of a thing that exists."""
    return {name: KNOWN[name] if is_id(value) and name in KNOWN else value
            for name, value in values.items()}  # fmt: skip


def is_id(value: Any) -> bool:
    try:
        return bool(UUID(value))
    except (ValueError, TypeError, AttributeError):
        return False
