"""Events that intake announces about an episode, from referral to discharge."""

from typing import Literal
from uuid import UUID

from catalogue.event import Code, Event, Zone
from catalogue.streams import EPISODE

Level = Literal[
    "OUTPATIENT", "IOP", "PHP", "INPATIENT",
    "EMERGENCY", "EMERGENCY_EVAL", "MEDICAL_FIRST", "CLINICIAN_REVIEW",
]  # fmt: skip


class ReferralReceived(Event, stream=EPISODE, privacy=2):
    """Somebody asked for admission of a participant, and intake opened an episode."""

    episode_id: UUID
    participant_id: UUID
    kind: Literal["self", "professional", "step_down"]


class ScreenCompleted(Event, stream=EPISODE, privacy=2):
    """An instrument was answered to the end and scored. No answer and no score is carried."""

    episode_id: UUID
    participant_id: UUID
    screen_id: UUID
    instrument: Code
    band: Code


class LevelRecommended(Event, stream=EPISODE, privacy=2):
    """The rules recommended a level of care for a clinician to confirm."""

    episode_id: UUID
    participant_id: UUID
    level: Level
    rules: tuple[Code, ...]


class LevelConfirmed(Event, stream=EPISODE, privacy=2):
    """A clinician confirmed a level of care, as recommended or otherwise."""

    episode_id: UUID
    participant_id: UUID
    level: Level
    confirmed_by: UUID
    as_recommended: bool


class ConsentGiven(Event, stream=EPISODE, privacy=2):
    """The participant consented to treatment and said which messages they agree to get."""

    episode_id: UUID
    participant_id: UUID
    version: Code
    messages: tuple[Code, ...]


class ParticipantAdmitted(Event, stream=EPISODE, privacy=2):
    """The participant may be seated in a cohort from now on."""

    episode_id: UUID
    participant_id: UUID
    state: Code
    zone: Zone
    admitted_by: UUID


class ParticipantDischarged(Event, stream=EPISODE, privacy=2):
    """The episode ended; seats are released and reminders stop."""

    episode_id: UUID
    participant_id: UUID
    reason: Code
    discharged_by: UUID


class ReferralClosed(Event, stream=EPISODE, privacy=2):
    """A human closed an episode without admission or referred it out; its consent ends."""

    episode_id: UUID
    participant_id: UUID
    outcome: Literal["closed", "referred_out"]
    reason: Code
    decided_by: UUID


class ParticipantDetailsChanged(Event, stream=EPISODE, privacy=1):
    """Name, birth date, address, phone or e-mail of the participant changed. Fetch them anew."""

    episode_id: UUID
    participant_id: UUID
    details_version: int
    zone: Zone
    language: Code = "en"
