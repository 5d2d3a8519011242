"""Events that sessions announces: the programme day, attendance, check-ins and homework."""

from datetime import datetime
from uuid import UUID

from catalogue.event import Code, Event
from catalogue.streams import ATTENDANCE, CHECKIN, HOMEWORK, SESSION


class SessionOpened(Event, stream=SESSION, privacy=1):
    """The programme day of a cohort began and its room is open."""

    session_id: UUID
    occurrence_id: UUID
    cohort_id: UUID
    opened_by: UUID


class SegmentStarted(Event, stream=SESSION, privacy=1):
    """A part of the day began."""

    session_id: UUID
    segment: Code
    position: int


class SessionClosed(Event, stream=SESSION, privacy=1):
    """The programme day was wrapped up; its attendance is final."""

    session_id: UUID
    occurrence_id: UUID
    cohort_id: UUID
    closed_by: UUID


class ParticipantLoggedIn(Event, stream=ATTENDANCE, privacy=2):
    """A participant logged in, said where they are and attested privacy."""

    attendance_id: UUID
    session_id: UUID
    participant_id: UUID
    state: Code
    whereabouts_version: int


class ParticipantLeft(Event, stream=ATTENDANCE, privacy=2):
    """A participant left the room."""

    attendance_id: UUID
    session_id: UUID
    participant_id: UUID


class AttendanceCredited(Event, stream=ATTENDANCE, privacy=2):
    """The minutes of one participant's day were credited, breaks not counted."""

    attendance_id: UUID
    session_id: UUID
    participant_id: UUID
    minutes: int


class CheckInSubmitted(Event, stream=CHECKIN, privacy=2):
    """A participant answered today's check-in. No answer is carried."""

    checkin_id: UUID
    session_id: UUID
    participant_id: UUID


class HomeworkAssigned(Event, stream=HOMEWORK, privacy=2):
    """Homework was given to a participant, due at an instant."""

    homework_id: UUID
    session_id: UUID
    participant_id: UUID
    template: Code
    due_at: datetime


class HomeworkSubmitted(Event, stream=HOMEWORK, privacy=2):
    """A participant handed in their homework."""

    homework_id: UUID
    participant_id: UUID
