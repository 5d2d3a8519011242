"""A clinic whose messages the browser's tests look at."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import UUID

import httpx

from evenkeel_ops.issuer import Somebody
from evenkeel_ops.keeper import PrivateDirectory
from evenkeel_ops.providers.running import providers
from tests.browser.conftest import HERE, Site

CLINIC = UUID("0190a000-0000-7000-8000-000000000001")
PARTICIPANT = Somebody(
    name="Participant 17", role="participant", id=UUID(int=17), clinics=(CLINIC,)
)
STAFF = Somebody(name="Clinician 1", role="clinician", id=UUID(int=11), clinics=(CLINIC,))


class Letterbox(Site):
    """Notifications behind its front, once its day has been lived through."""

    server, service = HERE / "messages_server.py", "notifications"

    def _answers(self) -> bool:
        with suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/ready").is_success
        return False


@contextmanager
def a_letterbox() -> Iterator[Letterbox]:
    private = PrivateDirectory("letterbox")
    with providers(private.path / "mail") as outside:
        os.environ["EVENKEEL_SMTP_URL"] = outside.smtp_url()
        os.environ["EVENKEEL_SMS_URL"] = outside.twilio_url()
        running = Letterbox(private.path)
        yield running
        running.kill()
    private.remove()
