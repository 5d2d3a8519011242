"""Notifications: every route, every event heard, and the sending of what is due."""

from functools import cached_property
from typing import Any
from uuid import UUID

from catalogue.intake import (
    ConsentGiven,
    ParticipantAdmitted,
    ParticipantDetailsChanged,
    ParticipantDischarged,
    ReferralClosed,
)
from catalogue.scheduling import (
    OccurrenceCancelled,
    OccurrenceScheduled,
    SeatOffered,
    SeatReleased,
)
from catalogue.sessions import (
    HomeworkAssigned,
    HomeworkSubmitted,
    ParticipantLoggedIn,
    SessionOpened,
)
from channels.channel import Channel
from chassis.entrypoints import RuntimeProvider, fires, hears, repeats
from chassis.receive import Work
from chassis.timers import Fired
from notifications import arrivals, brands, consent, recipients, seats, sending, views, why, wishes
from notifications.messages import Matter, next_due, plan, withdraw
from notifications.schemas import (
    Brand,
    BrandBody,
    Consents,
    Messages,
    MessagesQuery,
    Preferences,
    PreferencesBody,
    Why,
)
from notifications.screens_absence import AbsencePages
from notifications.screens_messages import MessageScreens
from notifications.templates import HOMEWORK_DUE
from notifications.texts import Texts
from web.between import Between
from web.call import Call
from web.routes import route

READERS = ("clinician", "supervisor", "clinic_admin", "auditor", "participant")


class Notifications(AbsencePages, Texts, MessageScreens, Between):
    """Tells participants what they agreed to be told, once, at a decent hour, in discreet words."""

    name = "notifications"
    runtime: Any = RuntimeProvider()

    @route(
        "GET",
        "/notifications/messages",
        query=MessagesQuery,
        returns=Messages,
        allow=READERS,
        clinical=True,
    )
    def messages(self, call: Call) -> dict[str, Any]:
        """Messages of a person, newest last, with the reason of each that was not sent."""
        recipient_id = call.query["recipient_id"]
        call.caller.must_be(recipient_id)
        return views.messages(call.db, recipient_id=recipient_id, limit=call.query["limit"])

    @route(
        "PUT",
        "/notifications/recipients/<uuid:person_id>/preferences",
        body=PreferencesBody,
        returns=Preferences,
        allow=("participant", "clinician"),
    )
    def prefer(self, call: Call, person_id: UUID) -> dict[str, Any]:
        """Say whether and when somebody may be written to."""
        call.caller.must_be(person_id)
        own = call.caller.role == "participant"
        return wishes.prefer(call.db, person_id, call.body, own=own, by=call.by)

    @route(
        "GET",
        "/notifications/recipients/<uuid:person_id>/consents",
        returns=Consents,
        allow=READERS,
        clinical=True,
    )
    def consents(self, call: Call, person_id: UUID) -> dict[str, Any]:
        """What somebody agreed to be told: how things stand, and everything that was said."""
        call.caller.must_be(person_id)
        recipients.look_up(call.db, person_id)
        return views.consents(call.db, person_id=person_id)

    @route(
        "PUT",
        "/notifications/brand",
        body=BrandBody,
        returns=Brand,
        allow=("clinic_admin",),
    )
    def say_brand(self, call: Call) -> Any:
        """Say as whose a clinic's messages appear; what gives too much away is refused."""
        return brands.say(call.db, **call.body, by=call.by, at=call.now)

    @route(
        "GET",
        "/notifications/messages/<uuid:message_id>/why",
        returns=Why,
        allow=READERS,
        clinical=True,
    )
    def explain(self, call: Call, message_id: UUID) -> dict[str, Any]:
        """Why somebody was told, or was not: rule, consent, attempts, and what caused it."""
        told = why.explain(call.db, message_id)
        call.caller.must_be(told["recipient_id"])
        return told

    @hears(ConsentGiven)
    def consent_given(self, work: Work, event: ConsentGiven) -> None:
        recipients.know(work.db, event.clinic_id, event.participant_id)
        consent.take_form(work.db, event, by=_said_by(work), at=work.now)

    @hears(ParticipantDetailsChanged)
    def details_changed(self, work: Work, event: ParticipantDetailsChanged) -> None:
        recipients.want_details(work.db, event)

    @hears(ParticipantAdmitted)
    def participant_admitted(self, work: Work, event: ParticipantAdmitted) -> None:
        recipients.learn_zone(work.db, event)

    @hears(ParticipantDischarged)
    def participant_discharged(self, work: Work, event: ParticipantDischarged) -> None:
        consent.end_form(work.db, event, by=_said_by(work), at=work.now)

    @hears(ReferralClosed)
    def referral_closed(self, work: Work, event: ReferralClosed) -> None:
        consent.end_form(work.db, event, by=_said_by(work), at=work.now)

    @hears(SeatOffered, prepare=seats.hold_cohorts)
    def seat_offered(self, work: Work, event: SeatOffered) -> None:
        seats.take_seat(work.db, event, by=work.message.id)

    @hears(SeatReleased, prepare=seats.hold_cohorts)
    def seat_released(self, work: Work, event: SeatReleased) -> None:
        seats.free_seat(work.db, event, at=work.now)

    @hears(OccurrenceScheduled, prepare=seats.hold_cohorts)
    def occurrence_scheduled(self, work: Work, event: OccurrenceScheduled) -> None:
        seats.schedule_day(work.db, event, by=work.message.id)

    @hears(OccurrenceCancelled, prepare=seats.hold_cohorts)
    def occurrence_cancelled(self, work: Work, event: OccurrenceCancelled) -> None:
        seats.cancel_day(work.db, event, at=work.now)

    @hears(SessionOpened)
    def session_opened(self, work: Work, event: SessionOpened) -> None:
        arrivals.open_room(work.db, event, at=work.message.time, by=work.message.id)

    @hears(ParticipantLoggedIn)
    def participant_logged_in(self, work: Work, event: ParticipantLoggedIn) -> None:
        arrivals.arrive(work.db, event)

    @fires(arrivals.MISSED, owner=arrivals.Room)
    def missed(self, timer: Fired, room: arrivals.Room) -> None:
        arrivals.look_who_is_missed(timer.db, room)

    @hears(HomeworkAssigned)
    def homework_assigned(self, work: Work, event: HomeworkAssigned) -> None:
        due = Matter(event.participant_id, event.homework_id, event.due_at)
        plan(work.db, HOMEWORK_DUE, [due], clinic_id=event.clinic_id, by=work.message.id)

    @hears(HomeworkSubmitted)
    def homework_submitted(self, work: Work, event: HomeworkSubmitted) -> None:
        withdraw(work.db, [event.homework_id], "submitted", recipient_id=event.participant_id)

    @repeats(seconds=1, next_due=next_due)
    def send_messages(self) -> bool:
        runtime = self.runtime
        return sending.send_due(runtime.database, runtime.vault, self._channels, self._links)

    @cached_property
    def _channels(self) -> dict[str, Channel]:
        clock = self.runtime.database.clock
        return self.runtime.settings.channels(lambda: clock.now().timestamp())


def _said_by(work: Work) -> str:
    """The event that says so, for the ledger."""
    return f"event:{work.message.id}"
