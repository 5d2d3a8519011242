"""A clinic with people on call, whose cases the browser's tests open and watch."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID

import httpx

from evenkeel_ops.issuer import Somebody
from evenkeel_ops.keeper import PrivateDirectory
from evenkeel_ops.providers.running import providers
from tests.browser.conftest import HERE, Site
from tests.browser.staff import CARED_FOR, NORTH, ON_CALL


class Crisis(Site):
    """Crisis behind its front, seen by programs; people have a browser."""

    server, service = HERE / "clinic_server.py", "crisis"
    _next = iter(CARED_FOR)

    def opens(self, tier: str = "T1", trigger: str = "facilitator_panic") -> dict[str, Any]:
        """A case for somebody who has none."""
        body = {
            "clinic_id": str(NORTH), "participant_id": str(UUID(int=next(self._next))),
            "tier": tier, "trigger": trigger,
        }  # fmt: skip
        return self.ask("/crisis/cases", ON_CALL, body)

    def says(self, case: dict[str, Any], what: str, one: Somebody = ON_CALL, **body: Any) -> None:
        """Somebody says something about a case, not at the board."""
        self.ask(f"/crisis/cases/{case['case_id']}/{what}", one, body)

    def ask(self, path: str, one: Somebody, body: dict[str, Any]) -> Any:
        headers = {"Authorization": f"Bearer {self.token(one)}"}
        answer = httpx.post(f"{self.url}{path}", json=body, headers=headers, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def later(self, seconds: float) -> None:
        """Move the clinic's clock."""
        url = f"{self.url}/clock/forward"
        httpx.post(url, params={"seconds": seconds}, timeout=60).raise_for_status()

    def _answers(self) -> bool:
        """Its clock is there once its people are."""
        with suppress(httpx.HTTPError):
            return httpx.post(f"{self.url}/clock/forward", params={"seconds": 0}).is_success
        return False


@contextmanager
def a_clinic() -> Iterator[Crisis]:
    private = PrivateDirectory("clinic")
    with providers(private.path / "mail") as mail:
        os.environ["EVENKEEL_SMTP_URL"] = mail.smtp_url()
        running = Crisis(private.path)
        yield running
        running.kill()
    private.remove()
