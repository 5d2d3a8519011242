"""An act: one thing that somebody asks of a service at an instant."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

AnswerTo = Callable[[str], Any]
"""The answer to an earlier act by its id, or None."""

_REFERENCE = re.compile(r"\{([\w-]+)\.([\w.]+)\}")


class Unanswered(LookupError):
    """What an act needs to know was never answered; the argument is the earlier act's id."""


@dataclass(frozen=True, kw_only=True)
class Act:
    """A request, as it will be made once the acts it refers to have been answered.

    about       number of the participant, or of the group, that it is about
    finds       of a list in the answer, only the last item about this participant is kept
    tolerates   refusals that are no loss, because a human may have been quicker
    loud        worth telling also when nobody watches
    """

    id: str
    at: datetime
    step: str
    about: int
    says: str
    role: str
    person: str
    clinic_id: str
    method: str
    path: str
    body: dict[str, Any] | None = None
    finds: str | None = None
    tolerates: tuple[str, ...] = ()
    loud: bool = False

    def filled(self, answer_to: AnswerTo) -> "Filled":
        """The request with every reference replaced. Raises Unanswered."""
        content = filled([self.path, self.body, self.person], answer_to)
        return Filled(*content)


@dataclass(frozen=True)
class Filled:
    """What goes over the wire, and who sends it."""

    path: str
    body: dict[str, Any] | None
    person: str


def filled(value: Any, answer_to: AnswerTo) -> Any:
    """A text, or lists and dicts of texts, with every reference replaced. Raises Unanswered."""
    if isinstance(value, str):
        return _REFERENCE.sub(lambda found: _member(answer_to, *found.groups()), value)
    if isinstance(value, list):
        return [filled(one, answer_to) for one in value]
    if isinstance(value, dict):
        return {name: filled(one, answer_to) for name, one in value.items()}
    return value


def _member(answer_to: AnswerTo, act_id: str, members: str) -> str:
    value = answer_to(act_id)
    for member in members.split("."):
        if value is None:
            raise Unanswered(act_id)
        value = value[int(member)] if isinstance(value, list) else value.get(member)
    if value is None:
        raise Unanswered(act_id)
    return str(value)
