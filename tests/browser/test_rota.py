"""The rota's screens bar nobody, and a rota is changed and tried without a script."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from evenkeel_ops.issuer import DemoIssuer
from evenkeel_ops.keeper import Kept, PrivateDirectory
from evenkeel_ops.machine import free_ports
from libs.web.tests.desk import NORTH
from tests.browser.conftest import LEAD, open_page
from tests.browser.test_access import faults

SERVER = Path(__file__).with_name("rota_server.py")
START_SECONDS = 60
HOME = f"/crisis/rota/{NORTH}"
PAGES = [
    "/crisis/rota", HOME, f"{HOME}/overrides", f"{HOME}/draft", f"{HOME}/draft/1/1",
    f"{HOME}/draft/policy", f"{HOME}/draft/rehearsal", f"{HOME}/drill", f"{HOME}/people",
    f"{HOME}/load",
]  # fmt: skip


class Crisis:
    """Crisis with one clinic, for whoever has a browser."""

    def __init__(self, directory: Path) -> None:
        port = str(free_ports(1)[0])
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-P", str(SERVER), port, str(directory)]
        self.server = Kept(command, directory / "server.log")
        self.server.until((directory / "opened").exists, START_SECONDS)
        self._issuer = DemoIssuer(directory / "issuer.pem")

    def token(self, one: Any) -> str:
        return self._issuer.token(one.role, one.id, one.clinics)


@pytest.fixture(scope="module")
def site() -> Iterator[Crisis]:
    private = PrivateDirectory("rota")
    crisis = Crisis(private.path)
    yield crisis
    crisis.server.kill()
    private.remove()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_screen(visit, scheme):
    context = visit(LEAD, bypass_csp=True, color_scheme=scheme, minds=False)
    assert {path: found for path in PAGES if (found := faults(open_page(context, path)))} == {}


def test_no_screen_scrolls_sideways_at_320_pixels(visit):
    context = visit(LEAD, viewport={"width": 320, "height": 640}, minds=False)
    width = "document.documentElement.scrollWidth"
    assert {path: open_page(context, path).evaluate(width) for path in PAGES} == dict.fromkeys(
        PAGES, 320
    )


def test_the_picture_says_in_words_what_it_shows(visit):
    page = open_page(visit(LEAD), HOME)
    expect(page.get_by_role("img", name="Each rung from Monday 23 November on")).to_be_visible()
    page.get_by_text("This week in words").click()
    row = page.get_by_role("row").filter(has_text="Mon 23 Nov 2026 08:00")
    expect(row.first).to_contain_text("Clinician")


@pytest.mark.parametrize("scripts", [True, False])
def test_a_gap_is_made_named_and_mended_by_keyboard_and_without_a_script(visit, scripts):
    """Planted fault: a rota that ends is published."""
    page = open_page(visit(LEAD, java_script_enabled=scripts, minds=False), f"{HOME}/draft/1/1")
    page.get_by_label("Last day").fill("2027-06-30")
    page.get_by_role("button", name="Save in the draft").press("Enter")
    gap = page.get_by_role("region", name="This rota would leave somebody unanswered")
    expect(gap).to_contain_text("Rung 1: nobody is on call from Thu 01 Jul 2027 08:00")
    expect(page.get_by_role("button", name="Publish")).to_have_count(0)
    page.get_by_role("link", name="Change rotation 1 of rung 1").press("Enter")
    page.get_by_label("Last day").fill("")
    page.get_by_role("button", name="Save in the draft").press("Enter")
    expect(gap).to_have_count(0)
    page.get_by_role("button", name="Publish").press("Enter")
    expect(page.get_by_role("heading", name="Who is on call")).to_be_visible()


def test_a_test_page_and_a_drill_are_begun_with_a_button(visit):
    page = open_page(visit(LEAD), f"{HOME}/people")
    page.get_by_role("button", name="Send a test page to Clinician 3").click()
    row = page.get_by_role("row").filter(has_text="Clinician 3")
    expect(row).to_contain_text("under way")
    page = open_page(visit(LEAD), f"{HOME}/drill")
    page.get_by_label("T2, urgent").check()
    page.get_by_role("button", name="Begin the drill now").click()
    expect(page.get_by_role("row").filter(has_text="on call, T2")).to_contain_text("under way")


def test_what_is_wrong_with_a_policy_is_said_at_its_figure(visit):
    page = open_page(visit(LEAD, minds=False), f"{HOME}/draft/policy")
    page.get_by_label("Minutes until rung 3").first.fill("5")
    page.get_by_role("button", name="Save in the draft").click()
    expect(page.get_by_role("region", name="There is a problem")).to_be_focused()
    page.get_by_role("link", name="T1, rung 2: From 1 to 2 minutes.").click()
    expect(page.get_by_label("Minutes until rung 3").first).to_be_focused()
