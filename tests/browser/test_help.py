"""The help screen as somebody in need finds it: with and without JavaScript, offline, by keys."""

import re

import httpx
import pytest
from playwright.sync_api import expect

from evenkeel_ops.keeper import PrivateDirectory
from libs.web.tests.desk import NORTH
from tests.browser.conftest import CLINICIAN, HERE, LEAD, PARTICIPANT, Site, open_page
from tests.browser.test_access import faults

HELP = "/crisis/help"
NOT_YET, HAS_IT = "Nobody has confirmed yet", "has your call"
LOOKS_AGAIN_WITHIN = 15_000
"""Milliseconds. A page without a stream asks every five seconds."""


CONCLUDED = {
    "disposition": "raised_in_error", "safety_plan": "not_applicable", "licence": "NY",
    "follow_up": "none",
}  # fmt: skip


class Crisis(Site):
    """Crisis behind its front, and the staff who answer by a program."""

    server, service = HERE / "help_server.py", "crisis"

    def case(self):
        """The open case, if there is one."""
        found = self._ask("GET", "/crisis/cases").json()["items"]
        return next((one for one in found if one["state"] != "closed"), None)

    def does(self, what, **body):
        path = f"/crisis/cases/{self.case()['case_id']}/{what}"
        return self._ask("POST", path, json=body)

    def ends(self):
        """Whatever is open is said to have been raised in error."""
        way = ["paging", "acknowledged", "engaged"]
        steps = [("acknowledgement", {}), ("contact", {}), ("conclusion", CONCLUDED)]
        if case := self.case():
            for step, body in steps[way.index(case["state"]) :]:
                self.does(step, **body)

    def link(self):
        body = {"clinic_id": str(NORTH), "participant_id": str(PARTICIPANT.id)}
        return self._ask("POST", "/crisis/help-links", json=body).json()["path"]

    def _ask(self, method, path, **more):
        headers = {"Authorization": f"Bearer {self.token(CLINICIAN)}"}
        answer = httpx.request(method, self.url + path, headers=headers, **more)
        answer.raise_for_status()
        return answer


@pytest.fixture(scope="module")
def crisis():
    private = PrivateDirectory("help")
    running = Crisis(private.path)
    yield running
    running.kill()
    private.remove()


@pytest.fixture
def site(crisis):
    """Each test begins without a case."""
    yield crisis
    crisis.ends()


def numbers_are_on(page):
    expect(page.get_by_role("link", name="Call 988")).to_have_attribute("href", "tel:988")
    expect(page.get_by_role("link", name="Text 988")).to_have_attribute("href", "sms:988")
    expect(page.get_by_role("link", name="Call 911").first).to_have_attribute("href", "tel:911")


def press(page):
    page.get_by_role("button", name="I need help now").click()
    expect(page.get_by_text(NOT_YET)).to_be_visible()


def test_somebody_sees_by_itself_when_their_call_has_been_taken(visit, site):
    """Planted faults: seen because it was paged; a page that is only asked for once."""
    page = open_page(visit(PARTICIPANT), HELP)
    assert site.case() is None
    press(page)
    numbers_are_on(page)
    assert site.case()["tier"] == "T1"
    expect(page.get_by_text(re.compile("Up to date|Updated"))).to_be_visible()
    expect(page.get_by_text(HAS_IT)).not_to_be_attached()
    site.does("acknowledgement")
    expect(page.get_by_text("A clinician has your call").first).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("A clinician has your call")
    expect(page.get_by_text(NOT_YET)).not_to_be_attached()


def test_without_javascript_it_is_true_when_it_is_looked_at_again(visit, site):
    page = open_page(visit(PARTICIPANT, java_script_enabled=False), HELP)
    press(page)
    site.does("acknowledgement")
    page.get_by_role("link", name="Look again").click()
    expect(page.get_by_text("A clinician has your call")).to_be_visible()
    numbers_are_on(page)


@pytest.mark.parametrize("scripts", [True, False])
def test_a_link_from_a_message_calls_without_signing_in(visit, site, scripts):
    page = open_page(visit(java_script_enabled=scripts), site.link())
    assert site.case() is None, "a preview of the link calls nobody"
    press(page)
    site.does("acknowledgement")
    if not scripts:
        page.reload()
    told = page.get_by_text("A clinician has your call").first
    expect(told).to_be_visible(timeout=LOOKS_AGAIN_WITHIN)


@pytest.mark.parametrize("scripts", [True, False])
def test_who_is_not_signed_in_is_told_that_nobody_was_told_and_how_to_tell(visit, site, scripts):
    page = open_page(visit(java_script_enabled=scripts), HELP)
    numbers_are_on(page)
    expect(page.get_by_text("Nobody has been told that you are here")).to_be_visible()
    page.get_by_role("link", name="Sign in to tell your clinic").click()
    page.get_by_role("link", name="Sign in with").click()
    page.get_by_role("link", name="Participant 17").click()
    press(page)
    assert site.case() is not None


@pytest.mark.parametrize("scripts", [True, False])
def test_it_is_called_by_keyboard_alone(visit, site, scripts):
    page = open_page(visit(PARTICIPANT, java_script_enabled=scripts), HELP)
    page.get_by_role("button", name="I need help now").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text(NOT_YET)).to_be_visible()


def test_two_tabs_and_a_double_click_are_one_case(visit, site):
    context = visit(PARTICIPANT, minds=False)
    one, other = open_page(context, HELP), open_page(context, HELP)
    one.get_by_role("button", name="I need help now").dblclick()
    expect(one.get_by_text(NOT_YET)).to_be_visible()
    first = site.case()["case_id"]
    press(other)
    assert site.case()["case_id"] == first


def test_the_numbers_stay_when_the_service_dies_and_the_page_says_that_it_is_old(visit, site):
    page = open_page(visit(PARTICIPANT, minds=False), HELP)
    press(page)
    site.kill()
    numbers_are_on(page)
    expect(page.get_by_role("alert")).to_contain_text("not up to date", timeout=20_000)
    expect(page.get_by_text(NOT_YET)).to_be_visible()
    site.start()


def test_staff_are_told_that_the_button_is_not_theirs(visit, site):
    page = open_page(visit(LEAD), HELP)
    numbers_are_on(page)
    expect(page.get_by_text("You are signed in as crisis lead")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_scrolls_sideways_in_any_state(visit, site, scheme):
    for width in (320, 1280):
        options = {
            "bypass_csp": True, "color_scheme": scheme, "minds": False,
            "viewport": {"width": width, "height": 800},
        }  # fmt: skip
        nobody = open_page(visit(**options), HELP)
        wrong = open_page(visit(**options), f"{HELP}/made-up")
        one = open_page(visit(PARTICIPANT, **options), HELP)
        link = open_page(visit(**options), site.link())
        for page in (nobody, wrong, one, link):
            nothing_is_wrong_with(page, width)
        press(one)
        nothing_is_wrong_with(one, width)
        site.does("acknowledgement")
        expect(one.get_by_text("A clinician has your call").first).to_be_visible()
        nothing_is_wrong_with(one, width)
        site.ends()


def nothing_is_wrong_with(page, width):
    assert faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for target in page.locator("main :is(a.button, button)").all():
        box = target.bounding_box()
        assert box is None or box["height"] >= 44, target.inner_text()


def test_a_help_screen_is_light(visit, site):
    page = visit(PARTICIPANT).new_page()
    sizes = []
    page.on("response", lambda answer: sizes.append(len(answer.body())))
    page.goto(HELP, wait_until="networkidle")
    assert 5_000 < sum(sizes) < 30_000
