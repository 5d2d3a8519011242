"""Message settings, history and the delivery log in a browser, with and without JavaScript."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import open_page
from tests.browser.letterbox import PARTICIPANT, STAFF, a_letterbox
from tests.browser.test_access import faults

SETTINGS, HISTORY = "/notifications/settings", "/notifications/history"
LOG = "/notifications/deliveries"
PAGES = [(SETTINGS, PARTICIPANT), (HISTORY, PARTICIPANT), (LOG, STAFF)]
SMALL = {"width": 320, "height": 640}
TEXTS = "Text me about my appointments"


@pytest.fixture(scope="module")
def letterbox():
    with a_letterbox() as running:
        yield running


@pytest.fixture
def site(letterbox):
    """What `visit` visits."""
    return letterbox


def why(page):
    """The page of the first message of the log."""
    page.get_by_role("link", name=re.compile("^Why")).first.click()
    expect(page.get_by_role("heading", name=re.compile("^Why this"))).to_be_visible()
    return page


@pytest.mark.parametrize("scripts", [True, False])
def test_somebody_takes_a_tick_away_and_puts_it_back(visit, scripts):
    page = open_page(visit(PARTICIPANT, java_script_enabled=scripts), SETTINGS)
    texts = page.get_by_label(re.compile(TEXTS))
    for wanted in (False, True):
        texts.set_checked(wanted)
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("It holds from now on")).to_be_visible()
        page.goto(SETTINGS)
        expect(texts).to_be_checked(checked=wanted)


@pytest.mark.parametrize("scripts", [True, False])
def test_one_hour_without_the_other_is_said_beside_it_and_everything_is_kept(visit, scripts):
    page = open_page(visit(PARTICIPANT, java_script_enabled=scripts, minds=False), SETTINGS)
    page.get_by_label("It is safe to leave me a voicemail").check()
    page.get_by_label("Safe from").fill("09:00")
    page.get_by_role("button", name="Save").click()
    summary = page.get_by_role("region", name="There is a problem")
    expect(summary).to_be_focused()
    expect(page.get_by_label("Safe until")).to_have_accessible_description(
        "Error: Say when they begin and when they end."
    )
    expect(page.get_by_label("Safe from")).to_have_value("09:00")
    expect(page.get_by_label("It is safe to leave me a voicemail")).to_be_checked()


@pytest.mark.parametrize("scripts", [True, False])
def test_somebody_reads_what_they_were_told_and_why(visit, scripts):
    page = open_page(visit(PARTICIPANT, java_script_enabled=scripts), HISTORY)
    expect(page.get_by_text("What it was about was called off.").first).to_be_visible()
    page.get_by_text("Why was I told?").first.click()
    expect(page.get_by_text(re.compile("Given on a form on")).first).to_be_visible()
    expect(page.get_by_text("somebody will ask you")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False])
def test_the_staff_see_a_day_choose_a_state_and_ask_why(visit, scripts):
    page = open_page(visit(STAFF, java_script_enabled=scripts), f"{LOG}?on=2026-12-01")
    picture = page.get_by_role("img", name=re.compile(r"\d+ delivered, \d+ sent, \d+ waiting"))
    expect(picture).to_be_visible()
    page.get_by_label("State").select_option("skipped")
    page.get_by_role("button", name="Show").click()
    rows = page.get_by_role("row")
    expect(rows.filter(has_text="not sent").first).to_be_visible()
    expect(rows.filter(has_text="delivered")).to_have_count(0)
    expect(why(page).get_by_text("Why not")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("path", "one"), PAGES)
def test_axe_finds_nothing_on_any_page(visit, path, one, scheme):
    page = open_page(visit(one, bypass_csp=True, color_scheme=scheme, minds=False), path)
    assert faults(page) == []
    if path == SETTINGS:
        page.get_by_label("Safe from").fill("09:00")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("There is a problem")).to_be_visible()
        assert faults(page) == []
    if path == LOG:
        assert faults(why(page)) == []


@pytest.mark.parametrize(("path", "one"), PAGES)
def test_no_page_scrolls_sideways_at_320_pixels(visit, path, one):
    page = open_page(visit(one, viewport=SMALL, minds=False), path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    if path == LOG:
        assert why(page).evaluate("document.documentElement.scrollWidth") <= 320


@pytest.mark.parametrize(
    ("path", "one", "least"), [(p, o, 24 if o is STAFF else 44) for p, o in PAGES]
)
def test_targets_are_large_enough(visit, path, one, least):
    page = open_page(visit(one, viewport=SMALL, minds=False), path)
    for target in page.locator("main :is(a.button, button, summary, label.option)").all():
        box = target.bounding_box()
        assert box is None or box["height"] >= least, target.inner_text()


def test_a_participants_page_is_light(visit):
    page = visit(PARTICIPANT).new_page()
    sizes = []
    page.on("response", lambda answer: sizes.append(len(answer.body())))
    page.goto(SETTINGS, wait_until="networkidle")
    assert 5_000 < sum(sizes) < 60_000
