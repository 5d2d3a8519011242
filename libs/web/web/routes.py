"""Routes: methods of a service that answer HTTP requests.

    class Intake:
        name = "intake"

        @route("POST", "/intake/referrals", body=ReferralBody, allow=("clinician", "scheduler"))
        def take_referral(self, call):
            '''Take a referral.'''
            return refer(call.db, call.clinic_id, by=call.by, **call.body)

What a route promises is checked before its method runs, and described in the service's OpenAPI.
"""

import inspect
from collections.abc import Callable
from functools import partial, wraps
from typing import Any
from uuid import UUID

import marshmallow as ma
from nameko.exceptions import ContainerBeingKilled
from nameko.extensions import Entrypoint, register_entrypoint
from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from web import reading
from web.answers import Answer, Repeatable, answer_of
from web.application import Mounted
from web.call import Call
from web.callers import ANYONE, ROLES, SERVICE, Caller
from web.performing import NO_CLINIC, Asked, Errand
from web.problems import Problem

Schema = ma.Schema | type[ma.Schema]


class Route(Entrypoint):
    """One route and what it promises.

    allow, open     roles that may call; or anyone, without a token
    body, query     schemas of what is sent; unknown fields are refused
    returns         schema of a 200 or 201; without one the method's dict is answered as it is
    answers         status of success: 201 for POST and 200 otherwise, unless given
    clinical        each answer, of a write too, leaves a row that says who read what
    in_danger       who calls may be: every refusal says whom to call, since it keeps nothing
    across_clinics  the method sees every clinic: one-use codes, inbound receipts
    transaction     False for a method that waits: it opens its own, on `self.runtime.database`
    """

    container: Any
    method_name: Any
    is_page = False
    mounted = Mounted()

    def __init__(
        self,
        method: str,
        path: str,
        *,
        body: Schema | None = None,
        query: Schema | None = None,
        returns: Schema | None = None,
        answers: int | None = None,
        allow: tuple[str, ...] = (),
        open: bool = False,  # noqa: A002 - it reads best where routes are declared
        clinical: bool = False,
        in_danger: bool = False,
        across_clinics: bool = False,
        transaction: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.method, self.path = method, path
        self.body, self.query, self.returns = map(_instance, (body, query, returns))
        self.answers = answers or (201 if method == "POST" else 200)
        self.allow, self.open, self.clinical = allow, open, clinical
        self.in_danger, self.across_clinics = in_danger, across_clinics
        self.transaction = transaction
        self._refuse_what_may_not_be_declared()

    def setup(self) -> None:
        self.mounted.register_provider(self)

    def stop(self) -> None:
        self.mounted.unregister_provider(self)

    def rule(self, service: str) -> Rule:
        """Where the route answers; a path may say `{service}` for the service's own name."""
        return Rule(self.path.replace("{service}", service), methods=[self.method], endpoint=self)

    def answer(self, request: Request, path: dict[str, Any], correlation_id: UUID) -> Response:
        """Answer a request. Raises what `web.problems` maps."""
        asked = self._understood(request, path, correlation_id)
        meant = partial(answer_of, status=self.answers, schema=self.returns)
        answer = self.performed(asked, meant)
        return answer.response() if isinstance(answer, Answer) else answer

    def performed(self, asked: Asked, meant: Callable[[Any], Any]) -> Any:
        """What came of it in a worker; `meant` makes an answer of what the method returned."""
        errand = Errand(self.container.config["runtime"], asked, meant)
        try:
            self.container.spawn_worker(self, (errand,), asked.path)
        except ContainerBeingKilled:
            raise Problem(503, "unavailable", headers={"Retry-After": "1"}) from None
        return errand.wait()

    def refused(self, problem: Problem, _request: Request, correlation_id: UUID) -> Response:
        """What is answered instead."""
        return problem.response(correlation_id, in_danger=self.in_danger)

    def _refuse_what_may_not_be_declared(self) -> None:
        name = f"{self.method} {self.path}"
        if bool(self.allow) == self.open or not set(self.allow) <= set(ROLES):
            raise TypeError(f"{name}: say who may call, or open=True")
        if self.clinical and not self.transaction:
            raise TypeError(f"{name}: the audit of a clinical read needs a transaction")

    def _understood(self, request: Request, path: dict[str, Any], correlation_id: UUID) -> Asked:
        caller = self._caller(request)
        reading.must_be_storable(list(path.values()))
        query = reading.loaded_query(self.query, request)
        body, sent = self._sent(request)
        return Asked(
            operation=self.method_name,
            caller=caller,
            body=body,
            query=query,
            path=path,
            about={
                "correlation_id": correlation_id,
                "traceparent": reading.traceparent(request.headers),
            },
            transaction=self.transaction,
            across_clinics=self.across_clinics,
            audited=self.clinical,
            repeatable=self._repeatable(request, caller, sent),
        )

    def _sent(self, request: Request) -> tuple[Any, bytes]:
        """The body as its schema loads it, and its bytes."""
        if self.body:
            reading.must_be_json(request)
        sent = b"" if self.method == "GET" else reading.body_bytes(request)
        return (reading.loaded(self.body, reading.json_of(sent)) if self.body else {}), sent

    def _caller(self, request: Request) -> Caller:
        if self.open:
            return ANYONE
        caller = self.container.config["callers"].verify(request.headers.get("Authorization"))
        if caller.role not in self.allow:
            raise Problem(403, "role_not_allowed", facts={"allowed": list(self.allow)})
        return caller

    def _repeatable(self, request: Request, caller: Caller, sent: bytes) -> Repeatable | None:
        return self._under_key(request, request.headers.get("Idempotency-Key"), caller, sent)

    def _under_key(
        self, request: Request, key: str | None, caller: Caller, sent: bytes
    ) -> Repeatable | None:
        """Only what somebody known may write is remembered, under a clinic of theirs."""
        known = caller.clinics or caller.role == SERVICE
        if self.method != "POST" or key is None or not known or not self.transaction:
            return None
        return Repeatable.of(
            caller=caller.by,
            key=key,
            clinic_id=min(caller.clinics, default=NO_CLINIC),
            asked=b"\n".join((b"POST", request.full_path.encode(), sent)),
        )


def registering(kind: Callable[..., Route]) -> Callable[..., Callable[[Callable], Callable]]:
    """A decorator that makes a method answer a route of this kind; the options are the kind's."""

    def declare(method: str, path: str, *args: Any, **options: Any) -> Callable:
        def register(fn: Callable[..., Any]) -> Callable[..., Any]:
            @wraps(fn)
            def entry(service: Any, call: Call | Errand, **path: Any) -> Any:
                if isinstance(call, Errand):
                    return call.run(service, fn)
                return fn(service, call, **path)

            register_entrypoint(entry, kind(method, path, *args, **options))
            return entry

        return register

    return declare


route = registering(Route)
"""Make a method answer a route; the options are those of `Route`."""


def declared(service_cls: type) -> list[Route]:
    """Every route and page a service class declares, with the name of its method, by path."""
    found = []
    for name, method in inspect.getmembers(service_cls, inspect.isfunction):
        for entrypoint in getattr(method, "nameko_entrypoints", ()):
            if isinstance(entrypoint, Route):
                entrypoint.method_name = name
                found.append(entrypoint)
    return sorted(found, key=lambda r: (r.path, r.method))


def routes_of(service_cls: type) -> list[Route]:
    """The routes of its API."""
    return [one for one in declared(service_cls) if not one.is_page]


def pages_of(service_cls: type) -> list[Route]:
    """Its pages."""
    return [one for one in declared(service_cls) if one.is_page]


def _instance(schema: Schema | None) -> ma.Schema | None:
    return schema() if isinstance(schema, type) else schema
