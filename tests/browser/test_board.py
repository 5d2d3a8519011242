"""The case board in a browser: live, by keyboard alone, without JavaScript, two people at once."""

import re
import signal

import pytest
from playwright.sync_api import expect

from tests.browser.clinic import a_clinic
from tests.browser.conftest import open_page, within
from tests.browser.staff import AUDITOR, BACKUP, LEAD, ON_CALL, SCHEDULER
from tests.browser.test_access import faults
from tests.browser.test_sign_in import press_until_focused

BOARD = "/crisis/board"
SMALL, LARGE = {"width": 320, "height": 640}, {"width": 1280, "height": 900}
STALE = "This page is not up to date"


@pytest.fixture(scope="module")
def clinic():
    with a_clinic() as running:
        yield running


@pytest.fixture
def site(clinic):
    """What `visit` visits."""
    return clinic


def card(page, case):
    return page.get_by_role("listitem").filter(
        has=page.get_by_role("heading", name=f"Case {case['code']}")
    )


def i_have(page, case):
    return page.get_by_role("button", name=f"I have case {case['code']}")


def has_it(page, who):
    return page.get_by_text(f"{who.name} has it")


def test_a_case_appears_by_itself_and_is_said_once(visit, clinic):
    page = open_page(visit(ON_CALL), BOARD)
    expect(page.get_by_text(re.compile("Up to date"))).to_be_visible()
    case = clinic.opens()
    expect(card(page, case)).to_contain_text("T1 imminent")
    expect(card(page, case)).to_contain_text("Nobody has it. Waiting a few seconds")
    expect(card(page, case)).to_contain_text("Rung 1, 10:00 EST: On call 1")
    expect(card(page, case)).to_contain_text("Rung 2 is due at")
    expect(page.get_by_role("alert")).to_contain_text(f"Nobody has case {case['code']}")
    clinic.says(case, "acknowledgement", BACKUP)
    expect(card(page, case)).to_contain_text("Backup 2 has it")
    expect(page.get_by_role("alert")).not_to_contain_text(case["code"])
    said = f"Backup 2 has case {case['code']}"
    expect(page.get_by_role("status")).to_contain_text(said, timeout=12_000)


def test_a_case_is_taken_by_keyboard_alone(visit, clinic):
    case = clinic.opens()
    page = open_page(visit(ON_CALL), BOARD)
    press_until_focused(page, i_have(page, case))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=f"Case {case['code']}")).to_be_visible()
    expect(has_it(page, ON_CALL)).to_be_visible()
    contact = page.get_by_role("button", name="I am in contact now")
    press_until_focused(page, contact)
    page.keyboard.press("Space")
    expect(page.get_by_text("In contact; a disposition is due by")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False])
def test_the_whole_way_of_a_case_works_also_without_javascript(visit, clinic, scripts):
    case = clinic.opens("T2")
    page = open_page(visit(ON_CALL, java_script_enabled=scripts, minds=False), BOARD)
    i_have(page, case).click()
    page.get_by_role("button", name="I am in contact now").click()
    page.get_by_role("link", name="Emergency services", exact=True).click()
    page.get_by_label("Imminent danger to life").check()
    page.get_by_role("button", name="I have called them").click()
    page.get_by_role("link", name="Hand over").click()
    page.get_by_label("An ambulance").check()
    page.get_by_role("button", name="Handed over").click()
    page.get_by_role("link", name="Conclude").click()
    page.get_by_role("button", name="Conclude").click()
    expect(page.get_by_role("region", name="There is a problem")).to_be_focused()
    for choice in ("In hospital", "Offered, and the participant declined", "After 24 hours"):
        page.get_by_label(choice).check()
    page.get_by_role("button", name="Conclude").click()
    expect(page.get_by_text("The next contact is due at")).to_be_visible()
    to_come = page.get_by_role("list", name="Contacts to come")
    expect(to_come.get_by_role("listitem")).to_have_count(6)
    page.get_by_role("button", name="The contact was made").click()
    expect(page.get_by_text("Follow-up contact was made; left: 5")).to_be_visible()


def test_of_two_people_at_once_the_second_is_told_who_has_it(visit, clinic):
    case = clinic.opens()
    live, still = visit(LEAD), visit(BACKUP, java_script_enabled=False, minds=False)
    watching, late = open_page(live, BOARD), open_page(still, BOARD)
    first = open_page(visit(ON_CALL), BOARD)
    i_have(first, case).click()
    expect(has_it(first, ON_CALL)).to_be_visible()
    expect(i_have(watching, case)).not_to_be_attached()
    expect(card(watching, case)).to_contain_text("On call 1 has it")
    i_have(late, case).click()
    expect(late.get_by_text("On call 1 has this case.")).to_be_visible()
    late.get_by_role("link", name="See the case").click()
    late.get_by_role("button", name="Take over").click()
    expect(has_it(late, BACKUP)).to_be_visible()
    expect(has_it(first, BACKUP)).to_be_visible()


def test_the_tenth_open_tab_acknowledges_within_a_second(visit, clinic):
    context = visit(LEAD)
    tabs = [open_page(context, BOARD) for _ in range(10)]
    case = clinic.opens()
    for tab in tabs:
        expect(card(tab, case)).to_be_visible()
    with within(1), tabs[-1].expect_response("**/acknowledgement") as answer:
        i_have(tabs[-1], case).click()
    assert answer.value.status == 303
    for tab in tabs[:-1]:
        expect(card(tab, case)).to_contain_text("Crisis lead 4 has it")


SHOWN = "    announce(root);\n"
MOVES_FOCUS = ("innerMorph", "innerHTML")
BY_THE_BROWSER = """
    root.querySelectorAll(".standing.calling time").forEach((one) => {
      const waited = Math.floor((Date.now() - Date.parse(one.dateTime)) / 1000);
      one.parentElement.querySelectorAll("strong")[1].textContent = `${waited} seconds`;
    });
"""


def planted(context, *changes):
    """Have the browser get another live.js than ours."""

    def answer(route):
        script = route.fetch()
        text = script.text()
        for before, after in changes:
            assert before in text
            text = text.replace(before, after)
        route.fulfill(response=script, body=text)

    context.route("**/static/live.js*", answer)
    return context


def keeps_focus(context, clinic):
    """Whether the focus stays on a button, the same one, while other cases come in."""
    case = clinic.opens()
    page = open_page(context, BOARD)
    button = i_have(page, case)
    expect(button).to_be_visible()
    button.focus()
    button.evaluate("one => (one.isTheSame = true)")
    for _ in range(2):
        expect(card(page, clinic.opens())).to_be_visible()
    clinic.later(10)
    expect(card(page, case)).to_contain_text("10 seconds")
    return page.evaluate("document.activeElement.isTheSame === true")


def test_an_update_moves_no_focus(visit, clinic):
    assert keeps_focus(visit(ON_CALL), clinic)


def test_an_update_that_moves_the_focus_is_noticed(visit, clinic):
    assert not keeps_focus(planted(visit(ON_CALL), MOVES_FOCUS), clinic)


def counts_by_the_server(context, clinic):
    """Whether a browser whose clock is wrong by hours says how long a case has waited."""
    context.clock.set_fixed_time("2031-05-05T05:05:05Z")
    case = clinic.opens()
    page = open_page(context, BOARD)
    expect(card(page, case)).to_be_visible()
    clinic.later(60)
    expect(card(page, case)).to_contain_text("in 60 seconds")
    return "Waiting 60 seconds" in card(page, case).inner_text()


def test_how_long_a_case_waits_is_told_by_the_clock_of_the_server(visit, clinic):
    assert counts_by_the_server(visit(ON_CALL), clinic)


def test_a_browser_that_counts_by_its_own_clock_is_noticed(visit, clinic):
    context = planted(visit(ON_CALL), (SHOWN, SHOWN + BY_THE_BROWSER))
    assert not counts_by_the_server(context, clinic)


def test_the_page_of_a_case_is_live_too(visit, clinic):
    case = clinic.opens()
    page = open_page(visit(LEAD), f"{BOARD}/{case['case_id']}")
    expect(page.get_by_role("img", name=re.compile("On call 1: called at rung 1"))).to_be_visible()
    clinic.later(130)
    expect(page.get_by_role("img", name=re.compile("Backup 2: called at rung 2"))).to_be_visible()
    clinic.says(case, "acknowledgement", BACKUP)
    expect(has_it(page, BACKUP)).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("Backup 2: .* has it"))).to_be_visible()


def test_somebody_who_only_reads_is_offered_nothing(visit, clinic):
    case = clinic.opens()
    page = open_page(visit(AUDITOR), BOARD)
    expect(card(page, case)).to_be_visible()
    expect(i_have(page, case)).not_to_be_attached()
    page.get_by_role("link", name=f"Case {case['code']}").click()
    expect(page.get_by_role("heading", name="What happened")).to_be_visible()
    expect(page.locator("main form, main [formaction]")).to_have_count(0)


def test_a_scheduler_opens_a_case_by_hand(visit, clinic):
    page = open_page(visit(SCHEDULER, java_script_enabled=False, minds=False), f"{BOARD}/open")
    page.get_by_label("Who").select_option("Participant 70")
    page.get_by_role("button", name="Open a case").click()
    expect(page.get_by_role("link", name="How soon: Fill this in.")).to_be_visible()
    page.get_by_label("T2 urgent").check()
    page.get_by_label("A concern of family").check()
    page.get_by_role("button", name="Open a case").click()
    expect(page.get_by_text(re.compile(r"Case \w+ is open"))).to_be_visible()


def some_of_each(clinic):
    """A board with something in each of its parts. Returns the case that is in contact."""
    kept = clinic.opens("T2")
    for what in ("acknowledgement", "contact"):
        clinic.says(kept, what)
    clinic.says(
        kept, "conclusion", disposition="safety_plan_agreed", safety_plan="made", licence="NY",
        follow_up="standard",
    )  # fmt: skip
    held = clinic.opens("T2", "not_reached")
    clinic.opens("T3", "staff_concern")
    calling = clinic.opens()
    for what in ("acknowledgement", "contact"):
        clinic.says(held, what, BACKUP)
    return calling, held, kept


@pytest.fixture(scope="module")
def paths(clinic):
    calling, held, kept = (f"{BOARD}/{case['case_id']}" for case in some_of_each(clinic))
    forms = [f"{held}/{what}" for what in ("conclusion", "dispatch", "lower-tier")]
    return [BOARD, calling, held, kept, *forms, f"{BOARD}/open"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_screen(visit, paths, scheme):
    context = visit(LEAD, bypass_csp=True, color_scheme=scheme, minds=False)
    for path in paths:
        assert (path, faults(open_page(context, path))) == (path, [])
    page = open_page(context, next(path for path in paths if path.endswith("conclusion")))
    page.get_by_role("button", name="Conclude").click()
    expect(page.get_by_text("There is a problem")).to_be_visible()
    assert faults(page) == []


def test_no_screen_scrolls_sideways_at_320_pixels_and_targets_are_large_enough(visit, paths):
    context = visit(LEAD, viewport=SMALL)
    for path in paths:
        page = open_page(context, path)
        assert (path, page.evaluate("document.documentElement.scrollWidth")) == (path, 320)
        for target in page.locator("main :is(button, a.button, summary)").all():
            box = target.bounding_box()
            assert box is None or box["height"] >= 24, target.inner_text()


def test_a_stream_that_is_cut_is_said_in_words_within_ten_seconds_or_so(visit, clinic):
    page = open_page(visit(ON_CALL, minds=False), BOARD)
    expect(page.get_by_text(re.compile("Up to date"))).to_be_visible()
    clinic.freeze()
    try:
        with within(13):
            expect(page.get_by_role("alert")).to_contain_text(STALE, timeout=16_000)
        expect(page.get_by_role("link", name="call 911").first).to_be_visible()
    finally:
        clinic.freeze(signal.SIGCONT)
    expect(page.get_by_role("alert")).not_to_contain_text(STALE, timeout=16_000)
