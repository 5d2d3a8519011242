"""What one service asks of another by itself: its log, and the details it owns.

Two ways: over HTTP with the service's own key, or, where all services share a process, directly.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol
from uuid import UUID

import httpx

from chassis import log
from chassis.log import Page
from chassis.message import PREFIX, Message, from_headers, headers_of
from chassis.refusals import NotFound

TIMEOUT = httpx.Timeout(5.0, connect=1.0)


class PeerUnreachable(Exception):
    """The other service did not answer as it should. What it wanted is asked again later."""


class Peers(Protocol):
    """The other services of the house."""

    def log(self, source: str, lane: str, after: int, streams: Collection[str]) -> Page:
        """What follows a position of another service's lane. Raises as `details` does."""
        ...

    def details(self, owner: str, person_id: UUID) -> tuple[int, dict[str, Any]]:
        """Version and content of somebody's details. Raises PeerUnreachable or NotFound."""
        ...


class HttpPeers:
    """Peers at their addresses, `{service: base URL}`; `token()` proves who asks."""

    def __init__(self, addresses: Mapping[str, str], token: Callable[[], str]) -> None:
        self._addresses = addresses
        self._token = token
        self._client = httpx.Client(timeout=TIMEOUT)

    def log(self, source: str, lane: str, after: int, streams: Collection[str]) -> Page:
        asked = {"lane": lane, "after": after, "streams": ",".join(sorted(streams))}
        return self._get(source, f"/{source}/log", asked, page_of)

    def details(self, owner: str, person_id: UUID) -> tuple[int, dict[str, Any]]:
        path = f"/{owner}/details/{person_id}"
        return self._get(owner, path, {}, lambda answer: (answer["version"], answer["content"]))

    def _get(
        self, service: str, path: str, query: dict[str, Any], read: Callable[[Any], Any]
    ) -> Any:
        """What `read` makes of the answer. One that is not found may belong to a service that
        is just starting."""
        try:
            answer = self._client.get(
                self._addresses[service] + path,
                params=query,
                headers={"Authorization": f"Bearer {self._token()}"},
            )
            if answer.status_code == 404:
                raise NotFound(path.split("/")[2], service=service)
            answer.raise_for_status()
            return read(answer.json())
        except (httpx.HTTPError, ValueError, LookupError, TypeError) as failure:
            raise PeerUnreachable(f"{service}: {type(failure).__name__}") from failure


class NeighbourPeers:
    """Peers in this very process: `{service: runtime}`, filled as the services start."""

    def __init__(self, asking: str, runtimes: Mapping[str, Any]) -> None:
        self._asking = asking
        self._runtimes = runtimes

    def log(self, source: str, lane: str, after: int, streams: Collection[str]) -> Page:
        with self._runtime(source).database.work() as session:
            return log.read(session, lane, after, streams)

    def details(self, owner: str, person_id: UUID) -> tuple[int, dict[str, Any]]:
        runtime = self._runtime(owner)
        with runtime.database.work() as session:
            return runtime.hand_out(session, person_id, to=self._asking)

    def _runtime(self, service: str) -> Any:
        try:
            return self._runtimes[service]
        except KeyError:
            raise PeerUnreachable(f"{service}: not started") from None


def answer_of(page: Page) -> dict[str, Any]:
    """A page of the log as JSON: CloudEvents attributes with their data."""
    events = [
        {
            **{name.removeprefix(PREFIX): value for name, value in headers_of(m).items()},
            "datacontenttype": "application/json",
            "data": m.body.decode(),
        }
        for m in page.messages
    ]
    return {"epoch": page.epoch, "upto": page.upto, "events": events}


def page_of(answer: dict[str, Any]) -> Page:
    """The page that `answer_of` wrote."""
    messages = [_message_of(event) for event in answer["events"]]
    return Page(answer["epoch"], answer["upto"], messages)


def _message_of(event: dict[str, str]) -> Message:
    headers = {PREFIX + name: value for name, value in event.items()}
    return from_headers(headers, event["data"].encode())
