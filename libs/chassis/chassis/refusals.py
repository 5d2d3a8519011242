"""What a noun says when it cannot do as asked. Facts, not sentences: HTTP words are added once,
in the web library."""

from typing import Any


class Refused(Exception):
    """Base of all refusals. `code` is stable and machine-readable; `facts` hold ids and codes."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


class NotFound(Refused):
    """There is no such thing, or not in a clinic that the caller may see."""


class Conflict(Refused):
    """The thing is there, but its state, a capacity or another booking stands against it."""


class Invalid(Refused):
    """The request is well-formed but wrong. `fields` maps field to a list of messages."""

    def __init__(self, **fields: list[str] | str) -> None:
        super().__init__("invalid")
        self.fields = {k: [v] if isinstance(v, str) else v for k, v in fields.items()}


class Forbidden(Refused):
    """The caller is known but may not do this."""
