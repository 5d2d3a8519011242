"""Receive: a batch of messages becomes committed effects, each exactly once, each in its turn.

In one transaction: lock the cursors of the batch's subjects, drop what is at or below them, handle
the rest in order, move the cursors. An event that is early waits; one whose handler fails is
parked; both are rows, later events of the same subject queue behind them, and every other
subject goes on. Handlers change their own tables, announce or set timers, and nothing else, so a
batch that was rolled back is safe to run again.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import eventlet
from sqlalchemy.exc import SQLAlchemyError

from catalogue.codec import InvalidBody, decode
from catalogue.event import REGISTRY, Event, UndeclaredEvent
from chassis import aside, cursor
from chassis.crash_points import reached
from chassis.cursor import Cursor
from chassis.database import Database, Session, retryable
from chassis.logs import log, where
from chassis.message import Message
from chassis.metrics import CONSUMED, DELIVERY

RETRY_SECONDS = (0.05, 0.2, 1.0, 3.0)

Prepare = Callable[[Session, Sequence[Any]], None]


@dataclass(frozen=True)
class Work:
    """What a handler is given besides its event: the transaction, the instant, the message."""

    db: Session
    message: Message

    @property
    def now(self) -> datetime:
        return self.db.now


Handler = Callable[[Work, Any], None]
Culprits = dict[UUID, aside.Reason]


@dataclass
class Handlers:
    """What a service does at each event it hears; an event nobody handles just moves its cursor."""

    by_type: dict[str, Handler] = field(default_factory=dict)
    prepare: dict[str, Prepare] = field(default_factory=dict)


class HandlerFailed(Exception):
    """A handler raised: the batch must be run again with its message set aside."""

    def __init__(self, message: Message, cause: Exception) -> None:
        super().__init__(message.type)
        self.message = message
        self.cause = cause


class Receiver:
    """The receive step of one service and lane."""

    def __init__(self, database: Database, handlers: Handlers, lane: str) -> None:
        self.database = database
        self.handlers = handlers
        self.lane = lane
        self.on_gap: Callable[[], None] = lambda: None

    def receive(self, messages: Sequence[Message]) -> None:
        """Return when every message is handled, waiting or parked, in committed rows.

        Survives a lost database by trying again for as long as it takes.
        """
        self._until_done(messages, {})

    def park(self, messages: Sequence[Message], reason: aside.Reason) -> None:
        """Set messages aside without trying them."""
        self._until_done(messages, {message.id: reason for message in messages})

    def park_malformed(self, headers: dict[str, Any], body: bytes, attribute: str) -> None:
        """Keep a message that cannot even say what it is about, for a human to look at."""

        def put() -> None:
            with self.database.work() as session:
                aside.put_malformed(session, self.lane, headers, body, attribute)

        _patiently(put)
        CONSUMED.labels(self.database.service, self.lane, "unknown", "parked").inc()

    def redo(self, message: Message, attempts: int = 0) -> bool:
        """Try a parked message once more. Returns whether it is handled now."""
        failed: Culprits = {}
        self._until_done([message], failed, redo=message.id, attempts=attempts)
        return message.id not in failed

    def _until_done(self, messages: Sequence[Message], culprits: Culprits, **retry: Any) -> None:
        alone = False
        while True:
            try:
                return _patiently(
                    lambda alone=alone: self._transact(messages, culprits, alone=alone, **retry)
                )
            except HandlerFailed as failed:
                self._blame(culprits, failed.message, failed.cause)
            except SQLAlchemyError as failure:
                if len(messages) > 1:
                    return self._halve(messages, culprits)
                if alone:
                    self._blame(culprits, messages[0], failure)
                alone = True

    def _blame(self, culprits: Culprits, message: Message, cause: Exception) -> None:
        culprits[message.id] = aside.handler_failed(cause)
        log.warning(
            "handler_failed",
            service=self.database.service,
            type=message.type,
            event_id=str(message.id),
            error=where(cause),
        )

    def _halve(self, messages: Sequence[Message], culprits: Culprits) -> None:
        """A flush or commit failed and named nobody: find the culprit by halves, in order."""
        middle = len(messages) // 2
        self._until_done(messages[:middle], culprits)
        self._until_done(messages[middle:], culprits)

    def _transact(self, messages: Sequence[Message], culprits: Culprits, **retry: Any) -> None:
        with self.database.work() as session:
            step = _Step(session, self, culprits, **retry)
            step.run(messages)
            reached("receive.before_commit")
        reached("receive.after_commit")
        step.count()
        if step.gap:
            self.on_gap()


def _patiently(step: Callable[[], None]) -> None:
    """Do a step, again for as long as the database asks for that."""
    failures = 0
    while True:
        try:
            return step()
        except SQLAlchemyError as failure:
            if not retryable(failure):
                raise
            eventlet.sleep(RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)])
            failures += 1


class _Step:
    """One transaction of the receive step. `alone` leaves what waits behind it for another, so
    that nobody is blamed for a successor."""

    def __init__(
        self,
        session: Session,
        receiver: Receiver,
        culprits: Culprits,
        redo: UUID | None = None,
        attempts: int = 0,
        alone: bool = False,
    ) -> None:
        self.session = session
        self.receiver = receiver
        self.culprits = culprits
        self.redo = redo
        self.attempts = attempts
        self.alone = alone
        self.states: dict[UUID, str] = {}
        self.to_set_aside: list[dict[str, Any]] = []
        self.to_take_away: list[UUID] = []
        self.outcomes: list[tuple[Message, str]] = []
        self.gap = False

    def run(self, messages: Sequence[Message]) -> None:
        cursors = cursor.lock(self.session, messages)
        held = [at for at in cursors.values() if at.set_aside]
        queues = self._in_turn(messages, held)
        ready = [one for key, queue in queues.items() for one in self._ready(cursors[key], queue)]
        self._prepare(event for _, event in ready)
        for message, event in ready:
            self._handle(message, event)
        self.session.flush()
        aside.put(self.session, self.to_set_aside)
        aside.take_away(self.session, self.to_take_away, held)
        cursor.move(self.session, cursors.values())

    def _in_turn(
        self, messages: Sequence[Message], held: Sequence[Cursor]
    ) -> dict[cursor.Key, list[Message]]:
        """Each subject's messages by version, those that were set aside before included."""
        all_by_id = {message.id: message for message in messages}
        for state, message in aside.behind(self.session, held) if held else ():
            self.states[message.id] = state
            if state == "waiting" and not self.alone:
                all_by_id[message.id] = message
        queues: dict[cursor.Key, list[Message]] = defaultdict(list)
        for message in all_by_id.values():
            queues[cursor.key_of(message)].append(message)
        for queue in queues.values():
            queue.sort(key=lambda message: message.version)
        return queues

    def _ready(self, at: Cursor, queue: Iterable[Message]) -> list[tuple[Message, Event | None]]:
        """What of one subject is handled now; moves the cursor past it, sets the rest aside."""
        ready: list[tuple[Message, Event | None]] = []
        for message in queue:
            if at.has(message) and (at.accepts(message) or at.remembers(message)):
                self._drop(message)
            elif self.states.get(message.id) == "parked" and message.id != self.redo:
                self.outcomes.append((message, "parked"))
            elif reason := self._refusal(at, message):
                self._set_aside(at, message, reason)
            else:
                event, reason = self._event_of(message)
                if reason:
                    self._set_aside(at, message, reason)
                else:
                    at.move_to(message)
                    ready.append((message, event))
        return ready

    def _refusal(self, at: Cursor, message: Message) -> aside.Reason | None:
        if message.id in self.culprits:
            return self.culprits[message.id]
        if not at.accepts(message):
            is_new = message.version > at.version
            return aside.NEW_EPOCH if is_new else aside.CONTRADICTING_ID
        if at.contradicts(message):
            return aside.CONTRADICTING_ID
        if at.clinic_id != message.clinic_id:
            return aside.OTHER_CLINIC
        if message.version > at.version + 1:
            self.gap = True
            return aside.WAITING
        return None

    def _event_of(self, message: Message) -> tuple[Event | None, aside.Reason | None]:
        """The decoded event, or None where the service has no handler for it."""
        if message.type not in REGISTRY:
            return None, aside.UNKNOWN_TYPE
        if message.type not in self.receiver.handlers.by_type:
            return None, None
        try:
            event = decode(message.type, message.body)
        except (InvalidBody, UndeclaredEvent):
            return None, aside.INVALID_BODY
        if event.subject != message.subject or event.clinic_id != message.clinic_id:
            return None, aside.OTHER_CLINIC
        return event, None

    def _prepare(self, events: Iterable[Event | None]) -> None:
        by_type: dict[str, list[Event]] = defaultdict(list)
        for event in events:
            if event is not None:
                by_type[event.type].append(event)
        for type_, same in by_type.items():
            if prepare := self.receiver.handlers.prepare.get(type_):
                prepare(self.session, same)

    def _handle(self, message: Message, event: Event | None) -> None:
        if event is not None:
            self.session.info.update(
                correlation_id=message.correlation_id,
                causation_id=message.id,
                traceparent=message.traceparent,
                synthetic=message.synthetic,
            )
            handler = self.receiver.handlers.by_type[message.type]
            try:
                handler(Work(self.session, message), event)
            except SQLAlchemyError:
                raise
            except Exception as failure:
                raise HandlerFailed(message, failure) from failure
        self._drop(message, "ok" if event is not None else "unheard")

    def _drop(self, message: Message, outcome: str = "duplicate") -> None:
        """Nothing is left to do about a message."""
        if message.id in self.states:
            self.to_take_away.append(message.id)
        self.outcomes.append((message, outcome))

    def _set_aside(self, at: Cursor, message: Message, reason: aside.Reason) -> None:
        at.set_aside = True
        if reason is not aside.WAITING or message.id not in self.states:
            lane = self.receiver.lane
            now = self.session.now
            self.to_set_aside.append(aside.row(message, lane, reason, now, self.attempts))
        self.outcomes.append((message, "waiting" if reason is aside.WAITING else "parked"))

    def count(self) -> None:
        """Count what became of the messages, once it is committed."""
        service, lane = self.receiver.database.service, self.receiver.lane
        counted = Counter((message.type, outcome) for message, outcome in self.outcomes)
        for (type_, outcome), count in counted.items():
            known = type_ if type_ in REGISTRY else "unknown"
            CONSUMED.labels(service, lane, known, outcome).inc(count)
        delivery = DELIVERY.labels(service, lane)
        for message, outcome in self.outcomes:
            if outcome == "ok":
                late = (self.session.now - message.time).total_seconds()
                delivery.observe(max(0.0, late))
