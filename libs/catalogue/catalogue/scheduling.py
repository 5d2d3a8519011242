"""Events that scheduling announces: clinicians, cohorts, seats and dated days."""

from datetime import date, datetime
from uuid import UUID

from catalogue.event import Code, Event, Zone
from catalogue.streams import CLINICIAN, COHORT, OCCURRENCE, SEAT


class ClinicianRegistered(Event, stream=CLINICIAN, privacy=1):
    """A clinician joined the clinic's staff, with the states of their licences."""

    clinician_id: UUID
    roles: tuple[Code, ...]
    states: tuple[Code, ...]
    details_version: int
    zone: Zone


class ClinicianDetailsChanged(Event, stream=CLINICIAN, privacy=1):
    """Name, e-mail, phone or zone of the clinician changed. Fetch the details anew."""

    clinician_id: UUID
    details_version: int
    zone: Zone


class CohortOpened(Event, stream=COHORT, privacy=1):
    """A cohort takes participants."""

    cohort_id: UUID
    programme_id: UUID
    facilitator_id: UUID
    capacity: int
    zone: Zone


class SeatOffered(Event, stream=SEAT, privacy=2):
    """A participant has a place in a cohort for the whole series of its days."""

    seat_id: UUID
    cohort_id: UUID
    participant_id: UUID
    episode_id: UUID
    first_starts_at: datetime
    occurrences: int


class SeatReleased(Event, stream=SEAT, privacy=2):
    """The participant no longer has this place."""

    seat_id: UUID
    cohort_id: UUID
    participant_id: UUID
    reason: Code


class SeatReleasedForDay(Event, stream=SEAT, privacy=2):
    """The participant will not come on one day of the series; the place in the cohort is kept."""

    seat_id: UUID
    cohort_id: UUID
    participant_id: UUID
    occurrence_id: UUID
    reason: Code


class OccurrenceScheduled(Event, stream=OCCURRENCE, privacy=1):
    """A dated programme day of a cohort, with its segments as UTC instants."""

    occurrence_id: UUID
    cohort_id: UUID
    facilitator_id: UUID
    day_on: date
    zone: Zone
    starts_at: datetime
    ends_at: datetime
    segment_kinds: tuple[Code, ...]
    segment_starts_at: tuple[datetime, ...]
    segment_ends_at: tuple[datetime, ...]


class OccurrenceCancelled(Event, stream=OCCURRENCE, privacy=1):
    """A scheduled programme day will not take place."""

    occurrence_id: UUID
    cohort_id: UUID
    reason: Code
