"""Faults planted behind the relay and past the repair: in the very step that handles an event.

The cursor moves as if all were well, so nothing in the services can notice; the ledger must.
"""

from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import Any

from chassis.backbone import Runtime
from chassis.receive import Handler, Work

ONE_IN = 4
TYPES = {
    "drop": (
        ("sessions", "evenkeel.scheduling.seat_offered.v1"),
        ("notifications", "evenkeel.sessions.homework_assigned.v1"),
        ("intake", "evenkeel.sessions.attendance_credited.v1"),
    ),
    "double": (("intake", "evenkeel.sessions.attendance_credited.v1"),),
    "reorder": (
        ("notifications", "evenkeel.sessions.homework_assigned.v1"),
        ("notifications", "evenkeel.sessions.homework_submitted.v1"),
        ("sessions", "evenkeel.crisis.case_opened.v1"),
        ("sessions", "evenkeel.crisis.case_closed.v1"),
    ),
}
"""Where a fault leaves a trace: what is counted, planned or closed, not what is merely put."""

Chosen = Callable[[Hashable], bool]
Fault = Callable[[Handler, Chosen], Handler]


def sabotage(fault: str, runtimes: Mapping[str, Runtime], seed: int) -> None:
    """Plant a fault, `drop`, `double` or `reorder`, into the handlers of a started house."""
    held: dict[str, tuple[Handler, Work, Any]] = {}
    faults: dict[str, Fault] = {
        "drop": _dropping, "double": _doubling, "reorder": partial(_reordering, held)
    }  # fmt: skip
    for service, type_ in TYPES[fault]:
        handlers = runtimes[service].handlers.by_type
        handlers[type_] = faults[fault](handlers[type_], _one_in(ONE_IN, seed))


def _one_in(number: int, seed: int) -> Chosen:
    """Whether something is one of those chosen; the same answer whenever it is asked again."""
    seen: dict[Hashable, bool] = {}

    def chosen(key: Hashable) -> bool:
        return seen.setdefault(key, (len(seen) + seed) % number == 0)

    return chosen


def _dropping(handler: Handler, chosen: Chosen) -> Handler:
    def handle(work: Work, event: Any) -> None:
        if not chosen(work.message.id):
            handler(work, event)

    return handle


def _doubling(handler: Handler, chosen: Chosen) -> Handler:
    def handle(work: Work, event: Any) -> None:
        handler(work, event)
        if chosen(work.message.id):
            handler(work, event)

    return handle


def _reordering(
    held: dict[str, tuple[Handler, Work, Any]], handler: Handler, chosen: Chosen
) -> Handler:
    """The first event of a chosen subject is handled after the second."""

    def handle(work: Work, event: Any) -> None:
        subject = work.message.subject
        if work.message.version == 1 and chosen(subject):
            held[subject] = (handler, work, event)
            return
        handler(work, event)
        if subject in held:
            first, before, earlier = held.pop(subject)
            first(Work(work.db, before.message), earlier)

    return handle
