"""The page behind "can't come": looking at it changes nothing, its button does.

Whoever has the reminder may use it, without signing in; the page names no person.
"""

from functools import cached_property, partial
from typing import Any
from zoneinfo import ZoneInfo

from notifications import absences
from notifications.languages import said
from notifications.links import ABSENCE, Links
from notifications.templates import day_in, time_in
from web.call import Call
from web.pages import page

BY_LINK = "link"


class AbsencePages:
    """What a participant sees who follows the link of a reminder."""

    runtime: Any

    @page("GET", f"{ABSENCE}/<string:token>", "absence.html", open=True, across_clinics=True)
    def show_absence(self, call: Call, token: str) -> dict[str, Any]:
        """Ask whether they cannot come; nothing else, since mail programs look at links too."""
        asked = absences.asked_by(call.db, self._links.message_id(token))
        language = asked.recipient.language
        local = asked.day.starts_at.astimezone(ZoneInfo(asked.zone))
        return {
            "state": asked.state,
            "language": language,
            "say": partial(said, language=language),
            "day": day_in(local, language),
            "time": time_in(local, language),
        }

    @page("POST", f"{ABSENCE}/<string:token>", open=True, across_clinics=True)
    def take_absence(self, call: Call, token: str) -> str:
        """Take it that they cannot come."""
        asked = absences.asked_by(call.db, self._links.message_id(token))
        if asked.state == "open":
            absences.say_cannot_come(
                call.db, asked.day, asked.recipient.person_id, by=BY_LINK, at=call.now
            )
        return f"{ABSENCE}/{token}"

    @cached_property
    def _links(self) -> Links:
        return Links.of(self.runtime.settings)
