"""What programs may ask about rotas and policies."""

from functools import partial
from typing import Any

from chassis.details import Vault
from crisis.rota import hand_over, policy, published
from crisis.rota import schemas as shape
from crisis.rota.shifts import Override, Rota
from crisis.rota.staff import is_reached
from crisis.rota.times import LONGEST
from web.call import Call
from web.routes import route

KEEPERS = ("crisis_lead", "clinic_admin")
"""Who may change a rota or a policy."""

READERS = ("clinician", "supervisor", "scheduler", "auditor", *KEEPERS)
"""Who may see it."""


class RotaRoutes:
    """The rota and the policy of a clinic."""

    runtime: Any

    @route(
        "PUT", "/crisis/rotas",
        body=shape.RotaBody, returns=shape.RotaPublished, allow=KEEPERS,
    )  # fmt: skip
    def publish_rota(self, call):
        """Put a rota in force."""
        given = call.body
        layers = given["layers"] if "layers" in given else Rota.of_rungs(given["rungs"]).layers
        given_by = how(call, self.runtime.vault)
        made = published.publish(call.db, call.clinic_id, layers, **given_by)
        return {"rota_id": made.id, "edition": made.edition}

    @route("GET", "/crisis/on-call", returns=shape.OnCallListed, allow=READERS)
    def list_on_call(self, call):
        """Who is on call now in the caller's clinics, rung by rung."""
        items = [
            {"clinic_id": clinic_id, "rung": rung, "people": people}
            for clinic_id in sorted(call.caller.clinics)
            for rung, people in enumerate(published.on_call(call.db, clinic_id).rungs, start=1)
        ]
        return {"at": call.now, "items": items}

    @route(
        "POST", "/crisis/overrides",
        body=shape.OverrideBody, returns=shape.OverrideMade, allow=KEEPERS,
    )  # fmt: skip
    def make_override(self, call):
        """Have somebody stand in for somebody else."""
        given = {name: value for name, value in call.body.items() if name != "clinic_id"}
        given_by = how(call, self.runtime.vault)
        made = published.override(call.db, call.clinic_id, Override(**given), **given_by)
        return {"override_id": made.id}

    @route(
        "PUT", "/crisis/policies",
        body=shape.PolicyBody, returns=shape.PolicyShown, allow=KEEPERS,
    )  # fmt: skip
    def publish_policy(self, call):
        """Put a policy in force for cases that are opened from now on."""
        times = {tier: call.body[tier] for tier in LONGEST}
        made = policy.publish(call.db, call.clinic_id, times, by=call.by, at=call.now)
        return policy_shown(made)

    @route("GET", "/crisis/hand-overs", returns=shape.HandOversListed, allow=READERS, clinical=True)
    def list_hand_overs(self, call):
        """Cases whose holder is no longer on call, and who is now."""
        found = [
            one for clinic in sorted(call.caller.clinics) for one in hand_over.due(call.db, clinic)
        ]
        return {
            "items": [
                {
                    "clinic_id": one.case.clinic_id,
                    "case_id": one.case.id,
                    "code": one.case.code,
                    "holder": one.holder,
                    "to": one.to,
                }
                for one in found
            ]
        }

    @route("GET", "/crisis/policies", returns=shape.PoliciesListed, allow=READERS)
    def list_policies(self, call):
        """The policies that were published in the caller's clinics, the newest first."""
        return {"items": [policy_shown(one) for one in policy.published_in(call.db)]}


def policy_shown(one: policy.Policy) -> dict[str, Any]:
    """An edition of a policy."""
    return {
        "clinic_id": one.clinic_id,
        "edition": one.edition,
        "published_at": one.published_at,
        **one.times,
    }


def how(call: Call, vault: Vault) -> dict[str, Any]:
    """By whom and when, and whom a page reaches as far as crisis knows now."""
    return {"can_reach": partial(is_reached, call.db, vault), "by": call.by, "at": call.now}
