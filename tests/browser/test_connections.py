"""Streams begin, break and end: a browser holds few, and a page says when it is out of date."""

import re
import signal
import time

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.boards import FRESH, STALE, board, row
from tests.browser.conftest import CLINICIAN, LEAD, a_site, within


@pytest.fixture
def site():
    """These tests stop it and count its streams, so they have one of their own."""
    with a_site() as own:
        yield own


def test_ten_tabs_share_one_stream_and_the_tenth_can_still_act(visit, site):
    context = visit(LEAD)
    tabs = [board(context) for _ in range(10)]
    code = site.arrive()
    for tab in tabs:
        expect(row(tab, code)).to_be_visible()
    assert streams_of(site) == 1
    with within(1), tabs[-1].expect_response("**/acknowledgement") as answer:
        tabs[-1].get_by_role("button", name=f"I have {code}").click()
    assert answer.value.status == 303
    for tab in tabs:
        expect(row(tab, code).get_by_text("taken")).to_be_visible()


def test_without_a_shared_worker_two_tabs_stream_and_the_others_ask(visit, site):
    context = visit(LEAD)
    context.add_init_script("delete window.SharedWorker")
    tabs = [board(context) for _ in range(4)]
    code = site.arrive()
    for tab in tabs:
        expect(row(tab, code)).to_be_visible()
    assert streams_of(site) <= 2
    with within(1):
        tabs[-1].get_by_role("button", name=f"I have {code}").click()
        expect(row(tabs[-1], code).get_by_text("taken")).to_be_visible()


def test_a_server_that_restarts_is_said_in_words_and_then_caught_up(visit, site):
    page = board(visit(CLINICIAN, minds=False))
    expect(page.get_by_text(FRESH)).to_be_visible()
    site.stop()
    expect(page.get_by_role("alert")).to_contain_text(STALE, timeout=16_000)
    expect(page.get_by_text(re.compile(r"Updated 1\d seconds ago"))).to_be_visible()
    site.start()
    code = site.arrive()
    expect(row(page, code)).to_be_visible()
    expect(page.get_by_role("alert")).not_to_contain_text(STALE)
    expect(page.get_by_text(FRESH)).to_be_visible()


def test_a_server_that_only_hangs_is_said_within_ten_seconds_or_so(visit, site):
    page = board(visit(CLINICIAN, minds=False))
    expect(page.get_by_text(FRESH)).to_be_visible()
    site.freeze()
    with within(13):
        expect(page.get_by_role("alert")).to_contain_text(STALE, timeout=16_000)
    site.freeze(signal.SIGCONT)
    expect(page.get_by_role("alert")).not_to_contain_text(STALE, timeout=12_000)


def test_who_is_signed_out_meanwhile_is_told_and_nothing_is_swapped(visit, site):
    code = site.arrive()
    context = visit(CLINICIAN, minds=False)
    page = board(context)
    expect(row(page, code)).to_be_visible()
    context.clear_cookies()
    site.stop()
    site.start()
    expect(page.get_by_role("alert")).to_contain_text("You are signed out", timeout=25_000)
    expect(row(page, code)).to_be_visible()


def test_a_page_left_behind_is_forgotten(visit, site):
    context = visit(LEAD)
    one, other = board(context), board(context)
    assert streams_of(site) == 1
    one.close()
    expect(row(other, site.arrive())).to_be_visible()
    other.goto("/help")
    site.arrive()
    until(lambda: streams_of(site) == 0)


def streams_of(site):
    """How many streams the server holds."""
    return httpx.get(f"{site.url}/lobby/streams").json()["streams"]


def until(fact, seconds=15):
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, "it did not become true"
        time.sleep(0.1)
