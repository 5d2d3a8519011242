"""Crisis: whoever may be in danger reaches a human, and somebody always has the case."""

from functools import cached_property
from typing import Any
from uuid import UUID

from catalogue.intake import ParticipantDetailsChanged, ParticipantDischarged
from catalogue.numbers import CRISIS_NUMBERS
from catalogue.risk import RiskDetected
from catalogue.scheduling import ClinicianDetailsChanged, ClinicianRegistered
from chassis.announce import uuid7
from chassis.entrypoints import RuntimeProvider, hears, repeats
from crisis import case, dispatch, follow_up, ladder, metrics, page, rota, sweeper, views
from crisis import schemas as shape
from crisis.board.pages import BoardPages
from crisis.participant import keep_reachable
from crisis.roles import READERS, RESPONDERS, STAFF
from crisis.rota.practising import Practising
from crisis.rota.routes import RotaRoutes
from crisis.rota.screens import RotaScreens
from crisis.sender import PAUSE_SECONDS, Sender
from web.between import Between
from web.fields import CrisisNumbers
from web.routes import route


class Crisis(BoardPages, RotaRoutes, RotaScreens, Practising, Between):
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
        """A case with its pages and timeline."""
        return views.one_case(call.db, case_id)

    @route(
        "POST", "/crisis/cases/<uuid:case_id>/acknowledgement",
        body=shape.NothingBody, returns=shape.Acknowledged, answers=200, allow=RESPONDERS,
    )  # fmt: skip
    def acknowledge(self, call, case_id: UUID):
        """Say "I have it"."""
        who = call.caller.person_id
        taken = case.acknowledge(call.db, case_id, who, by=call.by, at=call.now)
        metrics.count_acknowledged(taken.counted_as, taken.raised_at, call.now)
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

    @repeats(seconds=PAUSE_SECONDS, next_due=page.next_due)
    def send_pages(self) -> bool:
        return self._sender.step()

    @cached_property
    def _sender(self) -> Sender:
        runtime = self.runtime
        return Sender(runtime.database, runtime.vault, runtime.settings)
