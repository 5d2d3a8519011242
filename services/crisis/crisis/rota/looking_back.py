"""What programs and screens may ask about the past: the rehearsal of a draft, and people's load."""

from datetime import timedelta
from typing import Any

from crisis.rota import draft, rehearsal
from crisis.rota import schemas as shape
from crisis.rota.routes import KEEPERS, READERS
from crisis.rota.showing import showing
from web.pages import page
from web.routes import route

OF_CLINIC = "/crisis/rota/<uuid:clinic_id>"
LOAD_WEEKS = 8


class LookingBack:
    """The past of a clinic's ladders."""

    runtime: Any

    @route("GET", "/crisis/load", returns=shape.LoadListed, allow=READERS)
    def list_load(self, call):
        """Pages of each person and week in the caller's clinics."""
        since = call.now - timedelta(weeks=LOAD_WEEKS)
        return {
            "items": [
                {"clinic_id": clinic_id, **vars(one)}
                for clinic_id in sorted(call.caller.clinics)
                for one in rehearsal.loads(call.db, clinic_id, since)
            ]
        }

    @page("GET", f"{OF_CLINIC}/load", "rota/load.html", allow=READERS, clinical=True)
    def show_load(self, call, clinic_id):
        """Pages of each person and week."""
        since = call.now - timedelta(weeks=LOAD_WEEKS)
        one = showing(call, self.runtime.vault)
        loads = rehearsal.loads(call.db, clinic_id, since)
        return {**one.people(), "loads": loads, "weeks": LOAD_WEEKS}

    @page(
        "GET", f"{OF_CLINIC}/draft/rehearsal", "rota/rehearsal.html",
        query=shape.RehearsalQuery, allow=KEEPERS, clinical=True,
    )  # fmt: skip
    def show_rehearsal(self, call, clinic_id):
        """Who would have been paged in the last days, had the draft been in force."""
        rota, times = draft.proposed(call.db, clinic_id)
        days = call.query["days"]
        since = call.now - timedelta(days=days)
        cases = rehearsal.rehearse(call.db, clinic_id, rota, times, since)
        return {
            **showing(call, self.runtime.vault).people(),
            "days": days,
            "cases": cases,
            "people": rehearsal.compared(call.db, clinic_id, cases),
        }
