"""Staying signed in: who is active does not notice it, who is not is warned."""

import pytest
from playwright.sync_api import expect

from evenkeel_ops import issuer
from tests.browser.conftest import PARTICIPANT, open_page

WARNING = "You will be signed out in two minutes."
MINUTE = 60_000


@pytest.fixture
def signs_in(visit):
    """A page of somebody who signed in as people do, so that the issuer lets them stay."""

    def sign_in(**options):
        context = visit(**options)
        context.clock.install()
        page = open_page(context, "/lobby/sign-in/start?to=/lobby/plan")
        page.get_by_role("link", name=PARTICIPANT.name).click()
        expect(page.get_by_role("heading", name="Your plan")).to_be_visible()
        return page

    return sign_in


def test_who_is_active_stays_signed_in_without_losing_focus_or_words(signs_in, site, monkeypatch):
    page = signs_in()
    monkeypatch.setattr(issuer, "TOKEN_SECONDS", 100)
    short = {"name": "evenkeel-signed-in", "value": site.token(PARTICIPANT), "url": site.url}
    page.context.add_cookies([short])
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text(WARNING)
    why = page.get_by_label("Why")
    why.press_sequentially("half a sen")
    page.clock.run_for(6_000)
    expect(page.get_by_role("alert")).not_to_contain_text(WARNING)
    expect(why).to_be_focused()
    expect(why).to_have_value("half a sen")
    page.clock.run_for(3 * MINUTE)
    expect(page.get_by_role("alert")).to_be_empty()
    page.get_by_label("Hours a day").fill("3")
    page.get_by_label("By day").check()
    page.get_by_role("button", name="Send").click()
    expect(why).to_have_value("")


def test_the_other_tabs_of_a_browser_stay_too_and_their_forms_are_good(signs_in, site, monkeypatch):
    page = signs_in()
    monkeypatch.setattr(issuer, "TOKEN_SECONDS", 100)
    short = {"name": "evenkeel-signed-in", "value": site.token(PARTICIPANT), "url": site.url}
    page.context.add_cookies([short])
    page.reload()
    other = open_page(page.context, "/lobby/plan")
    expect(other.get_by_role("alert")).to_contain_text(WARNING)
    page.keyboard.press("Tab")
    page.clock.run_for(6_000)
    expect(other.get_by_role("alert")).not_to_contain_text(WARNING)
    for label, words in (("Why", "to rest"), ("Hours a day", "3")):
        other.get_by_label(label).fill(words)
    other.get_by_label("By day").check()
    other.get_by_role("button", name="Send").click()
    expect(other.get_by_text("There is a problem")).not_to_be_visible()
    expect(other.get_by_label("Why")).to_have_value("")


def test_who_does_nothing_is_warned_and_stays_by_going_on(signs_in):
    page = signs_in()
    page.clock.run_for(8 * MINUTE + 5_000)
    expect(page.get_by_role("alert")).to_contain_text(WARNING)
    page.keyboard.press("Tab")
    page.clock.run_for(6_000)
    expect(page.get_by_role("alert")).not_to_contain_text(WARNING)


def test_who_cannot_stay_is_offered_a_tab_as_before(visit, monkeypatch):
    """An issuer that gives nothing to stay by: the cookie is not there."""
    monkeypatch.setattr(issuer, "TOKEN_SECONDS", 100)
    page = open_page(visit(PARTICIPANT), "/lobby/plan")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Stay signed in")).to_be_visible()
