"""One call of a route: who asks for what, and the transaction in which it is done."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.database import Session
from chassis.refusals import Forbidden, Invalid
from web.callers import SERVICE, Caller


@dataclass(frozen=True, kw_only=True)
class Call:
    """What a route's method is handed. `body` and `query` are what their schemas loaded.

    Raises Forbidden when it names a clinic that is not the caller's.
    """

    caller: Caller
    db: Session
    body: dict[str, Any] = field(default_factory=dict)
    query: dict[str, Any] = field(default_factory=dict)
    path: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        named = self.named_clinic_id
        if named and self.caller.role != SERVICE and named not in self.caller.clinics:
            raise Forbidden("other_clinic")

    @property
    def now(self) -> datetime:
        """The instant of the transaction."""
        return self.db.now

    @property
    def by(self) -> str:
        """Who writes, for `by=`."""
        return self.caller.by

    @property
    def clinic_id(self) -> UUID:
        """The clinic this call is about: the one it names, else the caller's only one.

        Raises Invalid when it must be named.
        """
        named = self.named_clinic_id
        if named is None and len(self.caller.clinics) == 1:
            return next(iter(self.caller.clinics))
        if named is None:
            raise Invalid(clinic_id="Name one clinic.")
        return named

    @property
    def named_clinic_id(self) -> UUID | None:
        """The `clinic_id` of body, query or path."""
        for given in (self.body, self.query, self.path):
            if isinstance(given, dict) and isinstance(given.get("clinic_id"), UUID):
                return given["clinic_id"]
        return None
