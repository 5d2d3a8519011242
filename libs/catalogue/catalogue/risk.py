"""A sign of danger. Announced by whichever service saw it, always in the urgent lane."""

from typing import Literal
from uuid import UUID

from catalogue.event import Code, Event
from catalogue.streams import RISK


class RiskDetected(
    Event, stream=RISK, privacy=2, publishers=("intake", "sessions", "notifications")
):
    """An answer or an observation asks for a human now. Carries tier and trigger, no answer, and
    which clinician pressed the button, where one did."""

    risk_id: UUID
    participant_id: UUID
    tier: Literal["T1", "T2", "T3"]
    trigger: Code
    instrument: Code | None = None
    raised_by: UUID | None = None
