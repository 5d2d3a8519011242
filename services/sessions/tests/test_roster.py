"""What others told, in whichever order they told it."""

from datetime import timedelta
from itertools import permutations
from uuid import UUID, uuid4

import pytest

from catalogue.crisis import CaseClosed, CaseOpened, RiskAttached
from catalogue.intake import ParticipantAdmitted, ParticipantDischarged
from chassis.refusals import Conflict
from services.sessions.tests.builders import STARTS_AT, Day, released
from sessions import roster, session
from sessions.roster import Occurrence, Participant
from sessions.session import Session

ANN, BEN = uuid4(), uuid4()
DAY = Day()


def admitted(episode_id: UUID, zone: str = "America/New_York") -> ParticipantAdmitted:
    return ParticipantAdmitted(
        clinic_id=DAY.clinic_id, episode_id=episode_id, participant_id=ANN, state="NY", zone=zone,
        admitted_by=DAY.facilitator_id,
    )  # fmt: skip


def discharged(episode_id: UUID) -> ParticipantDischarged:
    return ParticipantDischarged(
        clinic_id=DAY.clinic_id, episode_id=episode_id, participant_id=ANN, reason="completed",
        discharged_by=DAY.facilitator_id,
    )  # fmt: skip


def test_the_later_admission_counts_whichever_is_heard_first(books):
    old, new = uuid4(), uuid4()
    with books.database.work() as db:
        roster.admit(db, admitted(new, "America/Phoenix"), at=STARTS_AT)
        roster.admit(db, admitted(old), at=STARTS_AT - timedelta(days=90))
        roster.discharge(db, discharged(old))
    with books.database.work() as db:
        person = db.get(Participant, ANN)
    assert (person.episode_id, person.zone) == (new, "America/Phoenix")


def test_a_person_is_forgotten_with_the_discharge_of_their_last_episode(books):
    episode = uuid4()
    with books.database.work() as db:
        roster.admit(db, admitted(episode), at=STARTS_AT)
        roster.discharge(db, discharged(episode))
    with books.database.work() as db:
        assert db.get(Participant, ANN) is None


def test_a_day_is_known_as_it_was_told_last(books):
    moved = Day(
        clinic_id=DAY.clinic_id, cohort_id=DAY.cohort_id, occurrence_id=DAY.occurrence_id,
        starts_at=DAY.after(60),
    )  # fmt: skip
    with books.database.work() as db:
        roster.schedule(db, DAY.scheduled())
        roster.schedule(db, moved.scheduled())
    with books.database.work() as db:
        known = Occurrence.find(db, DAY.occurrence_id)
    assert (known.starts_at, known.segments) == (moved.starts_at, moved.segments)


@pytest.mark.parametrize("states", [(), ("CA",)], ids=["unknown facilitator", "another state"])
def test_a_licence_that_is_not_known_to_cover_the_state_does_not(books, states):
    with books.database.work() as db:
        if states:
            roster.register(db, DAY.facilitator(*states))
        with pytest.raises(Conflict) as refused:
            roster.must_be_licensed(db, DAY.facilitator_id, "NY")
    assert refused.value.code == "licence"


def test_a_case_is_open_with_its_highest_tier_until_it_is_closed(books):
    case = {"clinic_id": DAY.clinic_id, "case_id": uuid4(), "participant_id": ANN}
    with books.database.work() as db:
        roster.note_case(db, CaseOpened(**case, risk_id=uuid4(), tier="T3"))
        roster.note_case(db, RiskAttached(**case, risk_id=uuid4(), tier="T1"))
        assert roster.open_tiers(db, ANN) == ["T1"]
        closed = CaseClosed(**case, disposition="stabilised", closed_by=DAY.facilitator_id)
        roster.forget_case(db, closed)
        assert roster.open_tiers(db, ANN) == []


STEPS = ("schedule", "offer", "offer_other", "release", "open")


def in_order(order: tuple[str, ...]) -> bool:
    """Only what one subject says keeps its order, and no unknown day can be opened."""
    before = order.index
    return before("offer") < before("release") and before("schedule") < before("open")


def test_every_order_of_what_is_heard_ends_with_the_same_people_expected(books):
    """Fails when `seat_changed` is not called for a seat that is offered after opening."""
    for order in filter(in_order, permutations(STEPS)):
        day = Day()
        mine, other = day.offered(ANN), day.offered(BEN)
        for step in order:
            with books.database.work() as db:
                match step:
                    case "schedule":
                        roster.schedule(db, day.scheduled())
                    case "offer" | "offer_other":
                        offered = mine if step == "offer" else other
                        session.seat_changed(db, roster.offer_seat(db, offered))
                    case "release":
                        seat = roster.release_seat(db, released(mine), at=db.now)
                        session.seat_changed(db, seat)
                    case "open":
                        opened = Session.open(
                            db, day.occurrence_id, by=day.facilitator_id, at=db.now
                        )
        states = books.states(opened.session_id)
        assert states[BEN] == "expected", order
        assert states.get(ANN, "released") == "released", order
