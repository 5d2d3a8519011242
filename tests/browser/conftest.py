"""What the browser's tests may ask for: Debian's Chromium, and the lobby, a process of its own."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from evenkeel_ops.issuer import DemoIssuer
from evenkeel_ops.keeper import Kept, PrivateDirectory
from evenkeel_ops.machine import find, free_ports
from libs.web.tests.desk import NORTH
from libs.web.tests.lobby import PEOPLE

QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
HERE = Path(__file__).parent
START_SECONDS = 60
CLINICIAN, _, LEAD, PARTICIPANT = PEOPLE


class Site:
    """The lobby behind its front, and whoever wants something of it."""

    server, service = HERE / "server.py", "lobby"

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_ports(1)[0]
        self.url = f"http://127.0.0.1:{self.port}"
        self.issuer = DemoIssuer(directory / "issuer.pem")
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-P", str(self.server), str(self.port), str(self.directory)]
        self._server = Kept(command, self.directory / "server.log")
        self._server.until(self._answers, START_SECONDS)

    def stop(self, number: int = signal.SIGTERM) -> None:
        self._server.end(number, START_SECONDS)

    def kill(self) -> None:
        self._server.kill()

    def freeze(self, number: int = signal.SIGSTOP) -> None:
        """Have it answer nobody, without closing anything; SIGCONT has it go on."""
        os.kill(self._server.pid, number)

    def token(self, one: Any) -> str:
        return self.issuer.token(one.role, one.id, one.clinics)

    def arrive(self, kind: str = "B") -> str:
        """Somebody comes in, as another program says it. Returns the code they are known by."""
        code = f"{kind}{uuid4().hex[:6].upper()}"
        token = self.issuer.token("clinician", UUID(int=9), [NORTH])
        headers = {"Authorization": f"Bearer {token}"}
        url = f"{self.url}/lobby/arrivals"
        httpx.post(url, json={"code": code}, headers=headers).raise_for_status()
        return code

    def _answers(self) -> bool:
        with suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/{self.service}/health").is_success
        return False


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        program = str(find("chromium"))
        chromium = playwright.chromium.launch(executable_path=program, args=[*QUIET])
        yield chromium
        chromium.close()


@contextmanager
def a_site() -> Iterator[Site]:
    private = PrivateDirectory("browser")
    running = Site(private.path)
    yield running
    running.kill()
    private.remove()


@pytest.fixture(scope="session")
def site_of_all() -> Iterator[Site]:
    with a_site() as running:
        yield running


@pytest.fixture
def site(site_of_all: Site) -> Site:
    """The lobby; a module that stops it has a site of its own."""
    return site_of_all


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[Callable[..., Any]]:
    """`visit(CLINICIAN)` is a context of the browser in which somebody is signed in.

    Whatever its pages say on the console, and whatever they ask of another host, fails the test.
    """
    complaints: list[str] = []
    contexts: list[BrowserContext] = []

    def come(one: Any = None, *, minds: bool = True, **options: Any) -> BrowserContext:
        context = browser.new_context(base_url=site.url, **options)
        contexts.append(context)
        context.set_default_timeout(15_000)
        if one is not None:
            cookie = {"name": "evenkeel-signed-in", "value": site.token(one), "url": site.url}
            context.add_cookies([cookie])
        context.on("request", lambda asked: _must_be_ours(asked.url, site.url, complaints))
        if minds:
            context.on("console", lambda said: _must_be_no_error(said, complaints))
            context.on("weberror", lambda error: complaints.append(str(error.error)))
        return context

    yield come
    for context in contexts:
        context.close()
    assert complaints == []


def _must_be_ours(url: str, ours: str, complaints: list[str]) -> None:
    if not url.startswith(ours):
        complaints.append(f"asked {url}")


def _must_be_no_error(said: Any, complaints: list[str]) -> None:
    if said.type in ("error", "warning"):
        complaints.append(f"{said.type}: {said.text}")


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What is inside takes no longer."""
    began = time.monotonic()
    yield
    took = time.monotonic() - began
    assert took < seconds, f"took {took:.2f} s"


def open_page(context: BrowserContext, path: str) -> Page:
    page = context.new_page()
    page.goto(path)
    return page
