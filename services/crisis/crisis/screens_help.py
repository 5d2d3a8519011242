"""The help screen, `/crisis/help`: the numbers first, and the truth about a call for help.

Nobody needs to be signed in to see it, and no GET calls anybody: links are looked at by programs.
"""

from typing import Any
from uuid import UUID

from chassis.database import Session
from chassis.refusals import Forbidden
from crisis import call_for_help, metrics
from crisis import schemas as shape
from crisis.call_for_help import Link, Told
from web.answers import Answer
from web.call import Call
from web.callers import Caller
from web.pages import page
from web.routes import route

STAFF = ("clinician", "supervisor", "crisis_lead", "clinic_admin", "service")
FRAGMENT = "/crisis/fragments/help"
SHOWN: dict[str, Any] = {"open": True, "in_danger": True, "refused_as": "help.html"}
BY_LINK: dict[str, Any] = {**SHOWN, "across_clinics": True}


class HelpScreen:
    """Whoever needs help now sees whom to call, and may tell their clinic."""

    runtime: Any

    @page("GET", "/crisis/help", "help.html", transaction=False, **SHOWN)
    def show_help(self, call: Call) -> Any:
        """The numbers; to a participant, also what became of their call for help."""
        return _screen(self._told(call.caller), tells=_participant(call.caller) is not None)

    @page("POST", "/crisis/help", **SHOWN)
    def press_help(self, call: Call) -> Any:
        """A participant who is signed in calls for help. Nobody else is known, or told."""
        person_id = _participant(call.caller)
        clinic_id = person_id and call_for_help.clinic_of(call.db, person_id, call.caller.clinics)
        if person_id is None or clinic_id is None:
            raise Forbidden("nobody_was_told")
        taken = call_for_help.press(call.db, clinic_id, person_id, by=call.by, at=call.now)
        metrics.count_taken(taken.outcome, taken.case.tier, taken.steps, call.now)
        return "/crisis/help#told"

    @page("GET", FRAGMENT, "help_told.html", allow=("participant",), live=True, own=True)
    def show_what_became_of_it(self, call: Call) -> Any:
        """What became of one's own call for help, live."""
        return {"told": _told_to(call.db, call.caller), "fragment": FRAGMENT, "stream": True}

    @page("GET", "/crisis/help/<string:token>", "help.html", **BY_LINK)
    def show_help_by_link(self, call: Call, token: str) -> Any:
        """The numbers, and what became of the call that was made by this link."""
        link = Link.find(call.db, token, at=call.now)
        shown = _screen(_told_by(call.db, link), tells=link.used_at is None)
        return {**shown, "fragment": f"{FRAGMENT}/{token}", "stream": False}

    @page("POST", "/crisis/help/<string:token>", **BY_LINK)
    def press_help_by_link(self, call: Call, token: str) -> Any:
        """Whoever a link was made for calls for help, without signing in."""
        link = Link.find(call.db, token, at=call.now, lock=True)
        taken = link.press(call.db, at=call.now)
        if taken is not None:
            metrics.count_taken(taken.outcome, taken.case.tier, taken.steps, call.now)
        return f"/crisis/help/{token}#told"

    @page("GET", f"{FRAGMENT}/<string:token>", "help_told.html", open=True, across_clinics=True)
    def show_what_became_of_it_by_link(self, call: Call, token: str) -> Any:
        """What became of the call that was made by a link, for a page that asks again."""
        link = Link.find(call.db, token, at=call.now)
        told = _told_by(call.db, link)
        return {"told": told, "fragment": f"{FRAGMENT}/{token}", "stream": False}

    @route(
        "POST", "/crisis/help-links",
        body=shape.HelpLinkBody, returns=shape.HelpLinkIssued, allow=STAFF,
    )  # fmt: skip
    def issue_help_link(self, call: Call) -> Any:
        """Issue a link by which a participant can call for help once, without signing in."""
        participant_id = call.body["participant_id"]
        token, link = Link.issue(call.db, call.clinic_id, participant_id, by=call.by, at=call.now)
        content = {"path": f"/crisis/help/{token}", "expires_at": link.expires_at}
        issued = shape.HelpLinkIssued().dump(content)
        return Answer(201, issued).response()  # not kept for repetitions: it holds the token

    def _told(self, caller: Caller) -> Told | None:
        """Whoever is nobody we know is shown the numbers without the database."""
        if _participant(caller) is None:
            return None
        with self.runtime.database.request(caller.clinics) as db:
            return _told_to(db, caller)


def _screen(told: Told | None, *, tells: bool) -> dict[str, Any]:
    """What the help screen shows; `tells` says whether its button would tell anybody."""
    return {"told": told, "tells": tells, "fragment": FRAGMENT, "stream": True}


def _participant(caller: Caller) -> UUID | None:
    return caller.person_id if caller.role == "participant" else None


def _told_to(db: Session, caller: Caller) -> Told | None:
    person_id = _participant(caller)
    return person_id and call_for_help.told(db, participant_id=person_id)


def _told_by(db: Session, link: Link) -> Told | None:
    if link.case_id is None:
        return None
    return call_for_help.told(db, participant_id=link.participant_id, case_id=link.case_id)
