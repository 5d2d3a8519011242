"""Crisis: whoever may be in danger reaches a human, and somebody always has the case."""

from functools import cached_property
from typing import Any
from uuid import UUID

from catalogue.intake import ParticipantDetailsChanged, ParticipantDischarged
from catalogue.numbers import CRISIS_NUMBERS
from catalogue.risk import RiskDetected
from catalogue.scheduling import ClinicianDetailsChanged, ClinicianRegistered
from catalogue.sessions import ParticipantLoggedIn
from chassis.announce import uuid7
from chassis.entrypoints import RuntimeProvider, hears, repeats
from crisis import case, dispatch, follow_up, ladder, metrics, rota, sweeper, views
from crisis import schemas as shape
from crisis.board.pages import BoardPages
from crisis.packet import call_centre, packet, whereabouts
from crisis.packet.schemas import (
    CallCentreBody,
    CallCentreShown,
    CallCentresQuery,
    CallCentresShown,
    PacketShown,
)
from crisis.packet.screens import PacketScreens
from crisis.paging.routes import Paging
from crisis.paging.sender import PAUSE_SECONDS, Sender, next_due
from crisis.participant import keep_reachable
from crisis.plan import plan
from crisis.plan import screens as plan_screens
from crisis.plan.schemas import PlanBody, PlanOfParticipant, PlanWritten
from crisis.plan.screens import PlanScreens
from crisis.record import checkpoint, export
from crisis.record.schemas import TimelineSigned
from crisis.roles import READERS, RESPONDERS, STAFF
from crisis.rota.looking_back import LookingBack
from crisis.rota.practising import Practising
from crisis.rota.routes import RotaRoutes
from crisis.rota.screens import RotaScreens
from crisis.screens_help import HelpScreen
from web.between import Between
from web.fields import CrisisNumbers
from web.routes import route

EXPORTERS = ("supervisor", "crisis_lead", "clinic_admin", "auditor")


class Crisis(
    HelpScreen, BoardPages, Paging, PacketScreens, PlanScreens,
    RotaRoutes, RotaScreens, Practising, LookingBack, Between,
):  # fmt: skip
    """Cases, their ladders and pages, and the rotas of the clinics."""

    name = "crisis"
    runtime: Any = RuntimeProvider()

    @route("GET", "/crisis/numbers", open=True, transaction=False, returns=CrisisNumbers)
    def numbers(self, call):
        """Whom to call or text in danger; static, so that nothing of ours can hide it."""
        return CRISIS_NUMBERS

    @route("POST", "/crisis/cases", body=shape.CaseBody, returns=shape.CaseListed, allow=STAFF)
    def open_case(self, call):
        """Open a case by hand, or attach to the open one."""
        facts = {**call.body, "clinic_id": call.clinic_id}
        risk = RiskDetected(**facts, risk_id=uuid7())
        taken = ladder.take(call.db, risk, noticed_at=call.now, by=call.by, at=call.now)
        metrics.count_taken(taken.outcome, taken.case.tier, taken.steps, call.now)
        return views.summary(taken.case)

    @route(
        "GET", "/crisis/cases",
        query=shape.CasesQuery, returns=shape.CasesListed, allow=READERS, clinical=True,
    )  # fmt: skip
    def list_cases(self, call):
        """Cases, newest last."""
        clinic_id = call.clinic_id if call.named_clinic_id else None
        return views.cases(call.db, **{**call.query, "clinic_id": clinic_id})

    @route(
        "GET", "/crisis/cases/<uuid:case_id>",
        returns=shape.CaseShown, allow=READERS, clinical=True,
    )  # fmt: skip
    def show_case(self, call, case_id: UUID):
        """A case with its pages and timeline, the participant's safety plan first."""
        shown = views.one_case(call.db, case_id)
        found = plan.newest(call.db, self.runtime.vault, shown["participant_id"])
        return {"plan": found, **shown}

    @route(
        "GET", "/crisis/cases/<uuid:case_id>/timeline",
        returns=TimelineSigned, allow=EXPORTERS, clinical=True,
    )  # fmt: skip
    def export_timeline(self, call, case_id: UUID):
        """A case's timeline to take away, signed."""
        key = self.runtime.settings.timeline_key
        return export.timeline(call.db, case_id, key, by=call.by, at=call.now)

    @route(
        "POST", "/crisis/cases/<uuid:case_id>/acknowledgement",
        body=shape.NothingBody, returns=shape.Acknowledged, answers=200, allow=RESPONDERS,
    )  # fmt: skip
    def acknowledge(self, call, case_id: UUID):
        """Say "I have it"."""
        who = call.caller.person_id
        taken = case.acknowledge(call.db, case_id, who, by=call.by, at=call.now)
        metrics.count_acknowledged(taken, call.now)
        return {"case_id": taken.id, "acknowledged_by": who, "contact_due_at": taken.next_due_at}

    @route(
        "POST", "/crisis/cases/<uuid:case_id>/contact",
        body=shape.NothingBody, returns=shape.CaseListed, answers=200, allow=RESPONDERS,
    )  # fmt: skip
    def log_contact(self, call, case_id: UUID):
        """Say that somebody speaks with the participant."""
        return views.summary(case.log_contact(call.db, case_id, by=call.by, at=call.now))

    @route(
        "POST", "/crisis/cases/<uuid:case_id>/take-over",
        body=shape.NothingBody, returns=shape.CaseListed, answers=200, allow=RESPONDERS,
    )  # fmt: skip
    def take_over(self, call, case_id: UUID):
        """Have the case instead of whoever has it."""
        who = call.caller.person_id
        return views.summary(case.take_over(call.db, case_id, who, by=call.by, at=call.now))

    @route(
        "POST", "/crisis/cases/<uuid:case_id>/lower-tier",
        body=shape.LowerTierBody, returns=shape.CaseListed, answers=200, allow=RESPONDERS,
    )  # fmt: skip
    def lower_tier(self, call, case_id: UUID):
        """Find less danger than was feared."""
        given = {**call.body, "by": call.by, "at": call.now}
        return views.summary(case.lower_tier(call.db, case_id, call.caller.person_id, **given))

    @route(
        "POST", "/crisis/cases/<uuid:case_id>/dispatch",
        body=shape.DispatchBody, returns=shape.CaseListed, answers=200, allow=RESPONDERS,
    )  # fmt: skip
    def dispatch(self, call, case_id: UUID):
        """Say that you called emergency services; this software never does."""
        basis = call.body["basis"]
        sent = dispatch.dispatch(call.db, case_id, basis=basis, by=call.by, at=call.now)
        return views.summary(sent)

    @route(
        "POST", "/crisis/cases/<uuid:case_id>/hand-over",
        body=shape.HandOverBody, returns=shape.CaseListed, answers=200, allow=RESPONDERS,
    )  # fmt: skip
    def hand_over(self, call, case_id: UUID):
        """Say who has the participant in their care now."""
        to = call.body["to"]
        return views.summary(dispatch.hand_over(call.db, case_id, to=to, by=call.by, at=call.now))

    @route(
        "POST", "/crisis/cases/<uuid:case_id>/conclusion",
        body=shape.ConclusionBody, returns=shape.CaseListed, answers=200, allow=RESPONDERS,
    )  # fmt: skip
    def conclude(self, call, case_id: UUID):
        """End the acute part: keep contact, or close the case where none is owed."""
        given = {**call.body, "by": call.by, "at": call.now}
        ended = follow_up.conclude(call.db, case_id, call.caller.person_id, **given)
        metrics.count_concluded(ended.tier, ended.state)
        return views.summary(ended)

    @route(
        "POST", "/crisis/cases/<uuid:case_id>/follow-up",
        body=shape.ContactBody, returns=shape.CaseListed, answers=200, allow=RESPONDERS,
    )  # fmt: skip
    def keep_contact(self, call, case_id: UUID):
        """Say that the next contact of the follow-up was made; the last one closes the case."""
        due_at = call.body["due_at"]
        kept = follow_up.keep_contact(call.db, case_id, due_at=due_at, by=call.by, at=call.now)
        metrics.count_concluded(kept.tier, kept.state)
        return views.summary(kept)

    @route(
        "GET", "/crisis/cases/<uuid:case_id>/packet-facts",
        returns=PacketShown, allow=RESPONDERS, clinical=True,
    )  # fmt: skip
    def show_packet(self, call, case_id: UUID):
        """What emergency services must be told; opening it calls nobody."""
        return packet.packet(call.db, self.runtime.vault, case_id)

    @route(
        "PUT", "/crisis/call-centres",
        body=CallCentreBody, returns=CallCentreShown, allow=("crisis_lead", "clinic_admin"),
    )  # fmt: skip
    def enter_call_centre(self, call):
        """Enter the ten-digit number of the emergency call centre for a state."""
        state, number = call.body["state"], call.body["number"]
        call_centre.enter(call.db, call.clinic_id, state, number, by=call.by, at=call.now)
        return {**call.body, "entered_at": call.now}

    @route(
        "GET", "/crisis/call-centres",
        query=CallCentresQuery, returns=CallCentresShown, allow=STAFF,
    )  # fmt: skip
    def list_call_centres(self, call):
        """Numbers of emergency call centres."""
        clinic_id = call.clinic_id if call.named_clinic_id else None
        return {"items": call_centre.numbers(call.db, clinic_id)}

    @route(
        "GET", "/crisis/participants/<uuid:participant_id>/safety-plan",
        returns=PlanOfParticipant, allow=(*READERS, "participant"), clinical=True,
    )  # fmt: skip
    def show_plan(self, call, participant_id: UUID):
        """A participant's safety plan as it is now."""
        call.caller.must_be(participant_id)
        return {"plan": plan.of_known(call.db, self.runtime.vault, participant_id)}

    @route(
        "POST", "/crisis/participants/<uuid:participant_id>/safety-plan",
        body=PlanBody, returns=PlanWritten, allow=RESPONDERS,
    )  # fmt: skip
    def write_plan(self, call, participant_id: UUID):
        """Write the next version of a safety plan down, together with the participant."""
        made = plan_screens.write(call, self.runtime.vault, participant_id)
        return {"participant_id": participant_id, "version": made.version}

    @hears(RiskDetected)
    def on_risk_detected(self, work, risk: RiskDetected):
        noticed_at = min(work.message.time, work.now)
        by = f"service:{work.message.source}"
        taken = ladder.take(work.db, risk, noticed_at=noticed_at, by=by, at=work.now)
        metrics.count_taken(taken.outcome, taken.case.tier, taken.steps, work.now)

    @hears(ClinicianRegistered)
    def on_clinician_registered(self, work, clinician: ClinicianRegistered):
        rota.register(work.db, clinician)

    @hears(ClinicianDetailsChanged)
    def on_clinician_details_changed(self, work, changed: ClinicianDetailsChanged):
        rota.keep_reachable(work.db, changed)

    @hears(ParticipantDetailsChanged)
    def on_details_changed(self, work, changed: ParticipantDetailsChanged):
        keep_reachable(work.db, changed)

    @hears(ParticipantLoggedIn)
    def on_logged_in(self, work, said: ParticipantLoggedIn):
        whereabouts.ask(work.db, said)

    @hears(ParticipantDischarged)
    def on_discharged(self, work, discharged: ParticipantDischarged):
        case.note_discharge(
            work.db,
            discharged.clinic_id,
            discharged.participant_id,
            by=f"service:{work.message.source}",
            at=work.now,
        )

    @repeats(seconds=sweeper.INTERVAL_SECONDS, next_due=ladder.next_due)
    def sweep_ladders(self) -> bool:
        return sweeper.sweep(self.runtime.database) > 0

    @repeats(seconds=PAUSE_SECONDS, next_due=next_due)
    def send_pages(self) -> bool:
        return self._sender.step()

    @repeats(seconds=checkpoint.LOOK_SECONDS)
    def sign_timelines(self) -> bool:
        return checkpoint.sign_ends(self.runtime.database, self.runtime.settings.timeline_key)

    @repeats(seconds=whereabouts.FETCH_SECONDS)
    def fetch_whereabouts(self) -> bool:
        return whereabouts.fetch(self.runtime)

    @cached_property
    def _sender(self) -> Sender:
        runtime = self.runtime
        return Sender(runtime.database, runtime.vault, runtime.settings)
