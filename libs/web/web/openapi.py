"""The OpenAPI 3.1 description of a service, from its routes."""

import re
from collections.abc import Iterable
from http import HTTPStatus
from inspect import getdoc
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin

from catalogue.numbers import CRISIS_NUMBERS
from web.answers import KEY_PATTERN
from web.callbacks import Callback
from web.forms import FORM
from web.problems import PROBLEM_JSON
from web.routes import Route, routes_of

VERSION = "1"
SIGNED_IN = "signedIn"
TEXT = "^[^\\u0000]*$"
LARGEST = 2**63 - 1

VARIABLE = re.compile(r"<(?:(\w+):)?(\w+)>")

PATH_TYPES = {
    "uuid": {"type": "string", "format": "uuid"},
    "int": {"type": "integer", "minimum": 0},
    "string": {"type": "string", "minLength": 1, "pattern": "^[^\\u0000/]+$"},
}

IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Names this request: repeated with the same key it has one effect.",
    "schema": {"type": "string", "pattern": f"^{KEY_PATTERN}$"},
}

ANY_FORM = {"type": "object", "additionalProperties": {"type": "string"}}
"""What a provider posts: the fields are its own."""

PROBLEM = {
    "type": "object",
    "description": "RFC 9457 problem details.",
    "required": ["type", "title", "status", "code", "correlation_id"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "correlation_id": {"type": "string", "format": "uuid"},
        "fields": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "messages"],
                "properties": {
                    "field": {"type": "string"},
                    "messages": {"type": "array", "items": {"type": "string"}},
                },
            },
        },
        "facts": {"type": "object"},
        "crisis_numbers": {
            "type": "object",
            "description": "Whom to call or text, where the caller may be in danger.",
            "required": [*CRISIS_NUMBERS],
            "properties": {name: {"type": "string"} for name in CRISIS_NUMBERS},
        },
    },
}


def document(service_cls: type) -> dict[str, Any]:
    """The OpenAPI document of a service class; the same class, the same document."""
    name = service_cls.name  # type: ignore[attr-defined]
    schemas = MarshmallowPlugin()
    spec = APISpec(
        title=f"Evenkeel {name}",
        version=VERSION,
        openapi_version="3.1.0",
        plugins=[schemas],
        info={"description": getdoc(service_cls) or ""},
    )
    _declare_shared(spec)
    for route in routes_of(service_cls):
        path, parameters = _path(route, name)
        operation = _operation(route, service_cls, parameters, schemas)
        spec.path(path=path, operations={route.method.lower(): operation})
    return _exact(spec.to_dict())


def _declare_shared(spec: APISpec) -> None:
    spec.components.schema("Problem", PROBLEM)
    spec.components.response(
        "Problem",
        {
            "description": "Not answered as asked: the code says why.",
            "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        },
    )
    spec.components.security_scheme(
        SIGNED_IN, {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    )


def _operation(
    route: Route, service_cls: type, parameters: list[dict[str, Any]], schemas: MarshmallowPlugin
) -> dict[str, Any]:
    summary, _, description = _docstring(route, service_cls).partition("\n")
    if route.query:
        converter = schemas.converter
        assert converter is not None
        parameters = parameters + converter.schema2parameters(route.query, location="query")
    if route.method == "POST" and not route.open:
        parameters = [*parameters, IDEMPOTENCY_KEY]
    operation: dict[str, Any] = {
        "operationId": route.method_name,
        "summary": summary,
        "parameters": parameters,
        "responses": _responses(route),
        "security": [] if route.open else [{SIGNED_IN: []}],
        "x-roles": sorted(route.allow),
    }
    if description.strip():
        operation["description"] = description.strip()
    if route.body:
        content = {"application/json": {"schema": route.body}}
        operation["requestBody"] = {"required": True, "content": content}
    if isinstance(route, Callback):
        operation["requestBody"] = {"required": True, "content": {FORM: {"schema": ANY_FORM}}}
        signature = {"name": route.signed_in, "in": "header", "schema": {"type": "string"}}
        operation["parameters"] = [*parameters, signature]
    return operation


def _responses(route: Route) -> dict[str, Any]:
    answered: dict[str, Any] = {"description": HTTPStatus(route.answers).phrase}
    if route.returns and route.answers != 204:
        answered["content"] = {"application/json": {"schema": route.returns}}
    return {str(route.answers): answered, **{str(s): "Problem" for s in _refusals(route)}}


def _refusals(route: Route) -> Iterable[int]:
    """Every status the route may answer instead."""
    statuses = {400, 404, 411, 413, 422, 500, 503}
    if not route.open:
        statuses |= {401, 403}
    if isinstance(route, Callback):
        statuses |= {403, 415}
    if route.method not in ("GET", "HEAD"):
        statuses |= {408, 409}
    if route.body:
        statuses.add(415)
    return sorted(statuses)


def _path(route: Route, service: str) -> tuple[str, list[dict[str, Any]]]:
    """The path as OpenAPI writes it, and its parameters."""
    rule = route.rule(service).rule
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": PATH_TYPES[kind or "string"]}
        for kind, name in VARIABLE.findall(rule)
    ]
    return VARIABLE.sub(r"{\2}", rule), parameters


def _docstring(route: Route, service_cls: type) -> str:
    found = getdoc(getattr(service_cls, route.method_name))
    if not found:
        raise TypeError(f"{route.method} {route.path}: a docstring becomes its summary")
    return found


def _exact(content: Any) -> Any:
    """Say what `web.reading` refuses anywhere: unknown fields, no text, numbers beyond reason."""
    if isinstance(content, list):
        return [_exact(value) for value in content]
    if not isinstance(content, dict):
        return content
    said = {name: _exact(value) for name, value in content.items()}
    kinds = said.get("type")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if "object" in kinds and "properties" in said:
        said.setdefault("additionalProperties", False)
    if "string" in kinds and not {"pattern", "format", "enum"} & set(said):
        said["pattern"] = TEXT
    if "integer" in kinds:
        said.setdefault("maximum", LARGEST)
        said.setdefault("minimum", -LARGEST)
    return said
