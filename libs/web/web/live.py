"""Live fragments: one stream a service that pushes parts of pages whenever they change.

The only place that answers `text/event-stream`. A fragment is looked at anew four times a second
while somebody watches, whichever process changed what it shows; its whole is sent, so that nothing
need be caught up: the first message of a connection is no other than one after a client was slow.
"""

import hashlib
import json
import time
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import eventlet
from eventlet.queue import Empty, Full, LightQueue
from werkzeug.exceptions import NotFound
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from catalogue.codec import instant
from chassis.logs import log, where
from web.browsers import Cookies, Visitor, visitor_of
from web.callers import Caller
from web.problems import Problem

if TYPE_CHECKING:
    from web.pages import Page

EVENT_STREAM = "text/event-stream"
AT_ONCE = "eventlet.minimum_write_chunk_size"
"""eventlet gathers what is smaller into one block, which arrives when the stream has ended."""

BEAT_SECONDS = 5.0
LOOK_SECONDS = 0.25
QUEUED = 100
STREAMS = 300
STREAMS_OF_A_BROWSER = 2
RETRY = b"retry: 1000\n\n"
ELSEWHERE = b"event: elsewhere\ndata: another page of this browser took over\n\n"


@dataclass(eq=False)
class Topic:
    """One live fragment, as everybody of a role sees it in the same clinics, or one person."""

    page: "Page"
    path: dict[str, Any]
    caller: Caller
    html: str
    looked_at: float
    clients: set["Client"] = field(default_factory=set)
    is_watched: bool = False

    @property
    def key(self) -> Any:
        """What makes it the same for everybody who watches it."""
        return (
            self.page.path, *self.path.values(), self.caller.role, self.caller.clinics,
            self.caller.person_id,
        )  # fmt: skip

    @property
    def whole(self) -> bytes:
        """The whole fragment as a message; the same content has the same id everywhere."""
        lines = "".join(f"data: {line}\n" for line in self.html.splitlines())
        return f"id: {hashlib.sha256(self.html.encode()).hexdigest()[:16]}\n{lines}\n".encode()


@dataclass(eq=False)
class Client:
    """Who watches. What is sent waits in a bounded queue; None ends the stream."""

    browser: str
    until: int
    topics: list[Topic]
    queue: Any = field(default_factory=lambda: LightQueue(QUEUED))

    def send(self, message: bytes | None) -> None:
        """Queue a message; who is too slow gets the whole instead of what was missed."""
        try:
            self.queue.put_nowait(message)
        except Full:
            while not self.queue.empty():
                self.queue.get_nowait()
            for whole in (*(topic.whole for topic in self.topics), message):
                self.queue.put_nowait(whole)


def streams(config: Any, routes: Iterable[Any]) -> list["Stream"]:
    """The stream of a service that has something live."""
    live = [route for route in routes if getattr(route, "live", False)]
    return [Stream(config, live)] if live else []


class Stream:
    """`/<service>/stream?of=cases,case/<id>`: live fragments by what follows `/fragments/`."""

    def __init__(self, config: Any, pages: list["Page"]) -> None:
        self._config = config
        self._fragments = Map([Rule(page.path, endpoint=page) for page in pages]).bind("")
        self._topics: dict[Any, Topic] = {}
        self._clients: list[Client] = []
        self._cookies = Cookies(config["runtime"].environment)
        config["front"].at_stop(self.close)

    def rule(self, service: str) -> Rule:
        return Rule(f"/{service}/stream", methods=["GET"], endpoint=self)

    def answer(self, request: Request, _path: dict[str, Any], correlation_id: UUID) -> Response:
        """Everything is looked at before the first byte, so that a refusal has its status."""
        visitor = visitor_of(request, self._config["callers"], self._cookies)
        named = [self._named(name, visitor) for name in request.args.get("of", "").split(",")]
        self._make_room(visitor)
        topics = [self._topic(page, path, visitor.caller, correlation_id) for page, path in named]
        request.environ[AT_ONCE] = 1
        told = self.messages(Client(visitor.token, visitor.until, topics))
        return Response(told, content_type=EVENT_STREAM, headers={"X-Accel-Buffering": "no"})

    def refused(self, problem: Problem, _request: Request, correlation_id: UUID) -> Response:
        return problem.response(correlation_id)

    def messages(self, client: Client) -> Generator[bytes]:
        """What a client is told: the whole, then each change, and a beat every five seconds."""
        self._clients.append(client)
        for topic in client.topics:
            topic.clients.add(client)
            if not topic.is_watched:
                topic.is_watched = True
                eventlet.spawn_n(self._watch, topic)
        try:
            yield RETRY
            yield b"".join(topic.whole for topic in client.topics) + self._beat(client)
            yield from self._later(client)
        finally:
            self._left(client)

    def _later(self, client: Client) -> Iterator[bytes]:
        beat_at = time.monotonic() + BEAT_SECONDS
        while time.time() < client.until:
            try:
                message = client.queue.get(timeout=max(beat_at - time.monotonic(), 0.001))
            except Empty:
                beat_at = time.monotonic() + BEAT_SECONDS
                message = self._beat(client)
            if message is None:
                return
            yield message

    def _left(self, client: Client) -> None:
        self._clients = [one for one in self._clients if one is not client]
        for topic in client.topics:
            topic.clients.discard(client)

    def close(self) -> None:
        """End every stream: the process stops, and browsers find another."""
        for client in self._clients:
            client.send(None)

    def _named(self, name: str, visitor: Visitor) -> tuple["Page", dict[str, Any]]:
        if not visitor.token:
            raise Problem(401, "not_signed_in")
        try:
            service = self._config["runtime"].service
            page, path = self._fragments.match(f"/{service}/fragments/{name}")
        except NotFound:
            raise Problem(404, "not_found") from None
        if visitor.caller.role not in page.allow:
            raise Problem(403, "role_not_allowed", facts={"allowed": list(page.allow)})
        return page, dict(path)

    def _make_room(self, visitor: Visitor) -> None:
        """A browser's newest pages have its streams; who is told so asks by itself instead."""
        own = [client for client in self._clients if client.browser == visitor.token]
        for oldest in own[: len(own) - STREAMS_OF_A_BROWSER + 1]:
            oldest.send(ELSEWHERE)
            oldest.send(None)
            self._left(oldest)
        if len(self._clients) >= STREAMS:
            raise Problem(503, "too_many_streams", headers={"Retry-After": "30"})

    def _topic(
        self, page: "Page", path: dict[str, Any], caller: Caller, correlation_id: UUID
    ) -> Topic:
        """The topic, looked at by who comes, so that it is in the audit that they did."""
        caller = page.watched_by(caller)
        html = page.looked_at(caller, correlation_id, path)
        topic = Topic(page, path, replace(caller, id="live"), html, time.monotonic())
        topic = self._topics.setdefault(topic.key, topic)
        self._looked(topic, html)
        return topic

    def _watch(self, topic: Topic) -> None:
        """Look again and again for as long as somebody watches."""
        lost = ""
        eventlet.sleep(LOOK_SECONDS)
        while topic.clients:
            try:
                html = topic.page.looked_at(topic.caller, uuid4(), topic.path, audited=False)
            except Exception as failure:  # noqa: BLE001 - whoever watches sees that it grows old
                if lost != (lost := where(failure)):
                    log.warning("fragment_lost", route=topic.page.path, error=lost)
            else:
                lost = ""
                self._looked(topic, html)
            eventlet.sleep(LOOK_SECONDS)
        topic.is_watched = False
        self._topics.pop(topic.key, None)

    def _looked(self, topic: Topic, html: str) -> None:
        topic.looked_at = time.monotonic()
        if html != topic.html:
            topic.html = html
            for client in topic.clients:
                client.send(topic.whole)

    def _beat(self, client: Client) -> bytes:
        """The service's time, and how old what was sent may be."""
        oldest = min(topic.looked_at for topic in client.topics)
        told = {
            "now": instant(self._config["runtime"].clock.now()),
            "age": round(time.monotonic() - oldest, 1),
        }
        return f"event: beat\ndata: {json.dumps(told)}\n\n".encode()
