"""The page of the packet, to be read out on the telephone, or printed."""

from typing import Any
from uuid import UUID

from crisis.packet import packet
from crisis.packet.schemas import ToldBody
from crisis.plan.wording import STEPS
from crisis.roles import RESPONDERS
from crisis.rules import BASES
from web.pages import page

WORDS = {
    "name": "name", "birth_on": "date of birth", "phone": "telephone number",
    "place": "where they said they are today", "callback_number": "callback number",
    "emergency_contact": "emergency contact", "call_centre": "number of the call centre",
    "plan": "safety plan",
}  # fmt: skip


class PacketScreens:
    """What is shown and taken at `/crisis/cases/<id>/packet`."""

    runtime: Any

    @page(
        "GET", "/crisis/cases/<uuid:case_id>/packet", "packet.html",
        allow=RESPONDERS, clinical=True,
    )  # fmt: skip
    def packet_page(self, call, case_id: UUID):
        """What a call centre must be told."""
        told = packet.packet(call.db, self.runtime.vault, case_id)
        return {
            "packet": told,
            "missing": [WORDS[name] for name in told["missing"]],
            "now": call.now,
            "steps": STEPS,
            "told_to": [(code, code.replace("_", " ")) for code in packet.TOLD_TO],
            "bases": [(code, code.replace("_", " ")) for code in BASES],
        }

    @page("POST", "/crisis/cases/<uuid:case_id>/packet", body=ToldBody, allow=RESPONDERS)
    def tell_packet(self, call, case_id: UUID):
        """Say to whom it was read out."""
        packet.tell(call.db, case_id, **call.body, by=call.by, at=call.now)
        return f"/crisis/cases/{case_id}/packet"
