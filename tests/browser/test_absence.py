"""The page behind "can't come", as somebody sees it who is not signed in."""

import json

import pytest
from playwright.sync_api import expect

from evenkeel_ops.keeper import PrivateDirectory
from tests.browser.conftest import HERE, Site, open_page
from tests.browser.test_access import faults

SMALL = {"width": 320, "height": 640}
SAYS = {
    "en": ("I can't come that day", "Thank you, we know that you can't come"),
    "es": ("Ese día no puedo venir", "Gracias, ya sabemos que no puede venir"),
}


class Reminders(Site):
    """Notifications behind its front, with a link for each language."""

    server, service = HERE / "reminder_server.py", "notifications"

    @property
    def links(self) -> dict[str, str]:
        return json.loads((self.directory / "links.json").read_text())

    def _answers(self) -> bool:
        return (self.directory / "links.json").exists() and super()._answers()


@pytest.fixture(scope="module")
def reminders():
    private = PrivateDirectory("reminders")
    running = Reminders(private.path)
    yield running
    running.kill()
    private.remove()


@pytest.fixture
def site(reminders):
    """What `visit` visits."""
    return reminders


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", SAYS)
def test_axe_finds_nothing_and_nothing_is_wider_than_320_pixels(visit, site, language, scheme):
    context = visit(bypass_csp=True, color_scheme=scheme, viewport=SMALL, minds=False)
    page = open_page(context, site.links[language])
    expect(page.get_by_role("button", name=SAYS[language][0])).to_be_visible()
    assert faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= SMALL["width"]


@pytest.mark.parametrize("language", SAYS)
def test_the_button_works_without_a_script_and_a_second_look_knows_it(visit, site, language):
    button, thanks = SAYS[language]
    context = visit(java_script_enabled=False, viewport=SMALL)
    for _ in range(2):
        page = open_page(context, site.links[language])
        expect(page.get_by_role("button", name=button)).to_be_visible()
    page.get_by_role("button", name=button).click()
    expect(page.get_by_role("heading", name=thanks)).to_be_visible()
    again = open_page(context, site.links[language])
    expect(again.get_by_role("heading", name=thanks)).to_be_visible()
    expect(again.get_by_role("button", name=button)).to_have_count(0)
