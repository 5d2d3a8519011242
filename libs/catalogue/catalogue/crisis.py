"""Events that crisis announces about a case."""

from typing import Literal
from uuid import UUID

from catalogue.event import Code, Event
from catalogue.streams import CASE

Tier = Literal["T1", "T2", "T3", "T4"]


class CaseOpened(Event, stream=CASE, privacy=2):
    """A risk became a case, and the ladder of pages started."""

    case_id: UUID
    participant_id: UUID
    risk_id: UUID
    tier: Tier


class RiskAttached(Event, stream=CASE, privacy=2):
    """A further risk joined an open case; the tier is the higher of the two."""

    case_id: UUID
    participant_id: UUID
    risk_id: UUID
    tier: Tier


class RungPaged(Event, stream=CASE, privacy=2):
    """A step of the ladder was reached and its people are being called."""

    case_id: UUID
    participant_id: UUID
    rung: int
    generation: int


class CaseAcknowledged(Event, stream=CASE, privacy=2):
    """A person said "I have it"; paging stops."""

    case_id: UUID
    participant_id: UUID
    acknowledged_by: UUID


class TierChanged(Event, stream=CASE, privacy=2):
    """The tier of an open case is another one, without a new risk: a licensed person lowered it,
    its ladder ended, follow-up began or is overdue."""

    case_id: UUID
    participant_id: UUID
    tier: Tier


class CaseClosed(Event, stream=CASE, privacy=2):
    """A licensed person closed the case with a disposition."""

    case_id: UUID
    participant_id: UUID
    disposition: Code
    closed_by: UUID
