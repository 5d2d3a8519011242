"""The screens of rota and policy: what is in force, what may be next, and who stands in."""

from typing import Any

from crisis.rota import draft, hand_over, policy, published
from crisis.rota import schemas as shape
from crisis.rota.routes import KEEPERS, READERS, how
from crisis.rota.showing import showing
from web.pages import page

HOME = "/crisis/rota"
OF_CLINIC = f"{HOME}/<uuid:clinic_id>"
ROTATION = f"{OF_CLINIC}/draft/<int:rung>/<int:place>"


class RotaScreens:
    """What the lead of crisis looks at and changes."""

    runtime: Any

    @page("GET", HOME, "rota/clinics.html", allow=READERS)
    def choose_clinic(self, call):
        """The clinics of who looks."""
        return {"clinics": sorted(call.caller.clinics)}

    @page("GET", OF_CLINIC, "rota/rota.html", allow=READERS)
    def show_rota(self, call, clinic_id):
        """The rota and the policy in force."""
        one = showing(call, self.runtime.vault)
        rota = published.in_force(call.db, clinic_id)
        return {
            **one.rota(rota),
            **one.times(policy.times_in_force(call.db, clinic_id)),
            "edition": published.newest_edition(call.db, clinic_id),
            "hand_overs": hand_over.due(call.db, clinic_id),
            "stand_ins": published.stand_ins(call.db, clinic_id),
            "has_draft": draft.draft_of(call.db, clinic_id) is not None,
            "may_change": call.caller.role in KEEPERS,
        }

    @page("GET", f"{OF_CLINIC}/overrides", "rota/override.html", allow=KEEPERS)
    def show_override(self, call, clinic_id):
        """Who stands in for whom: the form."""
        return showing(call, self.runtime.vault).rota(published.in_force(call.db, clinic_id))

    @page("POST", f"{OF_CLINIC}/overrides", body=shape.OverrideForm, allow=KEEPERS)
    def take_override(self, call, clinic_id):
        """Have somebody stand in."""
        published.override(
            call.db, clinic_id, call.body["override"], **how(call, self.runtime.vault)
        )
        return f"{HOME}/{clinic_id}"

    @page("POST", f"{OF_CLINIC}/overrides/<uuid:override_id>/withdrawal", allow=KEEPERS)
    def withdraw_override(self, call, clinic_id, override_id):
        """Have them no longer stand in."""
        published.withdraw(call.db, clinic_id, override_id, by=call.by, at=call.now)
        return f"{HOME}/{clinic_id}"

    @page("GET", f"{OF_CLINIC}/draft", "rota/draft.html", allow=KEEPERS)
    def show_draft(self, call, clinic_id):
        """What may be next, and what speaks against it."""
        one = showing(call, self.runtime.vault)
        rota, times = draft.proposed(call.db, clinic_id)
        return {
            **one.rota(rota),
            **one.times(times),
            "draft": draft.draft_of(call.db, clinic_id),
        }

    @page("POST", f"{OF_CLINIC}/draft", allow=KEEPERS)
    def publish_draft(self, call, clinic_id):
        """Put it in force."""
        draft.publish(call.db, clinic_id, **how(call, self.runtime.vault))
        return f"{HOME}/{clinic_id}"

    @page("POST", f"{OF_CLINIC}/draft/discarding", allow=KEEPERS)
    def discard_draft(self, call, clinic_id):
        """Forget it."""
        draft.discard(call.db, clinic_id)
        return f"{HOME}/{clinic_id}"

    @page("GET", ROTATION, "rota/rotation.html", allow=KEEPERS)
    def show_rotation(self, call, clinic_id, rung, place):
        """People who take turns on a rung: the form."""
        rota, _ = draft.proposed(call.db, clinic_id)
        there = draft.rotation_at(rota.layers, rung, place)
        shown = showing(call, self.runtime.vault).rotation(rota, there)
        return {**shown, "rung": rung, "place": place}

    @page("POST", ROTATION, body=shape.RotationForm, allow=KEEPERS)
    def take_rotation(self, call, clinic_id, rung, place):
        """Write it into the draft."""
        given = call.body["rotation"]
        draft.put_rotation(
            call.db, clinic_id, rung, place, given, by=call.by, at=call.now,
        )  # fmt: skip
        return f"{HOME}/{clinic_id}/draft"

    @page("POST", f"{ROTATION}/removal", allow=KEEPERS)
    def remove_rotation(self, call, clinic_id, rung, place):
        """Leave it out of the draft."""
        draft.drop_rotation(call.db, clinic_id, rung, place, by=call.by, at=call.now)
        return f"{HOME}/{clinic_id}/draft"

    @page("GET", f"{OF_CLINIC}/draft/policy", "rota/policy.html", allow=KEEPERS)
    def show_times(self, call, clinic_id):
        """How fast ladders climb: the form."""
        return showing(call, self.runtime.vault).times(draft.proposed(call.db, clinic_id)[1])

    @page("POST", f"{OF_CLINIC}/draft/policy", body=shape.PolicyForm, allow=KEEPERS)
    def take_times(self, call, clinic_id):
        """Write it into the draft."""
        draft.put_times(call.db, clinic_id, call.body["times"], by=call.by, at=call.now)
        return f"{HOME}/{clinic_id}/draft"
