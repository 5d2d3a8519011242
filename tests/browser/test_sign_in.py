"""Start, sign-in and help, as people find them: with and without JavaScript, by keyboard alone."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PARTICIPANT, open_page


@pytest.mark.parametrize("scripts", [True, False])
def test_somebody_signs_in_and_out_also_without_javascript(visit, scripts):
    page = open_page(visit(java_script_enabled=scripts), "/lobby/plan")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_role("link", name="Sign in with").click()
    page.get_by_role("link", name="Participant 17").click()
    expect(page.get_by_role("heading", name="Your plan")).to_be_visible()
    expect(page.get_by_text("Signed in as participant")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Welcome")).to_be_visible()
    page.goto("/lobby/plan")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_somebody_signs_in_by_keyboard_alone(visit):
    page = open_page(visit(), "/lobby/plan")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Sign in with")).to_be_focused()
    page.keyboard.press("Enter")
    person = page.get_by_role("link", name="Participant 17")
    expect(person).to_be_visible()
    press_until_focused(page, person)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Your plan")).to_be_visible()


@pytest.mark.parametrize("path", ["/", "/help", "/lobby/sign-in", "/lobby/plan", "/nowhere"])
def test_help_is_in_the_same_place_on_every_page(visit, path):
    page = open_page(visit(PARTICIPANT, minds=path != "/nowhere"), path)
    link = page.locator("header.top > a.help")
    assert link.inner_text() == "I need help now"
    assert page.locator("header.top > *").nth(2).evaluate("one => one.className") == "help"
    link.click()
    expect(page.get_by_role("link", name="Call 988")).to_have_attribute("href", "tel:988")
    expect(page.get_by_role("link", name="Text 988")).to_have_attribute("href", "sms:988")


def press_until_focused(page, wanted, most=60):
    for _ in range(most):
        page.keyboard.press("Tab")
        if wanted.evaluate("one => one === document.activeElement"):
            return
    raise AssertionError("not reached by Tab")
