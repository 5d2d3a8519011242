"""Screens as HTML: Jinja2 templates, escaped, of the web library and of the service they show.

`web/…` are the library's; everything else is looked for in `<service>/screens/`.
"""

import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import jinja2
from werkzeug.wrappers import Response

from catalogue.numbers import CRISIS_NUMBERS
from web.browsers import PROOF
from web.files import address_of
from web.forms import ONCE
from web.problems import Problem

OURS = Path(__file__).parent / "screens"
HTML = "text/html; charset=utf-8"
HELP, NUMBERS = "/crisis/help", "/help"
"""Where "I need help now" leads on every page; and the numbers alone, which need no service."""

OF_NOBODY: dict[str, Any] = {
    "visitor": None,
    "service": None,
    "path": None,
    "left": None,
    "form": None,
    "in_danger": False,
}
"""What the frame is told when it is not known who looks."""


def folder_of(service_cls: type) -> Path:
    """Where a service keeps its templates: beside its `service.py`."""
    return Path(str(sys.modules[service_cls.__module__].__file__)).parent / "screens"


@cache
def templates(folder: Path | None = None) -> jinja2.Environment:
    """The library's templates, and those of one service's folder."""
    loaders: list[jinja2.BaseLoader] = [
        jinja2.PrefixLoader({"web": jinja2.FileSystemLoader(OURS)}),
    ]
    if folder:
        loaders.append(jinja2.FileSystemLoader(folder))
    made = jinja2.Environment(
        autoescape=True,
        loader=jinja2.ChoiceLoader(loaders),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {
        "static": address_of, "numbers": CRISIS_NUMBERS, "help": HELP,
        "PROOF": PROOF, "ONCE": ONCE, "once": uuid4,
    }  # fmt: skip
    return made


def rendered(name: str | list[str], content: Mapping[str, Any], folder: Path | None = None) -> str:
    """A template's HTML; of several names the first that there is."""
    names = [name] if isinstance(name, str) else name
    return templates(folder).select_template(names).render({**OF_NOBODY, **content})


def page(
    name: str | list[str], content: Mapping[str, Any], status: int = 200, folder: Path | None = None
) -> Response:
    """A template as an answer."""
    return Response(rendered(name, content, folder), status, content_type=HTML)


def refusal(
    problem: Problem,
    correlation_id: UUID,
    content: Mapping[str, Any] = OF_NOBODY,
    folder: Path | None = None,
    template: str = "",
) -> Response:
    """A problem as a page in words. A service has its own for a code in `refused/<code>.html`."""
    told = {"problem": problem, "correlation_id": correlation_id}
    own = template or f"refused/{problem.code}.html"
    names = [own] if folder else []
    answer = page([*names, "web/refused.html"], {**content, **told}, problem.status, folder)
    answer.headers.extend({"X-Correlation-Id": str(correlation_id), **problem.headers})
    return answer
