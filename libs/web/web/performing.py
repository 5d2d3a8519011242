"""A request as one transaction: run again when the database says so, and audited."""

import copy
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

import eventlet
import sqlalchemy as sa
from eventlet.event import Event
from werkzeug.wrappers import Response

from chassis.announce import uuid7
from chassis.database import Database, Session, retryable
from chassis.tables import reads
from web.answers import Answer, Repeatable, recall, remember
from web.call import Call
from web.callers import SERVICE, Caller
from web.problems import Problem

ATTEMPTS = 5
PATIENCE_SECONDS = 5.0
PAUSE_SECONDS = 0.02
NO_CLINIC = UUID(int=0)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request that has been understood: all that its transaction needs to know."""

    operation: str
    caller: Caller
    body: Any = field(default_factory=dict)
    query: dict[str, Any] = field(default_factory=dict)
    path: dict[str, Any] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)
    transaction: bool = True
    across_clinics: bool = False
    audited: bool = False
    repeatable: Repeatable | None = None

    def call(self, db: Session | None) -> Call:
        """A fresh call, since a method that is run again must find what was sent."""
        return Call(
            caller=self.caller,
            db=cast(Session, db),
            body=copy.deepcopy(self.body),
            query=dict(self.query),
            path=self.path,
        )


class Errand:
    """A request on its way through a worker of nameko.

    Its outcome goes past nameko, which writes to the log what it sees raised, in full.
    """

    def __init__(self, runtime: Any, asked: Asked, answer_of: Callable[[Any], Any]) -> None:
        self.runtime = runtime
        self.asked = asked
        self._answer_of = answer_of
        self._outcome: Event = Event()

    def run(self, service: Any, method: Callable[..., Any]) -> None:
        """Do the work in this greenlet; the one that waits gets the outcome."""
        service.runtime = self.runtime
        outcome: Any = Problem(503, "unavailable", headers={"Retry-After": "1"})
        try:
            outcome = self._perform(lambda call: method(service, call, **call.path))
        except Exception as failure:  # noqa: BLE001 - wait() raises it where it is answered
            outcome = failure
        finally:
            self._outcome.send(outcome)

    def wait(self) -> Answer | Response:
        """The answer, once there is one. Raises what the work raised."""
        outcome = cast(Any, self._outcome.wait())
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def _perform(self, method: Callable[[Call], Any]) -> Answer | Response:
        """Run the transaction, again where that may help."""
        until = time.monotonic() + PATIENCE_SECONDS
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._attempt(method)
            except Exception as failure:
                if attempt == ATTEMPTS or time.monotonic() > until or not retryable(failure):
                    raise
            eventlet.sleep(random.uniform(0.5, 1.5) * PAUSE_SECONDS * 2**attempt)
        raise AssertionError("the last attempt returns or raises")

    def _attempt(self, method: Callable[[Call], Any]) -> Answer | Response:
        asked = self.asked
        if not asked.transaction:
            return self._answer_of(method(asked.call(None)))
        with _transaction(self.runtime.database, asked) as db:
            call = asked.call(db)
            earlier = recall(db, asked.repeatable) if asked.repeatable else None
            answer = earlier or self._answer_of(method(call))
            if asked.audited:
                _audit(call, asked, answer)
            if asked.repeatable and not earlier:
                remember(db, asked.repeatable, answer)
            return answer


@contextmanager
def _transaction(database: Database, asked: Asked) -> Iterator[Session]:
    """Services span clinics; everybody else sees their own only."""
    if asked.across_clinics or asked.caller.role == SERVICE:
        with database.work(**asked.about) as db:
            yield db
    else:
        with database.request(asked.caller.clinics, **asked.about) as db:
            yield db


def _audit(call: Call, asked: Asked, answer: Answer | Response) -> None:
    """One row for each clinic whose data may have been read."""
    sought = {name: value for name, value in asked.query.items() if _names_a_subject(name, value)}
    subject = ",".join(f"{name}={value}" for name, value in {**asked.path, **sought}.items())
    row = {
        "at": call.now,
        "by": call.by,
        "role": call.caller.role,
        "operation": asked.operation,
        "subject": subject[:96] or None,
    }
    rows = [{**row, "id": uuid7(), "clinic_id": clinic} for clinic in _read_of(call, answer)]
    call.db.connection().execute(sa.insert(reads), rows)


def _names_a_subject(name: str, value: Any) -> bool:
    """Whether a filter says whose or which; the clinic has a column of its own."""
    return isinstance(value, UUID) and name != "clinic_id"


def _read_of(call: Call, answer: Answer | Response) -> list[UUID]:
    """The clinic that was named, else that of the answer, else every one of the caller's."""
    if call.named_clinic_id:
        return [call.named_clinic_id]
    content = answer.content if isinstance(answer, Answer) else None
    if isinstance(content, dict) and content.get("clinic_id"):
        return [UUID(content["clinic_id"])]
    return sorted(call.caller.clinics) or [NO_CLINIC]
