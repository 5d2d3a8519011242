"""The pages of the safety plan: the clinician's form, and the participant's own page."""

from typing import Any
from uuid import UUID

from crisis.plan import plan
from crisis.plan.schemas import PlanBody
from crisis.plan.wording import CODES, STEPS
from crisis.roles import RESPONDERS
from web.pages import page


class PlanScreens:
    """What is shown and taken at `/crisis/plan` and `/crisis/participants/<id>/plan`."""

    runtime: Any

    @page("GET", "/crisis/plan", "plan.html", allow=("participant",), clinical=True)
    def my_plan(self, call):
        """The participant's own plan."""
        return {"plan": plan.newest(call.db, self.runtime.vault, call.caller.id), "steps": STEPS}

    @page(
        "GET", "/crisis/participants/<uuid:participant_id>/plan", "plan_form.html",
        allow=RESPONDERS, clinical=True,
    )  # fmt: skip
    def plan_form(self, call, participant_id: UUID):
        """A participant's plan, to be looked at and written anew together."""
        found = plan.of_known(call.db, self.runtime.vault, participant_id)
        return {"plan": found, "steps": STEPS, "participant_id": participant_id}

    @page(
        "POST", "/crisis/participants/<uuid:participant_id>/plan",
        body=PlanBody, allow=RESPONDERS,
    )  # fmt: skip
    def write_plan_form(self, call, participant_id: UUID):
        """Take the form."""
        write(call, self.runtime.vault, participant_id)
        return f"/crisis/participants/{participant_id}/plan"


def write(call: Any, vault: Any, participant_id: UUID) -> plan.SafetyPlan:
    """The plan of a body, as its next version."""
    body = call.body
    steps = {code: body[code] for code in CODES}
    how = {"together": body["together"], "replaces": body["replaces"]}
    return plan.write(call.db, vault, participant_id, steps, **how, by=call.by, at=call.now)
