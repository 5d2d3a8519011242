"""Where events travel: which service announces a stream on its exchange, and who hears it."""

from dataclasses import dataclass

import catalogue.events  # noqa: F401
from catalogue.event import REGISTRY, Event, Stream
from catalogue.streams import ANNOUNCES, HEARS


@dataclass(frozen=True)
class Channel:
    """One stream on the exchange of one of its publishers."""

    service: str
    stream: Stream

    @property
    def name(self) -> str:
        return f"{self.service}_{self.stream.name}"

    @property
    def exchange(self) -> str:
        return f"{self.service}.events"

    @property
    def events(self) -> list[type[Event]]:
        """In the order of their declaration."""
        return [
            cls
            for cls in REGISTRY.values()
            if cls.stream == self.stream and self.service in cls.publishers
        ]

    @property
    def heard_by(self) -> list[str]:
        return [service for service, heard in HEARS.items() if self.stream in heard]


def channels() -> list[Channel]:
    """Every stream of every publisher, in the order of `catalogue.streams`."""
    return [Channel(service, stream) for service in ANNOUNCES for stream in ANNOUNCES[service]]
