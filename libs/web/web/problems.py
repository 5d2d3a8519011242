"""The one place where what went wrong becomes an HTTP answer: RFC 9457 problem details.

A problem says facts: a code, ids, the fields at fault. It never says what an exception said.
"""

import json
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.wrappers import Response

from catalogue.numbers import CRISIS_NUMBERS
from chassis.database import retryable
from chassis.refusals import Conflict, Forbidden, Invalid, NotFound, Refused

PROBLEM_JSON = "application/problem+json"
RETRY_AFTER_SECONDS = "1"
FIELDS_NAMED = 50
NAME_LENGTH = 100

STATUS_OF = {NotFound: 404, Conflict: 409, Invalid: 422, Forbidden: 403}


class Problem(Exception):
    """A request that is not answered as asked. Also raised by the web library itself."""

    def __init__(
        self,
        status: int,
        code: str,
        *,
        fields: Mapping[str, list[str]] | None = None,
        facts: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.fields = fields or {}
        self.facts = facts or {}
        self.headers = headers or {}

    @property
    def title(self) -> str:
        """The code as words; a noun alone is what was not found."""
        words = self.code.replace("_", " ").capitalize()
        return f"{words} not found" if self.status == 404 and " " not in words else words

    def document(self, correlation_id: UUID, *, in_danger: bool = False) -> dict[str, Any]:
        """The problem as RFC 9457 JSON. Who may be `in_danger` is told whom to call."""
        members: dict[str, Any] = {
            "type": f"urn:evenkeel:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "correlation_id": str(correlation_id),
        }
        if self.fields:
            members["fields"] = [
                {"field": name[:NAME_LENGTH], "messages": messages}
                for name, messages in list(self.fields.items())[:FIELDS_NAMED]
            ]
        if self.facts:
            members["facts"] = self.facts
        if in_danger:
            members["crisis_numbers"] = CRISIS_NUMBERS
        return members

    def response(self, correlation_id: UUID, *, in_danger: bool = False) -> Response:
        """The problem as an HTTP answer."""
        return Response(
            json.dumps(self.document(correlation_id, in_danger=in_danger), default=str),
            status=self.status,
            content_type=PROBLEM_JSON,
            headers={"X-Correlation-Id": str(correlation_id), **self.headers},
        )


def problem_of(failure: BaseException) -> Problem:
    """The problem to answer a failure with; 500 `fault` for whatever nobody foresaw."""
    match failure:
        case Problem():
            return failure
        case Refused():
            return _of_refusal(failure)
        case HTTPException():
            return _of_http(failure)
        case IntegrityError():
            return Problem(409, "conflict")
        case _ if retryable(failure):
            return Problem(503, "unavailable", headers={"Retry-After": RETRY_AFTER_SECONDS})
    return Problem(500, "fault")


def invalid(messages: Mapping[str, Any]) -> Problem:
    """422 for what marshmallow found wrong, each field named by its path."""
    return Problem(422, "invalid", fields=dict(_flat(messages)))


def _of_refusal(refusal: Refused) -> Problem:
    status = next((s for kind, s in STATUS_OF.items() if isinstance(refusal, kind)), 409)
    fields = refusal.fields if isinstance(refusal, Invalid) else None
    return Problem(status, refusal.code, fields=fields, facts=refusal.facts)


def _of_http(failure: HTTPException) -> Problem:
    status = failure.code or 500
    code = HTTPStatus(status).phrase.lower().replace(" ", "_").replace("-", "_")
    allowed = failure.valid_methods if isinstance(failure, MethodNotAllowed) else None
    headers = {"Allow": ", ".join(sorted(allowed))} if allowed else None
    return Problem(status, code, headers=headers)


def _flat(messages: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, list[str]]]:
    for name, found in messages.items():
        path = f"{within}.{name}" if within else str(name)
        if isinstance(found, Mapping):
            yield from _flat(found, path)
        else:
            yield path, [str(message) for message in found]
