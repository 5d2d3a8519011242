"""The WSGI application of one service: finds the route, answers, counts."""

import json
import time
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import UUID

from nameko.extensions import ProviderCollector, SharedExtension
from sqlalchemy.exc import IntegrityError
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from chassis.logs import log, where
from chassis.metrics import FAULTS, REQUESTS
from web import reading
from web.problems import Problem, problem_of

if TYPE_CHECKING:
    from web.routes import Route

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
UNMATCHED = "unmatched"


class Application:
    """Answers every path below `/<service>`, each failure as a problem."""

    in_danger = False

    def __init__(self, service: str, routes: Iterable["Route"], service_cls: type) -> None:
        self.service = service
        self._service_cls = service_cls
        own = Rule(f"/{service}/openapi.json", methods=["GET"], endpoint=self)
        self._paths = Map(
            [own, *(route.rule(service) for route in routes)],
            strict_slashes=False,
            merge_slashes=False,
        )

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        started = time.monotonic()
        correlation_id = reading.correlation_id(request.headers)
        template, in_danger = UNMATCHED, False
        try:
            try:
                rule, path = self._paths.bind("").match(
                    request.path, request.method, return_rule=True
                )
                template, in_danger = rule.rule, rule.endpoint.in_danger
            finally:
                reading.must_be_small(request)
            response = rule.endpoint.answer(request, path, correlation_id)
        except Exception as failure:  # noqa: BLE001 - the boundary: nothing may pass it
            problem = self._problem(failure, template, request.method, correlation_id)
            response = problem.response(correlation_id, in_danger=in_danger)
        response.headers.setdefault("X-Correlation-Id", str(correlation_id))
        self._note(template, request.method, response.status_code, started, correlation_id)
        return response(environ, start_response)

    def answer(self, _request: Request, _path: dict[str, Any], _correlation_id: UUID) -> Response:
        """The service's own description."""
        return Response(self._description, content_type="application/json")

    @cached_property
    def _description(self) -> str:
        from web.openapi import document  # it describes routes, which are mounted by this module

        return json.dumps(document(self._service_cls), indent=1, sort_keys=True)

    def _problem(
        self, failure: Exception, template: str, method: str, correlation_id: UUID
    ) -> Problem:
        problem = problem_of(failure)
        if problem.status >= 500 or isinstance(failure, IntegrityError):
            log.error(
                "request_failed",
                service=self.service,
                route=template,
                method=method if method in METHODS else "OTHER",
                status=problem.status,
                error=where(failure),
                correlation_id=str(correlation_id),
            )
        if problem.status == 500:
            FAULTS.labels(self.service, template).inc()
        return problem

    def _note(
        self, template: str, method: str, status: int, started: float, correlation_id: UUID
    ) -> None:
        """One line in the log and one observation, by the route's template."""
        method = method if method in METHODS else "OTHER"
        seconds = time.monotonic() - started
        labels = (self.service, template, method, f"{status // 100}xx")
        REQUESTS.labels(*labels).observe(seconds)
        log.info(
            "request",
            service=self.service,
            route=template,
            method=method,
            status=status,
            seconds=round(seconds, 4),
            correlation_id=str(correlation_id),
        )


class Mounted(ProviderCollector, SharedExtension):
    """Mounts the routes of a container on the front of its process."""

    container: Any

    def start(self) -> None:
        service = self.container.config["runtime"].service
        application = Application(service, self._providers, self.container.service_cls)
        self.container.config["front"].mount(service, application)
