"""The synthetic operator: performs acts over HTTP, each exactly once, however often it is started.

Every act is in the ledger before it is asked, and its POST carries the act's id as its
Idempotency-Key, so that asking again after a crash gives the first answer once more.
"""

import time
from typing import Any
from uuid import UUID

import httpx

from evenkeel_ops.issuer import DemoIssuer
from evenkeel_ops.simulator.act import Act, Filled, Unanswered
from evenkeel_ops.simulator.ledger import REFUSED_FROM, Ledger

PATIENCE_SECONDS = 5.0
PAUSE_SECONDS = 0.1
ATTEMPTS = 5
BUSY = (429, 503)


class Operator:
    """Staff and participants, as one client of the services' public interfaces."""

    def __init__(self, ledger: Ledger, issuer: DemoIssuer, address: str) -> None:
        self._ledger = ledger
        self._issuer = issuer
        self._client = httpx.Client(base_url=address, timeout=30)

    def close(self) -> None:
        self._client.close()

    def perform(self, act: Act) -> bool:
        """Ask for an act that was not answered yet. Returns whether it was granted now."""
        if self._ledger.is_done(act):
            return False
        try:
            asked = self._ledger.ask(act)
        except Unanswered as earlier:
            self._ledger.give_up(act, because_of=str(earlier))
            return False
        status, answer = self._ask_until_found(act, asked)
        tolerated = status >= REFUSED_FROM and answer.get("code") in act.tolerates
        self._ledger.answered(act, status, answer, tolerated=tolerated)
        return status < REFUSED_FROM

    def _ask_until_found(self, act: Act, asked: Filled) -> tuple[int, Any]:
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            status, answer = self._ask(act, asked)
            if act.finds is None or status >= REFUSED_FROM:
                return status, answer
            if found := self._about(act, answer[act.finds]):
                return status, found
            if time.monotonic() > until:
                return 404, {"code": "not_found_in_time"}
            time.sleep(PAUSE_SECONDS)

    def _about(self, act: Act, items: list[dict[str, Any]]) -> dict[str, Any] | None:
        """The last of these items that is about the act's participant."""
        referral = self._ledger.answer_to(f"referral-{act.about}")
        mine = [one for one in items if one["participant_id"] == referral["participant_id"]]
        return mine[-1] if mine else None

    def _ask(self, act: Act, asked: Filled) -> tuple[int, Any]:
        """One request, repeated while the service is too busy or did not answer."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                answer = self._request(act, asked)
            except httpx.TransportError:
                if attempt == ATTEMPTS:
                    raise
            else:
                if answer.status_code not in BUSY or attempt == ATTEMPTS:
                    return answer.status_code, answer.json() if answer.content else {}
            time.sleep(PAUSE_SECONDS * 2**attempt)
        raise AssertionError("the last attempt returns or raises")

    def _request(self, act: Act, asked: Filled) -> httpx.Response:
        token = self._issuer.token(act.role, UUID(asked.person), [UUID(act.clinic_id)])
        headers = {"Authorization": f"Bearer {token}"}
        if act.method == "POST":
            headers["Idempotency-Key"] = act.id
        return self._client.request(act.method, asked.path, headers=headers, json=asked.body)
