"""What an event is: a frozen dataclass whose declaration is the whole truth about it.

    class ParticipantAdmitted(Event, stream=EPISODE, privacy=2):
        '''A clinician admitted the participant; announced by intake.'''
        episode_id: UUID
        participant_id: UUID

The class name is past tense in the clinic's words. Field types are those of `FIELD_TYPES` in
`catalogue.codec`: ids, codes, numbers, dates and instants. There is no type for free text, so no
name, address or answer can ride on an event.
"""

import re
from dataclasses import dataclass
from typing import Annotated, ClassVar, dataclass_transform
from uuid import UUID

ROUTINE, URGENT = "routine", "urgent"
LANES = (URGENT, ROUTINE)

Code = Annotated[str, r"^[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}$"]
"""A code of a published list: an instrument, a reason, a segment; never words of a person."""

Zone = Annotated[str, r"^[A-Za-z][A-Za-z0-9_+/-]{0,63}$"]
"""A name of the IANA time zone database."""

PRIVACY_CLASSES = {
    0: "public",
    1: "operational",
    2: "coded health information",
    4: "coded health information under 42 CFR Part 2",
}
"""Classes that may ride on an event. 3 (narrative) travels by reference, 5 never travels."""


@dataclass(frozen=True)
class Stream:
    """A kind of aggregate. All its events travel in one lane, so their order can be kept."""

    name: str
    lane: str = ROUTINE


class UndeclaredEvent(LookupError):
    """No event of the catalogue has this type: an unknown name or an unknown major version."""


REGISTRY: dict[str, type["Event"]] = {}
"""Every declared event by its CloudEvents type. Filled by importing `catalogue.events`."""


@dataclass_transform(frozen_default=True, kw_only_default=True)
@dataclass(frozen=True, kw_only=True)
class Event:
    """What every event carries. Subclasses declare stream, privacy class and major version."""

    clinic_id: UUID

    stream: ClassVar[Stream]
    privacy: ClassVar[int]
    major: ClassVar[int]
    type: ClassVar[str]
    routing_key: ClassVar[str]
    publishers: ClassVar[tuple[str, ...]]

    def __init_subclass__(
        cls,
        *,
        stream: Stream,
        privacy: int = 1,
        major: int = 1,
        publishers: tuple[str, ...] = (),
    ) -> None:
        room = cls.__module__.rsplit(".", 1)[-1]
        name = _snake(cls.__name__)
        cls.stream, cls.privacy, cls.major = stream, privacy, major
        cls.publishers = publishers or (room,)
        cls.type = f"evenkeel.{room}.{name}.v{major}"
        cls.routing_key = f"{stream.name}.{name}.v{major}"
        dataclass(frozen=True, kw_only=True)(cls)
        _refuse_what_may_not_be_declared(cls)
        REGISTRY[cls.type] = cls

    @property
    def subject(self) -> str:
        """The aggregate this event is about, `{stream}/{uuid}`."""
        return f"{self.stream.name}/{getattr(self, self.stream.name + '_id')}"


def declared(type_: str) -> type[Event]:
    """The event class of a CloudEvents type. Raises UndeclaredEvent."""
    try:
        return REGISTRY[type_]
    except KeyError:
        raise UndeclaredEvent(type_) from None


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _refuse_what_may_not_be_declared(cls: type[Event]) -> None:
    if cls.type in REGISTRY:
        raise TypeError(f"{cls.type} is declared twice")
    if cls.privacy not in PRIVACY_CLASSES:
        raise TypeError(f"{cls.type}: privacy class {cls.privacy} may not ride on an event")
    if f"{cls.stream.name}_id" not in cls.__dataclass_fields__:  # type: ignore[attr-defined]
        raise TypeError(f"{cls.type} lacks the field {cls.stream.name}_id that names its subject")
    if not cls.__doc__ or cls.__doc__.startswith(f"{cls.__name__}("):
        raise TypeError(f"{cls.type} has no docstring that says when it is announced")
