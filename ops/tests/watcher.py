"""Somebody who watches the demo in a browser, and answers cases on the board."""

import re
from html import unescape

import httpx

BOARD = "/crisis/board"


class Watcher:
    """Signs in by the demo's issuer and presses what there is to be pressed."""

    def __init__(self, address: str) -> None:
        self._browser = httpx.Client(base_url=address, follow_redirects=True, timeout=30)
        self.taken: list[str] = []
        self._called = 0

    def answers_a_case(self, name: str) -> None:
        """Take a case that nobody has, once it is on the board, and every other one there."""
        self._called += 1
        self._signs_in_as(name)
        waiting = rf'formaction="({BOARD}/[^"]*)/acknowledgement"'
        while len(self.taken) < self._called:
            for case in re.findall(waiting, self._browser.get(BOARD).text):
                self._answers(case)

    def _answers(self, case: str) -> None:
        """Say "I have it", that there is contact, and how it stands."""
        for what in ("acknowledgement", "contact"):
            self._presses(f"{case}/{what}")
        form = self._browser.get(f"{case}/conclusion").text
        licence = re.search(r'name="licence" value="(\w\w)"', form)
        assert licence
        self._presses(
            f"{case}/conclusion", disposition="assessed_safe", safety_plan="made",
            follow_up="standard", licence=licence[1],
        )  # fmt: skip
        self.taken.append(case)

    def _signs_in_as(self, name: str) -> None:
        listed = self._browser.get(f"/crisis/sign-in/start?to={BOARD}").text
        if "Case board" not in listed:
            link = re.search(rf'href="(/issuer/[^"]*)">{name}<', listed)
            assert link, f"{name} is not listed"
            assert "Case board" in self._browser.get(unescape(link[1])).text

    def _presses(self, path: str, **fields: str) -> None:
        proof = re.search(r'name="proof" value="([^"]*)"', self._browser.get(BOARD).text)
        assert proof
        answer = self._browser.post(path, data={"proof": proof[1], **fields})
        assert answer.status_code == 200, answer.text
