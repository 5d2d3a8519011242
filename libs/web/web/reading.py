"""Reading what was sent: JSON of one meaning only, small, shallow, and fit for a database."""

import json
import math
import re
from typing import Any, NoReturn
from uuid import UUID, uuid4

import eventlet
import marshmallow as ma
from webargs.multidictproxy import MultiDictProxy
from werkzeug.datastructures import Headers
from werkzeug.wrappers import Request

from web.problems import NAME_LENGTH, Problem, invalid

BODY_BYTES = 64 * 1024
BODY_SECONDS = 20
DEPTH = 32
INTEGER_BITS = 63

CLOSE = "web.close_connection"
"""Key of the WSGI environment: a function that has the connection closed after the answer."""

_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
)
_NOT_TEXT = re.compile("[\x00\ud800-\udfff]")


def must_be_small(request: Request) -> None:
    """Refuse a large body, or one of undeclared length, without reading it. 64 KiB is large."""
    if (request.content_length or 0) > BODY_BYTES:
        _refuse_the_rest(request, Problem(413, "body_too_large"))
    if "Transfer-Encoding" in request.headers:
        _refuse_the_rest(request, Problem(411, "length_required"))


def must_be_json(request: Request) -> None:
    """Refuse a body that does not say it is JSON."""
    if request.mimetype != "application/json":
        raise Problem(415, "not_json", headers={"Accept": "application/json"})


def body_bytes(request: Request) -> bytes:
    """The whole body, which `must_be_small` has let pass."""
    try:
        with eventlet.Timeout(BODY_SECONDS, TimeoutError):
            data = request.environ["wsgi.input"].read(BODY_BYTES)
    except TimeoutError:
        _refuse_the_rest(request, Problem(408, "request_timeout"))
    if len(data) < (request.content_length or 0):
        _refuse_the_rest(request, Problem(400, "body_cut_short"))
    return data


def json_of(data: bytes) -> Any:
    """The JSON of a body. Raises 400 where it is none, or has two meanings."""
    try:
        content = json.loads(
            data.decode("utf-8"),
            parse_constant=_refuse,
            parse_float=_finite,
            object_pairs_hook=_once_each,
        )
    except (ValueError, RecursionError):
        raise Problem(400, "malformed_json") from None
    must_be_storable(content)
    return content


def loaded(schema: ma.Schema, content: Any) -> Any:
    """What a schema makes of it. Raises 422 with the fields at fault; unknown ones are."""
    try:
        return schema.load(content, unknown=ma.RAISE)
    except ma.ValidationError as wrong:
        raise invalid(wrong.normalized_messages()) from None


def loaded_query(schema: ma.Schema | None, request: Request) -> dict[str, Any]:
    """The query, by its schema. A misspelt filter is refused, not ignored."""
    must_be_storable(request.args.to_dict(flat=False))
    if schema is None:
        if request.args:
            raise invalid({name: ["Unknown field."] for name in request.args})
        return {}
    given = MultiDictProxy(request.args, schema)
    single = [name for name, _ in request.args.items() if name not in given.multiple_keys]
    if twice := [name for name in single if len(request.args.getlist(name)) > 1]:
        raise invalid({name: ["Given more than once."] for name in twice})
    query = loaded(schema, given)
    must_be_storable(query)  # what was a text until here may be a number beyond any column
    return query


def correlation_id(headers: Headers) -> UUID:
    """The caller's correlation id where it is a UUID, else a new one."""
    try:
        return UUID(headers.get("X-Correlation-Id", ""))
    except ValueError:
        return uuid4()


def traceparent(headers: Headers) -> str:
    """The caller's W3C trace context where it is well-formed, else a new one."""
    given = headers.get("traceparent", "")
    return given if _TRACEPARENT.fullmatch(given) else f"00-{uuid4().hex}-{uuid4().hex[:16]}-01"


def _refuse_the_rest(request: Request, problem: Problem) -> NoReturn:
    close = request.environ.get(CLOSE)
    if close is not None:
        close()
    raise problem


def must_be_storable(content: Any) -> None:
    """No text that a database refuses, no number beyond its columns, no depth beyond reason."""
    level = [("", content)]
    for _ in range(DEPTH):
        level = [below for name, value in level for below in _inside(name, value)]
        if not level:
            return
    raise Problem(400, "too_deep")


def _inside(name: str, value: Any) -> list[tuple[str, Any]]:
    """What a value holds, each by the field it belongs to."""
    if isinstance(value, dict):
        names = [(name, key) for key in value]
        return [*names, *((f"{name}.{key}".lstrip(".")[:NAME_LENGTH], value[key]) for key in value)]
    if isinstance(value, list):
        return [(name, one) for one in value]
    if isinstance(value, str) and _NOT_TEXT.search(value):
        raise Problem(400, "not_text", fields=_at(name, "Has a character that no text has."))
    if isinstance(value, int) and value.bit_length() > INTEGER_BITS:
        raise Problem(400, "number_too_large", fields=_at(name, "Too large a number."))
    return []


def _at(name: str, message: str) -> dict[str, list[str]]:
    return {name: [message]} if name else {}


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    return content if len(content) == len(pairs) else _refuse("a name given twice")
