"""Somebody at the case board: their browser, without JavaScript."""

import re
from html import unescape
from typing import Any
from uuid import UUID, uuid4

import httpx

from evenkeel_ops.house import House

BOARD = "/crisis/board"


class Visitor:
    """A person who is signed in, and the pages they look at."""

    def __init__(
        self, house: House, *clinics: UUID, person: UUID | None = None, role: str = "clinician"
    ) -> None:
        token = house.issuer.token(role, person or uuid4(), clinics)
        cookies = {"evenkeel-signed-in": token}
        self._browser = httpx.Client(base_url=house.address, cookies=cookies, timeout=30)

    def see(self, path: str = BOARD, status: int = 200) -> str:
        """What is shown, with the text of the page after its frame in front."""
        answer = self._browser.get(path)
        assert answer.status_code == status, answer.text
        return main_of(answer.text)

    def press(self, case_id: Any, what: str, **fields: str) -> httpx.Response:
        """Press a button, or send a form, of a case."""
        return self.send(f"{BOARD}/{case_id}/{what}", **fields)

    def send(self, path: str, **fields: str) -> httpx.Response:
        shown = self._browser.get("/crisis/sign-in/done").text
        proof = re.search(r'name="proof" value="([^"]*)"', shown)
        assert proof, "nobody is signed in"
        return self._browser.post(path, data={"proof": proof[1], **fields})


def main_of(html: str) -> str:
    """The content of a page, without its frame, entities replaced."""
    return unescape(html.partition("<main")[2].partition("</main>")[0] or html)


def buttons(html: str) -> list[str]:
    """Whatever could be pressed to change something."""
    inside = re.findall(r"<(?:button|form|a)\b[^>]*>", main_of(html))
    changes = ("formaction=", "method=", "/conclusion", "/dispatch", "/hand-over", "/lower-tier")
    return [tag for tag in inside if any(sign in tag for sign in changes)]


def codes(html: str) -> list[str]:
    """The cases in the order in which they are shown."""
    return re.findall(r">Case (\w+)</a></h3>", html)


def text_of(html: str) -> str:
    """What there is to read, on one line."""
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())
