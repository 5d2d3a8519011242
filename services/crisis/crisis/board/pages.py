"""The pages of the case board: look, take a case, say what was done and decided.

A button is a form: it works without JavaScript, and a second press changes nothing. Whoever comes
second is told who has the case. What may be done is decided by the nouns, as for the API.
"""

from typing import Any
from uuid import UUID

from catalogue.codec import instant
from catalogue.risk import RiskDetected
from chassis.announce import uuid7
from chassis.refusals import Conflict, NotFound
from crisis import case, dispatch, follow_up, ladder, metrics
from crisis import schemas as shape
from crisis.board import forms, people, views, words
from crisis.participant import Participant
from crisis.roles import READERS, RESPONDERS, STAFF
from web.pages import page

BOARD = "/crisis/board"
OPEN = f"{BOARD}/open"
ONE = f"{BOARD}/<uuid:case_id>"


class BoardPages:
    """The screens about cases."""

    runtime: Any

    @page("GET", BOARD, "board.html", allow=READERS, clinical=True)
    def see_board(self, call) -> Any:
        """Every open case, live."""
        return {**self._board(call), "targets": words.targets()}

    @page("GET", "/crisis/fragments/cases", "cases.html", allow=READERS, live=True, clinical=True)
    def see_cases(self, call) -> Any:
        """The cases alone."""
        return self._board(call)

    @page("GET", ONE, "case.html", allow=READERS, clinical=True)
    def see_case(self, call, case_id: UUID) -> Any:
        """A case, with who was called when and what is due, live."""
        return self._one(call, case_id)

    @page(
        "GET", "/crisis/fragments/case/<uuid:case_id>", "case_now.html",
        allow=READERS, live=True, clinical=True,
    )  # fmt: skip
    def see_case_now(self, call, case_id: UUID) -> Any:
        """How a case stands, alone."""
        return self._one(call, case_id)

    @page("POST", f"{ONE}/acknowledgement", allow=RESPONDERS)
    def say_acknowledged(self, call, case_id: UUID) -> str:
        """Say "I have it"."""
        try:
            taken = case.acknowledge(
                call.db, case_id, call.caller.person_id, by=call.by, at=call.now
            )
        except Conflict as late:
            return self._second(call, case_id, late)
        metrics.count_acknowledged(taken, call.now)
        return _page_of(case_id)

    @page("POST", f"{ONE}/take-over", allow=RESPONDERS)
    def say_taken_over(self, call, case_id: UUID) -> str:
        """Have the case instead of whoever has it."""
        who = call.caller.person_id
        if case.locked(call.db, case_id).acknowledged_by != who:
            case.take_over(call.db, case_id, who, by=call.by, at=call.now)
        return _page_of(case_id)

    @page("POST", f"{ONE}/contact", allow=RESPONDERS)
    def say_in_contact(self, call, case_id: UUID) -> str:
        """Say that somebody speaks with the participant."""
        if case.locked(call.db, case_id).state != "engaged":
            case.log_contact(call.db, case_id, by=call.by, at=call.now)
        return _page_of(case_id)

    @page("POST", f"{ONE}/follow-up", body=shape.ContactBody, allow=RESPONDERS)
    def say_contact_kept(self, call, case_id: UUID) -> str:
        """Say that the contact that was due then was made; said twice, it is one."""
        due_at = call.body["due_at"]
        if instant(due_at) in case.locked(call.db, case_id).follow_ups:
            kept = follow_up.keep_contact(call.db, case_id, due_at=due_at, by=call.by, at=call.now)
            metrics.count_concluded(kept.tier, kept.state)
        return _page_of(case_id)

    @page("GET", f"{ONE}/lower-tier", "decision.html", allow=RESPONDERS, clinical=True)
    def ask_lower_tier(self, call, case_id: UUID) -> Any:
        """The form that lowers a tier."""
        one = views.case_of(call.db, case_id)
        return forms.lower_tier(call.db, one, call.caller.person_id).about(one)

    @page("POST", f"{ONE}/lower-tier", body=shape.LowerTierBody, allow=RESPONDERS)
    def say_lower_tier(self, call, case_id: UUID) -> str:
        """Find less danger than was feared."""
        given = {**call.body, "by": call.by, "at": call.now}
        case.lower_tier(call.db, case_id, call.caller.person_id, **given)
        return _page_of(case_id)

    @page("GET", f"{ONE}/dispatch", "decision.html", allow=RESPONDERS, clinical=True)
    def ask_dispatch(self, call, case_id: UUID) -> Any:
        """The form that says that emergency services were called."""
        return forms.dispatch().about(views.case_of(call.db, case_id))

    @page("POST", f"{ONE}/dispatch", body=shape.DispatchBody, allow=RESPONDERS)
    def say_dispatched(self, call, case_id: UUID) -> str:
        """Say that you called emergency services; this software never does."""
        basis = call.body["basis"]
        dispatch.dispatch(call.db, case_id, basis=basis, by=call.by, at=call.now)
        return _page_of(case_id)

    @page("GET", f"{ONE}/hand-over", "decision.html", allow=RESPONDERS, clinical=True)
    def ask_hand_over(self, call, case_id: UUID) -> Any:
        """The form that says who has the participant now."""
        return forms.hand_over().about(views.case_of(call.db, case_id))

    @page("POST", f"{ONE}/hand-over", body=shape.HandOverBody, allow=RESPONDERS)
    def say_handed_over(self, call, case_id: UUID) -> str:
        """Say who has the participant in their care now."""
        dispatch.hand_over(call.db, case_id, to=call.body["to"], by=call.by, at=call.now)
        return _page_of(case_id)

    @page("GET", f"{ONE}/conclusion", "decision.html", allow=RESPONDERS, clinical=True)
    def ask_conclusion(self, call, case_id: UUID) -> Any:
        """The form that ends the acute part."""
        one = views.case_of(call.db, case_id)
        return forms.conclusion(call.db, one, call.caller.person_id).about(one)

    @page("POST", f"{ONE}/conclusion", body=shape.ConclusionBody, allow=RESPONDERS)
    def say_concluded(self, call, case_id: UUID) -> str:
        """End the acute part: keep contact, or close the case where none is owed."""
        given = {**call.body, "by": call.by, "at": call.now}
        ended = follow_up.conclude(call.db, case_id, call.caller.person_id, **given)
        metrics.count_concluded(ended.tier, ended.state)
        return _page_of(case_id)

    @page("GET", OPEN, "open.html", query=shape.OpenedQuery, allow=STAFF, clinical=True)
    def ask_open(self, call) -> Any:
        """The form that opens a case by hand."""
        listed = people.to_choose_from(call.db, self.runtime.vault)
        return {"people": listed, "targets": words.targets(), "opened": call.query.get("opened"),
                "triggers": forms.triggers()}  # fmt: skip

    @page("POST", OPEN, body=shape.CaseByHandBody, allow=STAFF, in_danger=True)
    def say_open(self, call) -> str:
        """Open a case by hand, or attach to the open one."""
        known = call.db.get(Participant, call.body["participant_id"])
        if known is None:
            raise NotFound("participant")
        risk = RiskDetected(**call.body, clinic_id=known.clinic_id, risk_id=uuid7())
        taken = ladder.take(call.db, risk, noticed_at=call.now, by=call.by, at=call.now)
        metrics.count_taken(taken.outcome, taken.case.tier, taken.steps, call.now)
        may_look = call.caller.role in READERS
        return _page_of(taken.case.id) if may_look else f"{OPEN}?opened={taken.case.code}"

    def _board(self, call) -> dict[str, Any]:
        return {**views.board(call.db, self.runtime.vault), **_may(call)}

    def _one(self, call, case_id: UUID) -> dict[str, Any]:
        may = _may(call)
        vault = self.runtime.vault
        return {**views.one(call.db, vault, case_id, names_participant=may["may_act"]), **may}

    def _second(self, call, case_id: UUID, late: Conflict) -> str:
        """Whoever presses twice has it already; anybody else is told who has it."""
        has_it = late.facts.get("acknowledged_by")
        if has_it == str(call.caller.person_id):
            return _page_of(case_id)
        if late.code != "already_acknowledged":
            raise late
        named = people.names(call.db, self.runtime.vault, [UUID(has_it)])
        raise Conflict(late.code, **late.facts, has_it=named[str(has_it)]) from None


def _may(call) -> dict[str, bool]:
    """Who only reads is offered nothing to press."""
    return {"may_act": call.caller.role in RESPONDERS}


def _page_of(case_id: UUID) -> str:
    return f"{BOARD}/{case_id}"
