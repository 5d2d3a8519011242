"""Scheduling's table of contents: every route it answers and every event it hears."""

from typing import Any
from uuid import UUID

from catalogue.intake import (
    ParticipantAdmitted,
    ParticipantDetailsChanged,
    ParticipantDischarged,
)
from catalogue.notifications import AbsenceAnnounced
from chassis.entrypoints import RuntimeProvider, hears
from chassis.receive import Work
from chassis.refusals import NotFound
from scheduling import clinician, cohort, occurrence, programme, seat, views
from scheduling import schemas as shape
from web.between import Between
from web.call import Call
from web.routes import route

PLANNERS = ("scheduler", "clinic_admin")
SEATING = (*PLANNERS, "clinician")
STAFF = (*SEATING, "supervisor", "crisis_lead", "auditor")

Answer = dict[str, Any]


class Scheduling(Between):
    """Who is where and when."""

    name = "scheduling"
    runtime: Any = RuntimeProvider()

    @route(
        "POST",
        "/scheduling/clinicians",
        body=shape.ClinicianBody,
        returns=shape.ClinicianMade,
        allow=PLANNERS,
    )
    def register_clinician(self, call: Call) -> Answer:
        """Take a clinician on."""
        clinic_id, vault = _clinic(call), self.runtime.vault
        one = clinician.register(call.db, vault, clinic_id, **call.body, by=call.by, at=call.now)
        return {"clinician_id": one.id}

    @route(
        "GET",
        "/scheduling/clinicians",
        query=shape.ListQuery,
        returns=shape.Clinicians,
        allow=STAFF,
    )
    def list_clinicians(self, call: Call) -> Answer:
        """The staff, without names."""
        return views.clinicians(call.db, **call.query)

    @route(
        "GET",
        "/scheduling/clinicians/<uuid:clinician_id>/details",
        returns=shape.Details,
        allow=SEATING,
        clinical=True,
    )
    def show_details(self, call: Call, clinician_id: UUID) -> Answer:
        """Name, e-mail and phone of a clinician; a clinician sees their own."""
        _own_or_planner(call, clinician_id)
        return clinician.details_of(call.db, self.runtime.vault, clinician_id)

    @route(
        "PUT",
        "/scheduling/clinicians/<uuid:clinician_id>/details",
        body=shape.DetailsBody,
        returns=shape.DetailsChanged,
        allow=SEATING,
    )
    def change_details(self, call: Call, clinician_id: UUID) -> Answer:
        """Replace name, e-mail, phone and zone; a clinician changes their own."""
        _own_or_planner(call, clinician_id)
        one = clinician.change_details(
            call.db, self.runtime.vault, clinician_id, **call.body, by=call.by, at=call.now
        )
        return {"clinician_id": one.id, "details_version": one.details_version}

    @route(
        "POST",
        "/scheduling/programmes",
        body=shape.ProgrammeBody,
        returns=shape.ProgrammeMade,
        allow=PLANNERS,
    )
    def publish_programme(self, call: Call) -> Answer:
        """Publish a weekly pattern that cohorts can be opened on."""
        clinic_id = _clinic(call)
        one = programme.publish(call.db, clinic_id, **call.body, by=call.by, at=call.now)
        return {"programme_id": one.id, "weekly_minutes": one.weekly_minutes}

    @route(
        "POST",
        "/scheduling/cohorts",
        body=shape.CohortBody,
        returns=shape.CohortMade,
        allow=PLANNERS,
    )
    def open_cohort(self, call: Call) -> Answer:
        """Open a cohort with the series of its days, all of them or none."""
        clinic_id = _clinic(call)
        one, days = cohort.open_cohort(call.db, clinic_id, **call.body, by=call.by, at=call.now)
        return views.opened(one, days)

    @route("GET", "/scheduling/cohorts", query=shape.ListQuery, returns=shape.Cohorts, allow=STAFF)
    def list_cohorts(self, call: Call) -> Answer:
        """Cohorts and how many of their places are taken."""
        return views.cohorts(call.db, **call.query)

    @route(
        "GET",
        "/scheduling/cohorts/<uuid:cohort_id>",
        returns=shape.Roster,
        allow=STAFF,
        clinical=True,
    )
    def show_cohort(self, call: Call, cohort_id: UUID) -> Answer:
        """A cohort, who sits in it, and its days."""
        return views.cohort(call.db, cohort_id)

    @route(
        "POST",
        "/scheduling/cohorts/<uuid:cohort_id>/seats",
        body=shape.SeatBody,
        returns=shape.SeatMade,
        allow=SEATING,
    )
    def offer_seat(self, call: Call, cohort_id: UUID) -> Answer:
        """Seat a participant on every day still to begin, or on none."""
        participant_id = call.body["participant_id"]
        given = seat.offer(call.db, cohort_id, participant_id, by=call.by, at=call.now)
        return views.offered(*given)

    @route("DELETE", "/scheduling/seats/<uuid:seat_id>", returns=shape.SeatReleased, allow=SEATING)
    def release_seat(self, call: Call, seat_id: UUID) -> Answer:
        """Take a participant's place back."""
        one = seat.seat_of(call.db, seat_id)
        seat.release(call.db, one, reason="withdrawn", by=call.by, at=call.now)
        return {"seat_id": one.id, "state": one.state}

    @route(
        "GET",
        "/scheduling/occurrences",
        query=shape.OccurrenceQuery,
        returns=shape.Occurrences,
        allow=STAFF,
    )
    def list_occurrences(self, call: Call) -> Answer:
        """Dated days with their segments, by cohort and local date."""
        return views.occurrences(call.db, **call.query)

    @route(
        "POST",
        "/scheduling/occurrences/<uuid:occurrence_id>/cancellation",
        body=shape.CancellationBody,
        answers=200,
        returns=shape.OccurrenceCancelled,
        allow=PLANNERS,
    )
    def cancel_occurrence(self, call: Call, occurrence_id: UUID) -> Answer:
        """Call a day off."""
        one = occurrence.cancel(
            call.db, occurrence_id, reason=call.body["reason"], by=call.by, at=call.now
        )
        return {"occurrence_id": one.id, "state": one.state}

    @hears(ParticipantAdmitted)
    def on_admitted(self, work: Work, event: ParticipantAdmitted) -> None:
        """From now on the participant may be seated."""
        seat.admit(work.db, event, at=work.message.time)

    @hears(ParticipantDetailsChanged)
    def on_details_changed(self, work: Work, event: ParticipantDetailsChanged) -> None:
        """The participant may live by another clock now."""
        seat.move(work.db, event.episode_id, zone=event.zone)

    @hears(AbsenceAnnounced)
    def on_absence_announced(self, work: Work, event: AbsenceAnnounced) -> None:
        """The participant's place is free for that day, if it was not over when they said so."""
        seat.release_day(work.db, event.occurrence_id, event.participant_id, at=work.message.time)

    @hears(ParticipantDischarged)
    def on_discharged(self, work: Work, event: ParticipantDischarged) -> None:
        """Nobody is seated on this episode again, and its seats are free."""
        by = f"intake:{event.discharged_by}"
        seat.discharge(work.db, event.episode_id, by=by, at=work.now)


def _clinic(call: Call) -> UUID:
    """The clinic that the body names, checked to be the caller's and taken out of the body."""
    clinic_id = call.clinic_id
    del call.body["clinic_id"]
    return clinic_id


def _own_or_planner(call: Call, clinician_id: UUID) -> None:
    """Those who plan reach every clinician's details, a clinician only their own."""
    if call.caller.role == "clinician" and call.caller.person_id != clinician_id:
        raise NotFound("not_found", clinician_id=str(clinician_id))
