"""Nobody is barred from a page: axe, 320 pixels, large targets, focus after an error, no script."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import CLINICIAN, PARTICIPANT, open_page

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PAGES = [
    ("/", None), ("/help", None), ("/lobby/sign-in", None), ("/nowhere", None),
    ("/lobby/plan", PARTICIPANT), ("/lobby/board", CLINICIAN), ("/lobby/plan", CLINICIAN),
]  # fmt: skip
WRONG = {"Why": "", "Hours a day": "ninety"}


def faults(page):
    found = Axe().run(page, options={"runOnly": RULES}).response["violations"]
    return [(one["id"], one["nodes"][0]["html"]) for one in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("path", "one"), PAGES)
def test_axe_finds_nothing_on_any_page(visit, site, path, one, scheme):
    if one is CLINICIAN:
        site.arrive()
    context = visit(one, bypass_csp=True, color_scheme=scheme, minds=False)
    assert faults(open_page(context, path)) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_a_form_with_errors_nor_on_the_issuers_page(visit, scheme):
    context = visit(PARTICIPANT, bypass_csp=True, color_scheme=scheme, minds=False)
    assert faults(sent_wrongly(open_page(context, "/lobby/plan"))) == []
    page = open_page(context, "/lobby/sign-in/start")
    expect(page.get_by_role("heading", name="Who do you want to be?")).to_be_visible()
    assert faults(page) == []


def test_axe_sees_a_label_and_a_language_that_are_missing(visit):
    page = open_page(visit(PARTICIPANT, bypass_csp=True), "/lobby/plan")
    page.locator("label[for=field-hours]").evaluate("one => one.remove()")
    page.locator("html").evaluate("one => one.removeAttribute('lang')")
    assert {"label", "html-has-lang"} <= {rule for rule, _ in faults(page)}


@pytest.mark.parametrize(("path", "one"), PAGES)
def test_no_page_scrolls_sideways_at_320_pixels(visit, site, path, one):
    site.arrive()
    page = open_page(visit(one, viewport={"width": 320, "height": 640}, minds=False), path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


@pytest.mark.parametrize(
    ("path", "one", "least"), [(p, o, 24 if o is CLINICIAN else 44) for p, o in PAGES]
)
def test_targets_are_large_enough(visit, site, path, one, least):
    site.arrive()
    page = open_page(visit(one, viewport={"width": 320, "height": 640}, minds=False), path)
    for target in page.locator(
        "main :is(a.button, button), header :is(a, button):not(.skip)"
    ).all():
        box = target.bounding_box()
        assert box is None or box["height"] >= least, target.inner_text()


@pytest.mark.parametrize("scripts", [True, False])
def test_after_an_error_the_focus_is_on_the_summary_and_leads_to_the_field(visit, scripts):
    page = open_page(visit(PARTICIPANT, java_script_enabled=scripts, minds=False), "/lobby/plan")
    sent_wrongly(page)
    summary = page.get_by_role("region", name="There is a problem")
    expect(summary).to_be_focused()
    page.get_by_role("link", name="Hours a day: Write a whole number.").click()
    expect(page.get_by_label("Hours a day")).to_be_focused()
    expect(page.get_by_label("Hours a day")).to_have_value("ninety")
    expect(page.get_by_label("Hours a day")).to_have_accessible_description(
        "Error: Write a whole number."
    )


@pytest.mark.parametrize("scripts", [True, False])
def test_a_form_is_sent_by_keyboard_alone(visit, scripts):
    page = open_page(visit(PARTICIPANT, java_script_enabled=scripts), "/lobby/plan")
    page.get_by_label("Why").focus()
    for key in ("to rest", "Tab", "3", "Tab", "Tab", "Tab", "Tab", "Space", "Tab"):
        page.keyboard.press(key) if key in ("Tab", "Space") else page.keyboard.type(key)
    page.get_by_label("By day").check()
    page.get_by_role("button", name="Send").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Why")).to_have_value("")


def test_a_participants_page_is_light(visit):
    context = visit(PARTICIPANT)
    page = context.new_page()
    sizes = []
    page.on("response", lambda answer: sizes.append(len(answer.body())))
    page.goto("/lobby/plan", wait_until="networkidle")
    assert 5_000 < sum(sizes) < 60_000


def test_what_stays_is_asked_for_once(visit):
    page = visit(PARTICIPANT).new_page()
    with page.expect_response(lambda answer: "style.css" in answer.url) as asked:
        page.goto("/lobby/plan")
    kept = asked.value.headers["cache-control"]
    assert kept == "public, max-age=31536000, immutable"


def sent_wrongly(page):
    for label, value in WRONG.items():
        page.get_by_label(label).fill(value)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("There is a problem")).to_be_visible()
    return page
