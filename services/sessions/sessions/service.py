"""The table of contents of sessions: what people can do in it, what it hears, what falls due."""

from dataclasses import asdict
from datetime import datetime, time
from typing import Any
from uuid import UUID

from catalogue.crisis import CaseClosed, CaseOpened, RiskAttached, TierChanged
from catalogue.intake import ParticipantAdmitted, ParticipantDischarged
from catalogue.numbers import CRISIS_NUMBERS
from catalogue.scheduling import (
    ClinicianRegistered,
    OccurrenceCancelled,
    OccurrenceScheduled,
    SeatOffered,
    SeatReleased,
    SeatReleasedForDay,
)
from chassis.entrypoints import RuntimeProvider, fires, hears
from chassis.receive import Work
from chassis.timers import Fired
from sessions import body_check, danger, homework, roster, schemas, session, views
from sessions.attendance import Attendance
from sessions.checkin import check_in
from sessions.homework import Homework
from sessions.session import Session
from web.between import Between
from web.call import Call
from web.routes import route

STAFF = ("clinician", "supervisor", "crisis_lead", "scheduler", "clinic_admin", "auditor")
CARE = ("participant", "clinician", "supervisor", "crisis_lead", "clinic_admin", "auditor")
IN_ROOM = ("participant", "clinician")
IN_SESSION = "/sessions/sessions/<uuid:session_id>"


class Sessions(Between):
    name = "sessions"
    runtime = RuntimeProvider()

    @route(
        "GET", "/sessions/days", query=schemas.DaysQuery, returns=schemas.Days, allow=STAFF
    )  # fmt: skip
    def see_days(self, call: Call) -> Any:
        """The programme days of a date, each with the state of its session."""
        query = {"cohort_id": None, **call.query}
        return {"items": views.days(call.db, **query)}

    @route(
        "POST", "/sessions/occurrences/<uuid:occurrence_id>/session", body=schemas.OpenBody,
        returns=schemas.Opened, allow=("clinician",), clinical=True,
    )  # fmt: skip
    def open_session(self, call: Call, occurrence_id: UUID) -> Any:
        """Open the room of a day, 30 minutes before its start at the earliest."""
        opened = Session.open(call.db, occurrence_id, by=_me(call), at=call.now)
        expected = views.expected(call.db, opened.session_id)
        return {"session_id": opened.session_id, "expected": expected}

    @route("GET", IN_SESSION, returns=schemas.Session, allow=STAFF, clinical=True)
    def see_session(self, call: Call, session_id: UUID) -> Any:
        """One session: its segments and everybody expected."""
        return views.session(call.db, session_id)

    @route(
        "GET", "/sessions/participants/<uuid:participant_id>/day", query=schemas.DayQuery,
        returns=schemas.DayOfParticipant, allow=CARE, clinical=True,
    )  # fmt: skip
    def see_day_of_participant(self, call: Call, participant_id: UUID) -> Any:
        """A person's programme day and open homework."""
        call.caller.must_be(participant_id)
        return views.day_of(call.db, participant_id, on=call.query["on"])

    @route(
        "POST", f"{IN_SESSION}/log-ins", body=schemas.LogInBody, returns=schemas.Moved,
        allow=IN_ROOM, in_danger=True,
    )  # fmt: skip
    def log_in(self, call: Call, session_id: UUID) -> Any:
        """Log in: say where one is, how to be called back, and whether one is alone."""
        said, private = call.body, call.body.pop("private")
        participant_id = _own(call, said.pop("participant_id"))
        row = session.log_in(
            call.db, self.runtime.vault, session_id, participant_id, said, private=private,
            vouched=call.caller.role == "clinician", by=call.by, at=call.now,
        )  # fmt: skip
        return {"attendance_id": row.attendance_id, "state": row.state}

    @route(
        "POST", f"{IN_SESSION}/leaves", body=schemas.PersonBody, returns=schemas.Moved,
        answers=200, allow=IN_ROOM, in_danger=True,
    )  # fmt: skip
    def leave(self, call: Call, session_id: UUID) -> Any:
        """Leave the room; logging in again resumes."""
        participant_id = _own(call, call.body["participant_id"])
        row = session.leave(call.db, session_id, participant_id, by=call.by, at=call.now)
        return {"attendance_id": row.attendance_id, "state": row.state}

    @route(
        "POST", f"{IN_SESSION}/heartbeats", body=schemas.PersonBody, answers=204, allow=IN_ROOM,
        in_danger=True,
    )  # fmt: skip
    def heartbeat(self, call: Call, session_id: UUID) -> Any:
        """Every 15 seconds, from the client of somebody who is there: evidence of presence."""
        participant_id = _own(call, call.body["participant_id"])
        Attendance.find(call.db, session_id, participant_id).hear(call.db, at=call.now)

    @route(
        "POST", f"{IN_SESSION}/check-ins", body=schemas.CheckInBody, returns=schemas.CheckedIn,
        allow=("participant",), in_danger=True,
    )  # fmt: skip
    def check_in(self, call: Call, session_id: UUID) -> Any:
        """Say how one is today. Danger is announced before this answers."""
        participant_id = _own(call, call.body.pop("participant_id"))
        row = Attendance.find(call.db, session_id, participant_id, also_released=True)
        answered, risk = check_in(call.db, row, **call.body, by=call.by, at=call.now)
        return {
            "checkin_id": answered.checkin_id,
            "risk": asdict(risk) if risk else None,
            "crisis_numbers": CRISIS_NUMBERS,
        }

    @route(
        "POST", f"{IN_SESSION}/body-checks", body=schemas.BodyCheckBody,
        returns=schemas.BodyChecked, allow=("participant",), in_danger=True,
    )  # fmt: skip
    def check_body(self, call: Call, session_id: UUID) -> Any:
        """Say how one's body is. Danger is announced before this answers."""
        participant_id = _own(call, call.body.pop("participant_id"))
        row = Attendance.find(call.db, session_id, participant_id, also_released=True)
        check, risk = body_check.submit(call.db, row, **call.body, by=call.by, at=call.now)
        return {
            "body_check_id": check.body_check_id,
            "risk": asdict(risk) if risk else None,
            "crisis_numbers": CRISIS_NUMBERS,
        }

    @route(
        "POST", f"{IN_SESSION}/panic", body=schemas.PersonBody, returns=schemas.Alarmed,
        allow=("clinician",), in_danger=True,
    )  # fmt: skip
    def panic(self, call: Call, session_id: UUID) -> Any:
        """The facilitator's panic button: this participant is in danger now."""
        participant_id = call.body["participant_id"]
        row = Attendance.find(call.db, session_id, participant_id, also_released=True)
        risk = danger.panic(call.db, row, by=_me(call))
        return {"risk": asdict(risk), "crisis_numbers": CRISIS_NUMBERS}

    @route(
        "POST", f"{IN_SESSION}/segments", body=schemas.SegmentBody, returns=schemas.SegmentStarted,
        answers=200, allow=("clinician",),
    )  # fmt: skip
    def start_segment(self, call: Call, session_id: UUID) -> Any:
        """Start the next part of the day; places count from 0."""
        day = Session.find(call.db, session_id, alone=True)
        position = call.body["position"]
        segment = day.start_segment(call.db, position, by=_me(call), at=call.now)
        return {"session_id": session_id, "position": position, "segment": segment.kind}

    @route(
        "POST", f"{IN_SESSION}/homework", body=schemas.HomeworkBody, returns=schemas.Assigned,
        allow=("clinician",),
    )  # fmt: skip
    def assign_homework(self, call: Call, session_id: UUID) -> Any:
        """Give homework to everybody who came, due at a local time of the cohort."""
        given = homework.assign(
            call.db, Session.find(call.db, session_id), template=call.body["template"],
            due_on=call.body["due_on"], due_local=time.fromisoformat(call.body["due_local"]),
            by=_me(call), at=call.now,
        )  # fmt: skip
        return {"homework": views.of_homework(given)}

    @route(
        "POST", "/sessions/homework/<uuid:homework_id>/submission", body=schemas.SubmissionBody,
        returns=schemas.Submitted, answers=200, allow=("participant",),
    )  # fmt: skip
    def submit_homework(self, call: Call, homework_id: UUID) -> Any:
        """Hand homework in, once."""
        row = Homework.find(call.db, homework_id)
        call.caller.must_be(row.participant_id)
        row.submit(call.db, by=call.by, at=call.now)
        return {"homework_id": homework_id, "state": row.state}

    @route(
        "POST", f"{IN_SESSION}/wrap-up", body=schemas.OpenBody, returns=schemas.Credited,
        answers=200, allow=("clinician",),
    )  # fmt: skip
    def wrap_up(self, call: Call, session_id: UUID) -> Any:
        """Close the day, once it has begun, and credit everybody's minutes."""
        day = Session.find(call.db, session_id, alone=True)
        credited = day.wrap_up(call.db, by=_me(call), at=call.now)
        return {"credited": views.of_credits(credited)}

    @hears(OccurrenceScheduled)
    def occurrence_scheduled(self, work: Work, event: OccurrenceScheduled) -> None:
        roster.schedule(work.db, event)

    @hears(OccurrenceCancelled)
    def occurrence_cancelled(self, work: Work, event: OccurrenceCancelled) -> None:
        roster.cancel(work.db, event, at=work.message.time)

    @hears(SeatOffered)
    def seat_offered(self, work: Work, event: SeatOffered) -> None:
        session.seat_changed(work.db, roster.offer_seat(work.db, event))

    @hears(SeatReleased)
    def seat_released(self, work: Work, event: SeatReleased) -> None:
        seat = roster.release_seat(work.db, event, at=work.message.time)
        session.seat_changed(work.db, seat)

    @hears(SeatReleasedForDay)
    def seat_released_for_day(self, work: Work, event: SeatReleasedForDay) -> None:
        roster.note_absence(work.db, event)

    @hears(ParticipantAdmitted)
    def participant_admitted(self, work: Work, event: ParticipantAdmitted) -> None:
        roster.admit(work.db, event, at=work.message.time)

    @hears(ParticipantDischarged)
    def participant_discharged(self, work: Work, event: ParticipantDischarged) -> None:
        roster.discharge(work.db, event)

    @hears(ClinicianRegistered)
    def clinician_registered(self, work: Work, event: ClinicianRegistered) -> None:
        roster.register(work.db, event)

    @hears(CaseOpened)
    def case_opened(self, work: Work, event: CaseOpened) -> None:
        roster.note_case(work.db, event)

    @hears(RiskAttached)
    def risk_attached(self, work: Work, event: RiskAttached) -> None:
        roster.note_case(work.db, event)

    @hears(TierChanged)
    def tier_changed(self, work: Work, event: TierChanged) -> None:
        roster.note_case(work.db, event)

    @hears(CaseClosed)
    def case_closed(self, work: Work, event: CaseClosed) -> None:
        roster.forget_case(work.db, event)

    @fires(session.NO_SHOW, owner=Session)
    def no_show(self, timer: Fired, day: Session) -> None:
        day.miss_no_shows(timer.db)

    @fires(session.BREAK_OVER, owner=Session)
    def break_over(self, timer: Fired, day: Session) -> None:
        ended_at = datetime.fromisoformat(timer.payload["ended_at"])
        day.look_for_those_not_back(timer.db, ended_at)

    @fires(homework.DUE, owner=Homework)
    def homework_due(self, timer: Fired, row: Homework) -> None:
        row.fall_due()


def _own(call: Call, participant_id: UUID) -> UUID:
    """Whom a call is about: a participant acts for nobody else."""
    call.caller.must_be(participant_id)
    return participant_id


def _me(call: Call) -> UUID:
    """Staff by the id of their token."""
    return UUID(str(call.caller.id))
