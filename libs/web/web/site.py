"""What needs no service and answers while all are down: start, whom to call, and the files."""

from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from werkzeug.wrappers import Request, Response

from web import rendering
from web.files import files
from web.problems import Problem
from web.rendering import HELP, NUMBERS

PAGES = {"/": "web/start.html", NUMBERS: "web/help.html"}
STATIC, READING = "/static/", ("GET", "HEAD")


def answers(path: str) -> bool:
    """Whether a path is answered here."""
    return path in PAGES or path.startswith(STATIC)


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answers those paths on the front of every process."""
    request = Request(environ)
    return _answer(request)(environ, start_response)


def not_found(environ: dict[str, Any]) -> Response:
    """Nobody serves this path: a page for a browser, a problem for a program.

    Who looks for help finds the numbers, also where its service is not there.
    """
    request, missing = Request(environ), Problem(404, "not_found")
    if request.path == HELP or request.path.startswith(f"{HELP}/"):
        return rendering.page(PAGES[NUMBERS], {}, 200 if request.method in READING else 503)
    if wants_a_page(request):
        return rendering.refusal(missing, uuid4())
    return missing.response(uuid4())


def wants_a_page(request: Request) -> bool:
    """Browsers name HTML when they go somewhere; programs do not."""
    return "text/html" in request.headers.get("Accept", "")


def _answer(request: Request) -> Response:
    if request.method not in READING:
        allowed = ", ".join(READING)
        return Problem(405, "method_not_allowed", headers={"Allow": allowed}).response(uuid4())
    if request.path in PAGES:
        return rendering.page(PAGES[request.path], {})
    found = files().get(request.path.removeprefix(STATIC))
    return found.answer(request) if found else not_found(request.environ)
