"""How a service says what it hears and what it does when a timer is due.

    class Scheduling:
        name = "scheduling"

        @hears(ParticipantAdmitted)
        def participant_admitted(self, work, event): ...

        @fires("hold_expired", owner=Seat)
        def hold_expired(self, timer, seat): ...

        @repeats(seconds=1)
        def send_messages(self) -> bool: ...

nameko binds these at start. What they need in common, consumers, the relay and the timer loop,
is one shared extension, the backbone.
"""

from functools import partial
from typing import Any

from nameko.extensions import DependencyProvider, Entrypoint, SharedExtension

from catalogue.event import Event
from chassis.loop import Loop, NextDue
from chassis.receive import Prepare
from chassis.timers import Kind


class BackboneExtension(SharedExtension):
    """Starts and stops a service's backbone with its container."""

    def start(self) -> None:
        self.container.config["runtime"].backbone.start(self.container)

    def stop(self) -> None:
        self.container.config["runtime"].backbone.stop()


class Hears(Entrypoint):
    """Runs a method inside the receive step, for each event of a class."""

    backbone = BackboneExtension()

    def __init__(self, event: type[Event], prepare: Prepare | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.event = event
        self.prepare = prepare

    def setup(self) -> None:
        runtime = self.container.config["runtime"]
        method = getattr(runtime.instance(self.container), self.method_name)
        runtime.handlers.by_type[self.event.type] = method
        if self.prepare:
            runtime.handlers.prepare[self.event.type] = self.prepare


class Fires(Entrypoint):
    """Runs a method in the transaction of a due timer, unless its owner has moved on."""

    backbone = BackboneExtension()

    def __init__(self, kind: str, owner: type[Any], **options: Any) -> None:
        super().__init__(**options)
        self.kind = kind
        self.owner = owner

    def setup(self) -> None:
        runtime = self.container.config["runtime"]
        method = getattr(runtime.instance(self.container), self.method_name)
        runtime.timer_kinds[self.kind] = Kind(self.owner, method)


class Repeats(Entrypoint):
    """Runs a method over and over: again at once while it returns True, else after a pause."""

    backbone = BackboneExtension()

    def __init__(self, seconds: float, next_due: NextDue | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.seconds = seconds
        self.next_due = next_due

    def setup(self) -> None:
        runtime = self.container.config["runtime"]
        method = getattr(runtime.instance(self.container), self.method_name)
        runtime.loops.append(Loop(method, self.seconds, runtime.service, self.next_due))


class RuntimeProvider(DependencyProvider):
    """Gives routes the runtime of their service as `self.runtime`."""

    def get_dependency(self, worker_ctx: Any) -> Any:
        return self.container.config["runtime"]


hears = partial(Hears.decorator)
fires = partial(Fires.decorator)
repeats = partial(Repeats.decorator)
