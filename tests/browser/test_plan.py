"""The safety plan and the packet as people meet them: offline, on paper, on a small screen."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from evenkeel_ops.issuer import DemoIssuer
from evenkeel_ops.keeper import Kept, PrivateDirectory
from evenkeel_ops.machine import free_ports
from tests.browser.conftest import START_SECONDS, open_page
from tests.browser.people import ANN, CASE_FILE, CLINICIAN, NORTH
from tests.browser.test_access import faults

SERVER = Path(__file__).with_name("plan_server.py")
MINE = "What helps me, alone."


class Clinic:
    """Crisis, and whoever looks at it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_ports(1)[0]
        self.url = f"http://127.0.0.1:{self.port}"
        self.issuer = DemoIssuer(directory / "issuer.pem")
        command = [sys.executable, "-P", str(SERVER), str(self.port), str(directory)]
        self._server = Kept(command, directory / "server.log")
        self._server.until(self._answers, 4 * START_SECONDS)

    @property
    def packet(self) -> str:
        return f"/crisis/cases/{(self.directory / CASE_FILE).read_text()}/packet"

    def stop(self) -> None:
        self._server.end(signal.SIGTERM, START_SECONDS)

    def _answers(self) -> bool:
        with suppress(httpx.HTTPError):
            answers = httpx.get(f"{self.url}/crisis/health").is_success
            return answers and (self.directory / CASE_FILE).exists()
        return False


@pytest.fixture(scope="module")
def clinic() -> Iterator[Clinic]:
    private = PrivateDirectory("plan")
    running = Clinic(private.path)
    yield running
    running.stop()
    private.remove()


@pytest.fixture
def signed_in(browser: Browser, clinic: Clinic) -> Iterator[Callable[..., BrowserContext]]:
    """`signed_in("participant")` is a context of Ann's, `signed_in("clinician")` of a clinician."""
    contexts: list[BrowserContext] = []

    def come(role: str, **options) -> BrowserContext:
        context = browser.new_context(base_url=clinic.url, **options)
        context.set_default_timeout(20_000)
        contexts.append(context)
        person = ANN if role == "participant" else CLINICIAN
        token = clinic.issuer.token(role, person, [NORTH])
        cookie = {"name": "evenkeel-signed-in", "value": token, "url": clinic.url}
        context.add_cookies([cookie])  # pyright: ignore[reportArgumentType]
        return context

    yield come
    for context in contexts:
        context.close()


def keep(page: Page) -> None:
    page.get_by_role("button", name="Keep it on this phone").click()
    expect(page.get_by_text("Your plan is kept on this phone.")).to_be_visible()


def test_a_plan_that_is_kept_opens_with_the_network_off(signed_in):
    context = signed_in("participant")
    page = open_page(context, "/crisis/plan")
    expect(page.get_by_text(MINE)).to_be_visible()
    keep(page)
    context.set_offline(True)
    page.goto("/crisis/plan")
    expect(page.get_by_text(MINE)).to_be_visible()
    expect(page.get_by_role("link", name="Call 988")).to_have_attribute("href", "tel:988")
    assert page.evaluate("document.styleSheets[0].cssRules.length") > 0
    context.set_offline(False)
    page.goto("/crisis/plan")
    page.get_by_role("button", name="Take it off this phone").click()
    expect(page.get_by_text("Your plan is no longer on this phone.")).to_be_visible()
    context.set_offline(True)
    with pytest.raises(Exception, match="ERR_INTERNET_DISCONNECTED"):
        page.goto("/crisis/plan")


def test_a_plan_stays_on_no_phone_that_was_not_asked(signed_in):
    context = signed_in("participant")
    page = open_page(context, "/crisis/plan")
    expect(page.get_by_role("button", name="Keep it on this phone")).to_be_visible()
    context.set_offline(True)
    with pytest.raises(Exception, match="ERR_INTERNET_DISCONNECTED"):
        page.goto("/crisis/plan")


def test_without_javascript_the_plan_is_read_and_nothing_is_offered_that_cannot_work(signed_in):
    page = open_page(signed_in("participant", java_script_enabled=False), "/crisis/plan")
    expect(page.get_by_text(MINE)).to_be_visible()
    expect(page.get_by_role("button", name="Keep it on this phone")).to_be_hidden()
    page = open_page(
        signed_in("clinician", java_script_enabled=False), f"/crisis/participants/{ANN}/plan"
    )
    expect(page.get_by_label("What I live for")).to_have_value("What helps me, reasons.")


def pages_of(clinic: Clinic) -> list[tuple[str, str]]:
    return [
        ("participant", "/crisis/plan"),
        ("clinician", f"/crisis/participants/{ANN}/plan"),
        ("clinician", clinic.packet),
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(signed_in, clinic, scheme, tmp_path):
    options = {"bypass_csp": True, "color_scheme": scheme}
    for number, (role, path) in enumerate(pages_of(clinic)):
        for width in (320, 1280):
            context = signed_in(role, viewport={"width": width, "height": 640}, **options)
            page = open_page(context, path)
            assert faults(page) == [], (path, width)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
            page.screenshot(path=tmp_path / f"{number}-{scheme}-{width}.png", full_page=True)


def test_a_packet_is_printed_whole(signed_in, clinic):
    page = open_page(signed_in("clinician"), clinic.packet)
    page.emulate_media(media="print")
    for told in ("Ann Example", "+1 212 555 0199", "Bo Example", "What helps me, space."):
        expect(page.get_by_text(told, exact=False).first).to_be_visible()
