"""Pages: routes for people, which answer HTML and take forms, with or without JavaScript.

    @page("GET", "/intake/apply", "apply.html", open=True)
    def apply(self, call):
        return {"questions": instruments.questions()}

    @page("POST", "/intake/apply", body=shape.ApplyBody, open=True)
    def take_application(self, call):
        return f"/intake/applications/{referral.apply(call.db, **call.body).id}"

A GET returns what its template shows. A POST returns the path to see next. A form is sent to the
path that shows it, so what is wrong with it is shown there again, beside what was written.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import quote
from uuid import UUID

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from web import rendering
from web.answers import Answer, Repeatable
from web.browsers import OUT_OF_DATE, PROOF, Cookies, Visitor, visitor_of
from web.callers import Caller
from web.forms import ONCE, Form
from web.performing import Asked
from web.problems import Problem, problem_of
from web.reading import loaded
from web.routes import Route, registering

VISITOR, FORM = "web.visitor", "web.form"
"""Keys of the WSGI environment."""

SIGNED_IN_ANEW = (
    "You signed in again since this page was shown. Look it over and send it once more."
)

NOTHING: Mapping[str, Any] = {}


class Page(Route):
    """A route for people. Its options are those of `Route`, and:

    template    what a GET is shown with, in the service's `screens/`
    live        a fragment that `/<service>/stream` pushes whenever it changes. It is the same for
                everybody of a role in the same clinics: its `call.caller` is nobody in particular
    own         a live fragment of one person, who alone sees it: its `call.caller` is that person
    refused_as  what a refusal is shown with, in place of the general page: it gets `problem`

    What lies at `/<service>/fragments/…` is a part of a page: who is not signed in is refused, not
    sent to sign in.
    """

    is_page = True

    def __init__(
        self,
        method: str,
        path: str,
        template: str = "",
        *,
        live: bool = False,
        own: bool = False,
        refused_as: str = "",
        **options: Any,
    ) -> None:
        options.setdefault("answers", HTTPStatus.OK if method == "GET" else HTTPStatus.SEE_OTHER)
        super().__init__(method, path, **options)
        self.template, self.live, self.is_part = template, live, "/fragments/" in path
        self.own, self.refused_as = own, refused_as
        if method not in ("GET", "POST") or bool(template) != (method == "GET"):
            raise TypeError(f"{method} {path}: a GET with a template, or a POST without")
        if live and (self.open or self.query or not self.is_part):
            raise TypeError(f"{method} {path}: what is live is a fragment, for known roles")
        if own and not live:
            raise TypeError(f"{method} {path}: only what is live must say whose it is")

    def answer(self, request: Request, path: dict[str, Any], correlation_id: UUID) -> Response:
        """Answer a page. What is wrong with a form is shown where the form is."""
        try:
            returned = self._returned(request, path, correlation_id)
        except Exception as failure:
            form = _with_what_is_wrong(request, failure)
            shown_by = self._shown_by() if form else None
            if shown_by is None:
                raise
            request.environ[FORM] = form
            returned = shown_by._returned(request, path, correlation_id)
            returned.status_code = HTTPStatus.UNPROCESSABLE_ENTITY
        return returned

    def refused(self, problem: Problem, request: Request, correlation_id: UUID) -> Response:
        """A refusal in words; who is not signed in is sent to do so and comes back here."""
        if problem.status == HTTPStatus.UNAUTHORIZED and self.method == "GET" and not self.is_part:
            here = quote(request.full_path.rstrip("?"), safe="/")
            return redirect(f"/{self._service}/sign-in?to={here}", HTTPStatus.SEE_OTHER)
        if problem.status == HTTPStatus.UNAUTHORIZED:
            self._keep_what_was_written(request)
        frame = {**self._frame(request), "in_danger": self.in_danger}
        return rendering.refusal(problem, correlation_id, frame, self._folder, self.refused_as)

    def watched_by(self, caller: Caller) -> Caller:
        """As whom a live fragment is looked at for somebody."""
        return caller if self.own else replace(caller, person_id=None)

    def looked_at(
        self, caller: Caller, correlation_id: UUID, path: dict[str, Any], *, audited: bool = True
    ) -> str:
        """A live fragment's HTML now. Who looks is in the audit, and nowhere in what is shown."""
        asked = Asked(
            operation=self.method_name,
            caller=caller,
            path=path,
            about={"correlation_id": correlation_id},
            transaction=self.transaction,
            audited=self.clinical and audited,
        )
        return self.performed(asked, self._html)

    def _returned(self, request: Request, path: dict[str, Any], correlation_id: UUID) -> Response:
        asked = self._understood(request, path, correlation_id)
        answer = self.performed(asked, partial(self._meant, request))
        return (
            answer
            if isinstance(answer, Response)
            else redirect(answer.content["see"], answer.status)
        )

    def _meant(self, request: Request, returned: Any) -> Answer | Response:
        if isinstance(returned, Response):
            return returned
        if self.method == "POST":
            return Answer(HTTPStatus.SEE_OTHER, {"see": returned})
        frame = {} if self.live else self._frame(request)
        return Response(self._html(returned, frame), content_type=rendering.HTML)

    def _html(self, content: dict[str, Any], frame: Mapping[str, Any] = NOTHING) -> str:
        """What the template makes of what the method returned."""
        return rendering.rendered(self.template, {**frame, **content}, self._folder)

    def _shown_by(self) -> "Page | None":
        """The page at this path, when this is what takes its form."""
        beside = (one for one in self.mounted.routes if one.path == self.path)
        return next((one for one in beside if one.method == "GET" and isinstance(one, Page)), None)

    def _caller(self, request: Request) -> Caller:
        visitor = self._visitor(request)
        if not visitor.token and not self.open:
            raise Problem(401, "not_signed_in")
        if not self.open and visitor.caller.role not in self.allow:
            raise Problem(403, "role_not_allowed", facts={"allowed": list(self.allow)})
        return self.watched_by(visitor.caller) if self.live else visitor.caller

    def _sent(self, request: Request) -> tuple[Any, bytes]:
        if self.method == "GET":
            return {}, b""
        form = request.environ[FORM] = Form.of(request)
        self._visitor(request).must_have_sent(request, form.sent.get(PROOF, ""))
        return (loaded(self.body, form.content(self.body)) if self.body else {}), form.data

    def _repeatable(self, request: Request, caller: Caller, sent: bytes) -> Repeatable | None:
        """The same answers sent twice have one effect; others, after going back, their own."""
        form = request.environ.get(FORM)
        once = form and form.sent.get(ONCE)
        key = f"{once}.{hashlib.sha256(sent).hexdigest()}" if once else None
        return self._under_key(request, key, caller, sent)

    def _keep_what_was_written(self, request: Request) -> None:
        """For whose sign-in has ended while they wrote: the refusal hands it back."""
        try:
            request.environ[FORM] = Form.of(request)
        except Problem:
            return  # no form, nothing to hand back

    def _visitor(self, request: Request) -> Visitor:
        if VISITOR not in request.environ:
            config = self.container.config
            cookies = Cookies(config["runtime"].environment)
            request.environ[VISITOR] = visitor_of(request, config["callers"], cookies)
        return request.environ[VISITOR]

    def _frame(self, request: Request) -> dict[str, Any]:
        """What the frame around every page needs."""
        return {
            "visitor": self._visitor(request),
            "service": self._service,
            "path": request.path,
            "method": request.method,
            "form": request.environ.get(FORM) or Form(),
        }

    @property
    def _service(self) -> str:
        return self.container.config["runtime"].service

    @property
    def _folder(self) -> Any:
        return rendering.folder_of(self.container.service_cls)


page: Callable[..., Callable[[Callable], Callable]] = registering(Page)
"""Make a method answer a page; the options are those of `Page`."""


def _with_what_is_wrong(request: Request, failure: Exception) -> Form | None:
    """The form that was sent, if that is what the failure is about."""
    form, problem = request.environ.get(FORM), problem_of(failure)
    if form is None or not (problem.fields or problem.code == OUT_OF_DATE):
        return None
    return Form(form.sent, dict(problem.fields) or {"": [SIGNED_IN_ANEW]})
