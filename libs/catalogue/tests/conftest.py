"""Events that exist only while a test runs."""

from collections.abc import Callable, Iterator
from types import new_class
from typing import Any

import pytest

import catalogue.events  # noqa: F401
from catalogue.event import REGISTRY, Event
from catalogue.streams import SEAT


@pytest.fixture
def empty_registry() -> Iterator[dict[str, type[Event]]]:
    """The registry without the events of the house, which are back after the test."""
    kept = dict(REGISTRY)
    REGISTRY.clear()
    yield REGISTRY
    REGISTRY.clear()
    REGISTRY.update(kept)


@pytest.fixture
def declare(empty_registry) -> Callable[..., type[Event]]:
    """Declares `SeatKept` with these fields; a pair is a type and its default."""

    def _declare(*, name="SeatKept", docs="Somebody keeps a place.", fields, **options: Any):
        types = {f: kind[0] if isinstance(kind, tuple) else kind for f, kind in fields.items()}
        defaults = {f: kind[1] for f, kind in fields.items() if isinstance(kind, tuple)}
        body = {"__annotations__": types, "__doc__": docs, "__module__": "scheduling", **defaults}
        return new_class(name, (Event,), {"stream": SEAT, **options}, lambda n: n.update(body))

    return _declare
