"""The screens: message settings and history for a participant, the delivery log for staff."""

from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from notifications import consent, delivery_log, views, why, wishes, wording
from notifications.purposes import KEYS
from notifications.recipients import WISHES, find_recipient, look_up
from notifications.replies import of_person
from notifications.schemas import LogQuery, SavedQuery, SettingsBody, name_of
from web.call import Call
from web.pages import page

PARTICIPANT = ("participant",)
STAFF = ("clinician", "supervisor", "clinic_admin", "auditor")


class MessageScreens:
    """Pages about messages."""

    @page("GET", "/notifications/settings", "settings.html", query=SavedQuery, allow=PARTICIPANT)
    def show_settings(self, call: Call) -> dict[str, Any]:
        """What somebody agreed to be told, and what is safe for them."""
        recipient = look_up(call.db, _own(call))
        standings = consent.standings(call.db, recipient.person_id)
        asked = [
            {
                "name": name_of(key),
                "words": wording.shown(wording.CURRENT, key),
                "agreed": standings[key].allowed,
            }
            for key in KEYS
        ]
        now = {name: getattr(recipient, name) for name in WISHES}
        return {"asked": asked, "now": now, "saved": call.query["saved"]}

    @page("POST", "/notifications/settings", body=SettingsBody, allow=PARTICIPANT)
    def take_settings(self, call: Call) -> str:
        """Take what somebody agrees to and wishes."""
        recipient = find_recipient(call.db, _own(call))
        recipient.prefer(call.body, by=call.by, at=call.now)
        agreed = [key for key in KEYS if call.body[name_of(key)]]
        wishes.choose(call.db, recipient, agreed, by=call.by)
        return "/notifications/settings?saved=true"

    @page("GET", "/notifications/history", "history.html", allow=PARTICIPANT, clinical=True)
    def show_history(self, call: Call) -> dict[str, Any]:
        """Everything somebody was told and was not, why, and what they wrote back."""
        recipient = look_up(call.db, _own(call))
        return {
            "zone": ZoneInfo(recipient.zone or "UTC"),
            "messages": views.told(call.db, recipient.person_id),
            "replies": of_person(call.db, recipient.person_id),
        }

    @page(
        "GET", "/notifications/deliveries", "log.html", query=LogQuery, allow=STAFF, clinical=True
    )
    def show_log(self, call: Call) -> dict[str, Any]:
        """The delivery log of a day."""
        asked = call.query
        clinics = sorted(call.caller.clinics)
        shown = delivery_log.of_day(call.db, **asked)
        return {"clinics": clinics, "asked": asked, "statuses": delivery_log.STATUSES, **shown}

    @page(
        "GET", "/notifications/deliveries/<uuid:message_id>", "why.html", allow=STAFF, clinical=True
    )
    def show_why(self, call: Call, message_id: UUID) -> dict[str, Any]:
        """Why one message was sent, or was not."""
        one = why.explain(call.db, message_id)
        return {"one": one, "zone": delivery_log.zone_of(call.db, one["clinic_id"])}


def _own(call: Call) -> UUID:
    assert call.caller.person_id is not None
    return call.caller.person_id
