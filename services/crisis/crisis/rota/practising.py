"""How people practise: drills and test pages, asked for by programs and on screens."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from chassis.refusals import Forbidden
from crisis import metrics
from crisis.case import Case
from crisis.rota import drill
from crisis.rota import schemas as shape
from crisis.rota.routes import KEEPERS, READERS
from crisis.rota.showing import showing
from crisis.rota.staff import ON_CALL_ROLES
from crisis.rules import DRILL
from web.call import Call
from web.pages import page
from web.routes import route

OF_CLINIC = "/crisis/rota/<uuid:clinic_id>"
REACHED = tuple(sorted({*ON_CALL_ROLES, *KEEPERS}))
"""Who may have a test page sent; to others only who keeps the rota."""

LATEST = 100


class Practising:
    """Cases in which nobody is in danger."""

    runtime: Any

    @route(
        "POST", "/crisis/drills",
        body=shape.DrillBody, returns=shape.DrillShown, allow=KEEPERS,
    )  # fmt: skip
    def begin_drill(self, call):
        """Page whoever is on call, as for a case, and see how long it takes them."""
        return shown(begun(call, call.body["tier"]))

    @route("GET", "/crisis/drills", returns=shape.DrillsListed, allow=READERS)
    def list_drills(self, call):
        """The latest drills and test pages of the caller's clinics."""
        clinics = sorted(call.caller.clinics)
        found = [one for clinic in clinics for one in drill.latest(call.db, clinic, LATEST)]
        return {"items": [shown(one) for one in found]}

    @route(
        "POST", "/crisis/test-pages",
        body=shape.TestPageBody, returns=shape.DrillShown, allow=REACHED,
    )  # fmt: skip
    def send_test_page(self, call):
        """Page one person, as for a case."""
        return shown(tested(call, call.body["person_id"]))

    @page("GET", f"{OF_CLINIC}/drill", "rota/drill.html", allow=KEEPERS)
    def show_drills(self, call, clinic_id):
        """Drills and how they ended, and the form for another."""
        latest = drill.latest(call.db, clinic_id, LATEST)
        one = showing(call, self.runtime.vault)
        return {**one.people(), "drills": [_with_name(case, one.names) for case in latest]}

    @page("POST", f"{OF_CLINIC}/drill", body=shape.DrillForm, allow=KEEPERS)
    def take_drill(self, call, clinic_id):
        """Begin one."""
        begun(call, call.body["tier"])
        return f"/crisis/rota/{clinic_id}/drill"

    @page("POST", f"{OF_CLINIC}/people/<uuid:person_id>/test-page", allow=REACHED)
    def take_test_page(self, call, clinic_id, person_id):
        """Page one person."""
        tested(call, person_id)
        return f"/crisis/rota/{clinic_id}/people"

    @page("GET", f"{OF_CLINIC}/people", "rota/people.html", allow=READERS)
    def show_people(self, call, clinic_id):
        """Who may be called, whether they are reached, and when they last answered a test page."""
        one = showing(call, self.runtime.vault)
        latest = drill.latest(call.db, clinic_id, LATEST)
        tests = {case.drill_for: _with_name(case, one.names) for case in reversed(latest)}
        mine = call.caller.person_id
        may = {person for person in one.staff if call.caller.role in KEEPERS or person == mine}
        return {**one.people(), "tests": tests, "may": may}


def begun(call: Call, tier: str) -> Case:
    """A drill that begins now."""
    metrics.count_taken("opened", DRILL, [], call.now)
    return drill.begin(call.db, call.clinic_id, tier, by=call.by, at=call.now)


def tested(call: Call, person_id: UUID) -> Case:
    """A test page to oneself, or to others where the rota is one's own to keep."""
    if call.caller.role not in KEEPERS and person_id != call.caller.person_id:
        raise Forbidden("only_to_yourself")
    return drill.send_test_page(call.db, call.clinic_id, person_id, by=call.by, at=call.now)


def shown(case: Case) -> dict[str, Any]:
    """A drill, and how long its answer took."""
    after = drill.answered_after(case)
    return {
        "case_id": case.id,
        "clinic_id": case.clinic_id,
        "code": case.code,
        "tier": case.tier,
        "person_id": case.drill_for,
        "begun_at": case.opened_at,
        "begun_by": case.opened_by,
        "ended_at": case.closed_at,
        "answered_by": case.closed_by if after is not None else None,
        "answered_after_seconds": after.total_seconds() if after is not None else None,
    }


def _with_name(case: Case, names: Mapping[UUID, str]) -> dict[str, Any]:
    plain = shown(case)
    who = names.get(plain["answered_by"], "somebody else") if plain["answered_by"] else None
    return {**plain, "who": who, "whom": names.get(case.drill_for) if case.drill_for else None}
