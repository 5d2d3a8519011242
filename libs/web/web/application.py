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
from web import reading, site
from web.live import streams
from web.problems import Problem, problem_of
from web.rendering import refusal
from web.signing_in import sign_in

if TYPE_CHECKING:
    from web.routes import Route


METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
UNMATCHED = "unmatched"


class Application:
    """Answers every path below `/<service>`, each failure as a problem or, to people, in words.

    An endpoint says its `rule`, and answers by `answer` or, when that raised, by `refused`.
    """

    def __init__(self, service: str, endpoints: Iterable[Any], service_cls: type) -> None:
        self.service = service
        self._service_cls = service_cls
        self._paths = Map(
            [endpoint.rule(service) for endpoint in (self, *endpoints)],
            strict_slashes=False,
            merge_slashes=False,
        )

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        started = time.monotonic()
        correlation_id = reading.correlation_id(request.headers)
        template, endpoint = UNMATCHED, self
        try:
            try:
                paths, asked = self._paths.bind(""), (request.path, request.method)
                rule, path = paths.match(*asked, return_rule=True)
                template, endpoint = rule.rule, rule.endpoint
            finally:
                reading.must_be_small(request)
            response = endpoint.answer(request, path, correlation_id)
        except Exception as failure:  # noqa: BLE001 - the boundary: nothing may pass it
            problem = self._problem(failure, template, request.method, correlation_id)
            response = self._refusal(endpoint, problem, request, correlation_id)
        response.headers.setdefault("X-Correlation-Id", str(correlation_id))
        self._note(template, request.method, response.status_code, started, correlation_id)
        return response(environ, start_response)

    def rule(self, service: str) -> Rule:
        """The service's own description."""
        return Rule(f"/{service}/openapi.json", methods=["GET"], endpoint=self)

    def answer(self, request: Request, path: Any, correlation_id: UUID) -> Response:
        """The service's own description."""
        return Response(self._description, content_type="application/json")

    def refused(self, problem: Problem, request: Request, correlation_id: UUID) -> Response:
        """A path that is nobody's."""
        if problem.status < 500 and site.wants_a_page(request):
            return refusal(problem, correlation_id)
        return problem.response(correlation_id)

    def _refusal(
        self, endpoint: Any, problem: Problem, request: Request, correlation_id: UUID
    ) -> Response:
        try:
            return endpoint.refused(problem, request, correlation_id)
        except Exception as failure:  # noqa: BLE001 - a page that fails must not hide the problem
            log.error("refusal_failed", service=self.service, error=where(failure))
            return problem.response(correlation_id, in_danger=True)

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

    @property
    def routes(self) -> set["Route"]:
        """All that were declared, pages included."""
        return self._providers

    def start(self) -> None:
        config, service_cls = self.container.config, self.container.service_cls
        service = config["runtime"].service
        endpoints = [*self.routes, *sign_in(config), *streams(config, self.routes)]
        config["front"].mount(service, Application(service, endpoints, service_cls))
