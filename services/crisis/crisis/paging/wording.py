"""What leaves: the words of a bundle or a notice, and the link that answers without signing in.

Words and link follow from the key alone, so that a repetition is the same.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from channels.outgoing import EMAIL, SMS, VOICE, Outgoing
from crisis.paging.notice import YOURS, Notice
from crisis.paging.page import Page

PATH = "/crisis/paged/"
TOKEN_BYTES = 18


@dataclass(frozen=True)
class Links:
    """Links to this house, when it has an address. Only who has the secret can make one; what is
    kept of it is its digest."""

    origin: str | None
    secret: bytes = field(repr=False)

    def to(self, key: UUID | None) -> str | None:
        """Where a bundle of this key can be answered."""
        if self.origin is None or key is None:
            return None
        return f"{self.origin}{PATH}{self.token(key)}"

    def token(self, key: UUID) -> str:
        made = hmac.digest(self.secret, b"page link " + key.bytes, "sha256")
        return base64.urlsafe_b64encode(made[:TOKEN_BYTES]).decode()


def digest(token: str) -> str:
    """By which a link is found again."""
    return hashlib.sha256(token.encode()).hexdigest()


def of_pages(pages: Sequence[Page], links: Links, *, to: str) -> Outgoing:
    """One text about all of them, which leave by the same channel."""
    first = pages[0]
    said = page_text((one.tier, one.case.code) for one in pages)
    text = said
    if link := None if first.channel == VOICE else links.to(first.key):
        text += ways_to_answer(link, by_text=first.channel == SMS)
    return _outgoing(first.channel, to, said, text, first)


def of_notice(notice: Notice, links: Links, *, to: str) -> Outgoing:
    """What somebody is told once the case has somebody."""
    case = notice.case
    if notice.says == YOURS:
        text = yours_text(case.code, f"{case.next_due_at:%H:%M} UTC")
    else:
        link = None if notice.channel == VOICE else links.to(notice.page.key)
        text = taken_text(case.code, link)
    return _outgoing(notice.channel, to, taken_text(case.code, None), text, notice)


def page_text(cases: Iterable[tuple[str, str]]) -> str:
    """All that a page may say of its cases' tiers and codes: no name, no reason, no place."""
    named = "; ".join(f"{tier}, case {code}" for tier, code in cases)
    return f"{named}. Open the app."


def ways_to_answer(link: str, *, by_text: bool) -> str:
    """What a page adds where it can be answered without signing in."""
    return f"{' Or reply with the code.' if by_text else ''} Or take it here: {link}"


def taken_text(code: str, link: str | None) -> str:
    """What everybody else who was paged is told once somebody has the case."""
    return f"Case {code}: somebody has it, you need not act." + (f" Who: {link}" if link else "")


def yours_text(code: str, due: str) -> str:
    """What somebody is told who took a case by a text message."""
    return f"Case {code} is yours. Log contact by {due}."


def _outgoing(channel: str, to: str, subject: str, text: str, row: Page | Notice) -> Outgoing:
    subject = subject if channel == EMAIL else ""
    return Outgoing(to=to, subject=subject, text=text, dated=row.called_at)
