"""The lobby's board, as the tests look at it."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import open_page

STALE = "This page is not up to date"
FRESH = re.compile("Up to date|Updated [2-9] seconds ago")


def board(context):
    page = open_page(context, "/lobby/board")
    expect(page.get_by_role("heading", name="Who is here")).to_be_visible()
    return page


def row(page, code):
    return page.get_by_role("row", name=re.compile(code))
