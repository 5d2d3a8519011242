"""Live pages: every tab, a hidden one too, shows what is, and moves nobody's focus."""

import re

from playwright.sync_api import expect

from evenkeel_ops import issuer
from tests.browser.boards import FRESH, board, row
from tests.browser.conftest import CLINICIAN, LEAD, PARTICIPANT, open_page


def test_who_comes_in_is_shown_without_a_reload(visit, site):
    page = board(visit(LEAD))
    code = site.arrive()
    expect(row(page, code)).to_be_visible()


def test_a_hidden_tab_is_updated_too(visit, site):
    page = board(visit(LEAD))
    page.evaluate("""() => {
        Object.defineProperty(document, "hidden", { get: () => true });
        document.dispatchEvent(new Event("visibilitychange"));
    }""")
    code = site.arrive()
    expect(row(page, code)).to_be_attached()


def test_a_push_moves_no_focus_and_loses_nothing_typed(visit, site):
    code = site.arrive()
    page = board(visit(LEAD))
    button = page.get_by_role("button", name=f"I have {code}")
    button.focus()
    button.evaluate("one => (one.isTheSame = true)")
    before = [site.arrive("A"), site.arrive("C")]
    for one in before:
        expect(row(page, one)).to_be_visible()
    expect(button).to_be_focused()
    assert button.evaluate("one => one.isTheSame")
    note = page.get_by_label("A note of your own")
    note.press_sequentially("half a sen")
    expect(row(page, site.arrive())).to_be_visible()
    expect(note).to_have_value("half a sen")
    expect(note).to_be_focused()


def test_paused_updates_wait_and_what_is_urgent_is_said_all_the_same(visit, site):
    page = board(visit(LEAD))
    expect(page.get_by_text(FRESH)).to_be_visible()
    page.get_by_role("button", name="Pause updates").click()
    urgent = site.arrive("A")
    expect(page.get_by_role("alert")).to_contain_text(f"{urgent} came in")
    expect(row(page, urgent)).not_to_be_attached()
    page.get_by_role("button", name="Pause updates").click()
    expect(row(page, urgent)).to_be_visible()


def test_a_part_that_is_refused_leaves_the_link_to_it(visit):
    lead = open_page(visit(LEAD), "/lobby/board")
    expect(lead.get_by_text("The rest of it")).to_be_visible()
    expect(lead.get_by_role("link", name="See the rest")).not_to_be_attached()
    context = visit(CLINICIAN, minds=False)
    page = context.new_page()
    with page.expect_response("**/fragments/side") as refused:
        page.goto("/lobby/board")
    assert refused.value.status == 403
    expect(row(page, "Code")).to_be_visible()
    expect(page.get_by_role("link", name="See the rest")).to_be_visible()
    assert page.evaluate("htmx.config.noSwap") == [204, 304, "4xx", "5xx"]


def test_many_changes_are_said_once_in_a_while_and_nothing_at_the_beginning(visit, site):
    site.arrive()
    page = board(visit(LEAD))
    page.evaluate("""() => {
        window.said = [];
        const look = (list) => list.forEach((one) => one.addedNodes.length && said.push(1));
        new MutationObserver(look).observe(document.getElementById("status"), { childList: true });
    }""")
    for _ in range(5):
        code = site.arrive()
    expect(row(page, code)).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text(
        re.compile("came in|changes"), timeout=12_000
    )
    assert page.evaluate("said.length") <= 2


def test_before_the_sign_in_ends_one_can_stay_and_go_on_with_the_form(visit, site, monkeypatch):
    monkeypatch.setattr(issuer, "TOKEN_SECONDS", 100)
    context = visit(PARTICIPANT)
    page = open_page(context, "/lobby/plan")
    page.get_by_label("Why").fill("half a sentence")
    expect(page.get_by_role("alert")).to_contain_text("You will be signed out")
    with context.expect_page() as opened:
        page.get_by_role("link", name="Stay signed in").click()
    opened.value.get_by_role("link", name="Participant 17").click()
    expect(opened.value.get_by_role("heading", name="You are signed in")).to_be_visible()
    expect(page.get_by_role("alert")).not_to_contain_text("You will be signed out")
    page.get_by_label("Hours a day").fill("3")
    page.get_by_label("By day").check()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_label("Why")).to_have_value("")
    expect(page.get_by_text("There is a problem")).not_to_be_visible()
