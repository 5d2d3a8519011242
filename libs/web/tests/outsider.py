"""What schemathesis is told about our descriptions that OpenAPI has no words for."""

import os
import re
from uuid import uuid4

import schemathesis

from web.answers import KEY_PATTERN


@schemathesis.auth()
class SignedIn:
    """Sends the token, except where the tool tries to do without."""

    def get(self, _case, _context):
        return os.environ["TOKEN"]

    def set(self, case, data, _context):
        case.headers = {**(case.headers or {}), "Authorization": data}


@schemathesis.hook
def before_call(_context, case, _kwargs):
    """A key that has been used names an earlier request: every request gets its own."""
    key = (case.headers or {}).get("Idempotency-Key")
    if key is not None and re.fullmatch(KEY_PATTERN, str(key)):
        case.headers["Idempotency-Key"] = str(uuid4())
