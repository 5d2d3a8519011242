"""The map of `catalogue.streams` is true: who announces and who hears what the code says."""

import ast
import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import catalogue.events  # noqa: F401 - fills the registry
from catalogue.event import REGISTRY, Event
from catalogue.streams import ANNOUNCES, HEARS
from chassis.entrypoints import Hears
from tests.architecture.sources import ROOT, SERVICES, modules, nodes, plant
from web.hosting import service_class
from web.routes import routes_of

BY_NAME = {
    (event.__module__, event.__name__): event
    for event in REGISTRY.values()
    if event.__module__.startswith("catalogue.")
}
"""Events of the catalogue; benchmarks and drills declare some of their own."""


def test_every_event_that_a_handler_takes_is_of_a_stream_its_service_hears():
    assert unheard({service: [*taken_by(service)] for service in SERVICES}) == []


def test_every_event_that_a_service_announces_is_of_a_stream_it_announces():
    assert unlisted({service: announced_by(ROOT, service) for service in SERVICES}) == []


def test_every_event_is_announced_by_some_service():
    announced = {event for service in SERVICES for event in announced_by(ROOT, service)}
    newest = {event for event in BY_NAME.values() if not _has_newer(event)}
    assert sorted(event.type for event in newest - announced) == []


def test_every_stream_heard_is_announced_by_another_service():
    assert nobody_announces(HEARS) == []


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_lets_others_read_its_log(service):
    assert has_the_sure_road(service_class(service))


def test_a_service_whose_log_nobody_can_read_is_noticed():
    assert not has_the_sure_road(type("Deaf", (), {"name": "deaf"}))


def test_a_handler_without_its_stream_and_a_stranger_that_announces_are_noticed(tmp_path):
    message = BY_NAME["catalogue.notifications", "MessageSent"]
    assert unheard({"crisis": [message]}) == ["crisis hears no message: MessageSent"]
    plant(
        tmp_path,
        "services/intake/intake/planted.py",
        "from catalogue.crisis import CaseClosed, CaseOpened\n"
        "def close(db):\n    announce(db, CaseClosed(case_id=1))\n"
        "def take(db, event: CaseOpened): ...\n",
    )
    found = announced_by(tmp_path, "intake")
    assert [event.__name__ for event in found] == ["CaseClosed"]
    assert unlisted({"intake": found}) == ["intake announces no case: CaseClosed"]
    assert nobody_announces({"crisis": HEARS["intake"]}) == ["crisis: case"]


def has_the_sure_road(service: type) -> bool:
    """Whether a service answers where `chassis.peers` reads its log and its details."""
    paths = {route.path for route in routes_of(service)}
    return {"/{service}/log", "/{service}/details/<uuid:person_id>"} <= paths


def taken_by(service: str) -> Iterator[type[Event]]:
    """The events for which a service has a handler."""
    for _, method in inspect.getmembers(service_class(service), inspect.isfunction):
        for entrypoint in getattr(method, "nameko_entrypoints", ()):
            if isinstance(entrypoint, Hears):
                yield entrypoint.event


def announced_by(root: Path, service: str) -> list[type[Event]]:
    """The events named in a call of `announce`, or of what is built on it."""
    found = {}
    for path in modules(root, f"services/{service}/{service}"):
        known = dict(_imported(path))
        made_by = _called_to_make(path)
        helpers = {
            node.name: node for node in nodes(path)
            if isinstance(node, ast.FunctionDef) and node.name in made_by
        }  # fmt: skip
        for call in nodes(path):
            if isinstance(call, ast.Call) and "announce" in _name_of(call.func):
                places = [call, *(helpers[n] for n in _names_in(call) if n in helpers)]
                names = [name for place in places for name in _names_in(place)]
                found |= {known[name]: None for name in names if name in known}
    return list(found)


def unheard(taken: Mapping[str, list[type[Event]]]) -> list[str]:
    return [
        f"{service} hears no {event.stream.name}: {event.__name__}"
        for service, events in taken.items()
        for event in events
        if event.stream not in HEARS[service]
    ]


def unlisted(announced: Mapping[str, list[type[Event]]]) -> list[str]:
    return [
        f"{service} announces no {event.stream.name}: {event.__name__}"
        for service, events in announced.items()
        for event in events
        if event.stream not in ANNOUNCES[service] or service not in event.publishers
    ]


def nobody_announces(hears: Mapping[str, tuple]) -> list[str]:
    return [
        f"{service}: {stream.name}"
        for service, streams in hears.items()
        for stream in streams
        if not any(stream in own for other, own in ANNOUNCES.items() if other != service)
    ]


def _imported(path: Path) -> Iterator[tuple[str, type[Event]]]:
    for node in nodes(path):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if (node.module, alias.name) in BY_NAME:
                    yield alias.asname or alias.name, BY_NAME[str(node.module), alias.name]


def _called_to_make(path: Path) -> set[str]:
    """Functions whose result is announced: `announce(db, _scheduled(day))`."""
    return {
        _name_of(argument.func)
        for call in nodes(path)
        if isinstance(call, ast.Call) and _name_of(call.func) == "announce"
        for argument in call.args
        if isinstance(argument, ast.Call)
    }


def _names_in(node: ast.AST) -> list[str]:
    return [one.id for one in ast.walk(node) if isinstance(one, ast.Name)]


def _name_of(function: ast.expr) -> str:
    match function:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _has_newer(event: type[Event]) -> bool:
    stem = event.type.rpartition(".v")[0]
    return any(o.type.startswith(f"{stem}.v") and o.major > event.major for o in BY_NAME.values())
