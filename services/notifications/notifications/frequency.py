"""How many texts one person gets for one purpose in a day and a week, whatever they agreed to.

The exemption for health care allows one text a day and three a week without consent. Nothing is
sent on its strength: each purpose has a consent of its own, and a limit all the same.
https://www.myaifrontdesk.com/blogs/what-sms-messages-are-tcpa-exempt
https://legalclarity.org/tcpa-healthcare-exemption-rules-and-requirements (LEGAL: counsel to agree)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from notifications.purposes import DAYS, HOMEWORK


@dataclass(frozen=True)
class Limit:
    """Texts in a local calendar day, and in seven of them."""

    a_day: int
    a_week: int


LIMITS = {
    DAYS: Limit(a_day=6, a_week=30),
    HOMEWORK: Limit(a_day=1, a_week=3),
}
"""Homework keeps to the exemption. A programme has up to five days a week, each told of the evening
before, a day, an hour and ten minutes ahead and when it was missed, and one in reserve for a day
that moves: this project's figures, for a clinician to confirm."""

WEEK = timedelta(days=6)


def week_begins(at: datetime, zone: str) -> datetime:
    """Midnight, on the recipient's wall, of the first of the seven days that end with today."""
    here = ZoneInfo(zone)
    return datetime.combine(at.astimezone(here).date() - WEEK, time(), tzinfo=here)


def allows(purpose: str, sent: Sequence[datetime], at: datetime, zone: str) -> bool:
    """Whether one more may go at `at`, after these of its purpose that went or may have gone."""
    here = ZoneInfo(zone)
    today = at.astimezone(here).date()
    days = [one.astimezone(here).date() for one in sent]
    of_today = sum(day == today for day in days)
    of_week = sum(today - WEEK <= day <= today for day in days)
    limit = LIMITS[purpose]
    return of_today < limit.a_day and of_week < limit.a_week
