"""Intake's table of contents: every route it answers, event it hears, and timer it fires."""

from typing import Any
from uuid import UUID

from catalogue.crisis import CaseClosed, CaseOpened, RiskAttached
from catalogue.intake import ParticipantDetailsChanged
from catalogue.sessions import AttendanceCredited
from chassis.announce import announce
from chassis.entrypoints import RuntimeProvider, fires, hears
from chassis.receive import Work
from chassis.timers import Fired
from intake import episode, views
from intake import schemas as shape
from intake.episode import Episode
from intake.instruments import INSTRUMENTS
from intake.participant import Participant
from intake.recommendation import Recommended
from intake.risk import Case, Risk
from intake.screen import OVERDUE, SUICIDE_SCREEN_DUE, Screen
from web.between import Between
from web.call import Call
from web.routes import route

DESK = ("clinician", "scheduler", "clinic_admin")
CARE = ("clinician", "clinic_admin")
READERS = ("clinician", "supervisor", "clinic_admin", "scheduler", "crisis_lead", "auditor")
AT_SCREEN = ("clinician", "participant")

Shown = dict[str, Any]


class Intake(Between):
    """Who asks for care, who is screened, which level fits, and who is admitted."""

    name = "intake"
    runtime: Any = RuntimeProvider()

    @route(
        "POST", "/intake/referrals",
        body=shape.ReferralBody, returns=shape.EpisodeListed, allow=DESK,
    )  # fmt: skip
    def take_referral(self, call: Call) -> Shown:
        """Take a referral and open an episode."""
        db, given = call.db, call.body
        details = given["participant"]
        person = Participant.enter(db, self.runtime.vault, call.clinic_id, details, by=call.by)
        one = Episode.refer(
            db, person, given["kind"], hospital_left_on=given.get("discharged_on"), by=call.by,
            at=call.now,
        )  # fmt: skip
        _details_changed(call, one, person)
        return views.listed(one)

    @route(
        "GET", "/intake/episodes",
        query=shape.EpisodesQuery, returns=shape.EpisodesListed, allow=READERS, clinical=True,
    )  # fmt: skip
    def list_episodes(self, call: Call) -> Shown:
        """List the episodes of the caller's clinics, newest last."""
        if call.named_clinic_id:
            call.query["clinic_id"] = call.clinic_id
        return views.episodes(call.db, **call.query)

    @route(
        "GET", "/intake/episodes/<uuid:episode_id>",
        returns=shape.EpisodeShown, allow=(*READERS, "participant"), clinical=True,
    )  # fmt: skip
    def show_episode(self, call: Call, episode_id: UUID) -> Shown:
        """Show an episode; participants see their own, without what the rules suggest."""
        one = _own_episode(call, episode_id)
        if call.caller.role == "participant":
            return views.episode_to_participant(call.db, one)
        return views.episode_to_staff(call.db, one)

    @route(
        "POST", "/intake/episodes/<uuid:episode_id>/screens",
        body=shape.ScreenBody, returns=shape.ScreenPut, allow=AT_SCREEN, in_danger=True,
    )  # fmt: skip
    def put_screen(self, call: Call, episode_id: UUID) -> Shown:
        """Put an instrument to the participant; it must be ended within ten minutes."""
        one = _own_episode(call, episode_id, lock=True)
        screen = Screen.put(call.db, one, call.body["instrument"], by=call.by, at=call.now)
        asked = {"items": INSTRUMENTS[screen.instrument].items, "must_end_by": screen.must_end_by}
        return {**views.of_screen(screen, None), **asked}

    @route(
        "POST", "/intake/screens/<uuid:screen_id>/answers",
        body=shape.AnswersBody, returns=shape.Answered, answers=200, allow=AT_SCREEN,
        in_danger=True,
    )  # fmt: skip
    def answer_screen(self, call: Call, screen_id: UUID) -> Shown:
        """Keep answers. A sign of danger is announced with them, before anything else is asked."""
        screen = _own_screen(call, screen_id)
        risk = screen.answer(call.db, call.body["answers"], by=call.by, at=call.now)
        return {**views.of_screen(screen, risk), "missing": screen.missing(call.db)}

    @route(
        "POST", "/intake/screens/<uuid:screen_id>/completion",
        returns=shape.ScreenShown, answers=200, allow=AT_SCREEN, in_danger=True,
    )  # fmt: skip
    def complete_screen(self, call: Call, screen_id: UUID) -> Shown:
        """Score a screen that was answered to the end."""
        screen = _own_screen(call, screen_id)
        screen.complete(call.db, Episode.find(call.db, screen.episode_id, lock=True), at=call.now)
        return views.of_screen(screen, Risk.gravest_of(call.db, screen.id))

    @route(
        "POST", "/intake/episodes/<uuid:episode_id>/recommendation",
        body=shape.RecommendationBody, returns=shape.RecommendationShown, answers=200,
        allow=("clinician",),
    )  # fmt: skip
    def recommend_level(self, call: Call, episode_id: UUID) -> Shown:
        """Run the level-of-care rules on the stated facts and the episode's screens."""
        one = Episode.find(call.db, episode_id, lock=True)
        facts = call.body["facts"]
        return views.recommended(Recommended.make(call.db, one, facts, by=call.by, at=call.now))

    @route(
        "POST", "/intake/episodes/<uuid:episode_id>/level",
        body=shape.LevelBody, returns=shape.EpisodeListed, answers=200, allow=("clinician",),
    )  # fmt: skip
    def confirm_level(self, call: Call, episode_id: UUID) -> Shown:
        """Confirm a level of care, as recommended or, with a reason, otherwise."""
        one = Episode.find(call.db, episode_id, lock=True)
        last = Recommended.last_of(call.db, one.id)
        decided = {"reason": None, **call.body, "recommended": last and last.level}
        decided["since"] = last and last.made_at
        one.confirm(call.db, decided.pop("level"), **decided, by=_human(call), at=call.now)
        return views.listed(one)

    @route(
        "POST", "/intake/episodes/<uuid:episode_id>/consents",
        body=shape.ConsentBody, returns=shape.ConsentShown, allow=AT_SCREEN,
    )  # fmt: skip
    def give_consent(self, call: Call, episode_id: UUID) -> Shown:
        """Record a consent, and which kinds of message it covers."""
        one = _own_episode(call, episode_id, lock=True)
        given = one.consent(call.db, **call.body, by=call.by, at=call.now)
        return {**views.listed(one), "consent_id": given.id, "version": given.version}

    @route(
        "POST", "/intake/episodes/<uuid:episode_id>/admission",
        body=shape.NothingBody, returns=shape.EpisodeListed, answers=200, allow=CARE,
    )  # fmt: skip
    def admit(self, call: Call, episode_id: UUID) -> Shown:
        """Admit the participant to the online IOP."""
        one = Episode.find(call.db, episode_id, lock=True)
        one.admit(call.db, Recommended.gates_of(call.db, one.id), by=_human(call), at=call.now)
        return views.listed(one)

    @route(
        "POST", "/intake/episodes/<uuid:episode_id>/discharge",
        body=shape.DischargeBody, returns=shape.EpisodeListed, answers=200, allow=CARE,
    )  # fmt: skip
    def discharge(self, call: Call, episode_id: UUID) -> Shown:
        """Discharge the participant; never with an open case."""
        one = Episode.find(call.db, episode_id, lock=True)
        one.discharge(call.db, call.body["reason"], by=_human(call), at=call.now)
        return views.listed(one)

    @route(
        "POST", "/intake/episodes/<uuid:episode_id>/closure",
        body=shape.EndBody, returns=shape.EpisodeListed, answers=200, allow=CARE,
    )  # fmt: skip
    def decide_against(self, call: Call, episode_id: UUID) -> Shown:
        """Close a referral that leads to no admission, or refer it out."""
        one = Episode.find(call.db, episode_id, lock=True)
        step, reason = shape.ENDS[call.body["outcome"]], call.body["reason"]
        one.decide_against(call.db, step, reason, by=call.caller.person_id, at=call.now)
        return views.listed(one)

    @route(
        "GET", "/intake/participants/<uuid:participant_id>/details",
        returns=shape.DetailsShown, allow=(*DESK, "participant"), clinical=True,
    )  # fmt: skip
    def show_details(self, call: Call, participant_id: UUID) -> Shown:
        """Show name, birth date, address and numbers of a participant."""
        call.caller.must_be(participant_id)
        person = Participant.find(call.db, participant_id)
        return {**_person(person), **person.details(call.db, self.runtime.vault)}

    @route(
        "PUT", "/intake/participants/<uuid:participant_id>/details",
        body=shape.DetailsBody, returns=shape.DetailsShown, allow=(*DESK, "participant"),
        clinical=True,
    )  # fmt: skip
    def change_details(self, call: Call, participant_id: UUID) -> Shown:
        """Replace the details of a participant."""
        call.caller.must_be(participant_id)
        person = Participant.find(call.db, participant_id, lock=True)
        person.keep_details(call.db, self.runtime.vault, call.body, by=call.by)
        _details_changed(call, Episode.latest_of(call.db, person.id), person)
        return {**_person(person), **person.details(call.db, self.runtime.vault)}

    @hears(AttendanceCredited)
    def on_attendance_credited(self, work: Work, event: AttendanceCredited) -> None:
        """Count the minutes towards the participant's episode."""
        episode.credit_minutes(
            work.db, event.participant_id, event.minutes, attended_by=work.message.time
        )

    @hears(CaseOpened)
    def on_case_opened(self, work: Work, event: CaseOpened) -> None:
        """An open case holds admission, discharge and closure."""
        Case.hear_of(work.db, event)

    @hears(RiskAttached)
    def on_risk_attached(self, work: Work, event: RiskAttached) -> None:
        """A risk joined a case, which may have risen by it."""
        Case.hear_of(work.db, event)

    @hears(CaseClosed)
    def on_case_closed(self, work: Work, event: CaseClosed) -> None:
        """A closed case holds nothing."""
        Case.close(work.db, event.case_id)

    @fires(OVERDUE, owner=Screen)
    def screen_overdue(self, timer: Fired, screen: Screen) -> None:
        """A screen that nobody ended asks for a human."""
        screen.abandon(timer.db, at=timer.now)

    @fires(SUICIDE_SCREEN_DUE, owner=Screen)
    def suicide_screen_due(self, timer: Fired, screen: Screen) -> None:
        """PHQ-9 item 9 asked for a suicide screen that nobody began."""
        screen.expect_suicide_screen(timer.db, at=timer.now)


def _own_episode(call: Call, episode_id: UUID, *, lock: bool = False) -> Episode:
    one = Episode.find(call.db, episode_id, lock=lock)
    call.caller.must_be(one.participant_id)
    return one


def _own_screen(call: Call, screen_id: UUID) -> Screen:
    screen = Screen.find(call.db, screen_id)
    call.caller.must_be(screen.participant_id)
    return screen


def _human(call: Call) -> UUID:
    """Who decides; routes that use it let no service in."""
    assert call.caller.person_id is not None
    return call.caller.person_id


def _person(person: Participant) -> Shown:
    return {
        "participant_id": person.id,
        "clinic_id": person.clinic_id,
        "details_version": person.details_version,
    }


def _details_changed(call: Call, one: Episode, person: Participant) -> None:
    announce(
        call.db,
        ParticipantDetailsChanged(
            clinic_id=person.clinic_id, episode_id=one.id, participant_id=person.id,
            details_version=person.details_version, zone=person.zone, language=person.language,
        ),
    )  # fmt: skip
