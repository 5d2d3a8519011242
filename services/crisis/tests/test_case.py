"""What people decide about a case, and what the database refuses from anybody."""

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from eventlet import GreenPool
from sqlalchemy.exc import DBAPIError

from chassis.announce import uuid7
from chassis.refusals import Conflict, Invalid, NotFound
from crisis import case as cases
from crisis import sweeper
from crisis.case import STATES, Case
from services.crisis.tests.builders import START, Clinic, announced, database_at, seconds

WAYS = {
    "paging": [],
    "acknowledged": ["acknowledges"],
    "engaged": ["acknowledges", "logs_contact"],
    "emergency_services": ["acknowledges", "logs_contact", "dispatches"],
    "handed_off": ["acknowledges", "logs_contact", "dispatches", "hands_over"],
    "follow_up": ["acknowledges", "logs_contact", "concludes"],
    "closed": ["acknowledges", "logs_contact", "closes"],
}
HUMAN_STEPS = {
    "acknowledge": "acknowledges",
    "log_contact": "logs_contact",
    "take_over": "takes_over",
    "lower_tier": "lowers",
    "dispatch": "dispatches",
    "hand_over": "hands_over",
    "follow_up": "concludes",
    "keep_contact": "keeps_contact",
    "close": "closes",
}


BY_THE_LAST_CONTACT = ("follow_up", "close")
"""Nobody takes this step: contact that is owed is kept to the last."""


@pytest.mark.parametrize("step", HUMAN_STEPS)
@pytest.mark.parametrize("state", WAYS)
def test_people_can_take_exactly_the_steps_of_the_table(clinic, state, step):
    case_id = clinic.raises("T1")
    for way in WAYS[state]:
        getattr(clinic, way)(case_id)
    if (state, step) in STATES.table and (state, step) != BY_THE_LAST_CONTACT:
        getattr(clinic, HUMAN_STEPS[step])(case_id)
        state = STATES.table[state, step]
    else:
        with pytest.raises(Conflict):
            getattr(clinic, HUMAN_STEPS[step])(case_id)
    with clinic.case(case_id) as (_, case):
        assert case.state == state


def test_a_second_acknowledgement_is_told_who_has_the_case(clinic):
    case_id, first = clinic.raises("T1"), uuid7()
    clinic.acknowledges(case_id, first)
    with pytest.raises(Conflict) as refused:
        clinic.acknowledges(case_id)
    assert refused.value.code == "already_acknowledged"
    assert refused.value.facts["acknowledged_by"] == str(first)


def test_of_many_at_once_exactly_one_has_the_case(postgres_urls, clock):
    """Planted fault: `db.get(Case, case_id)` without the lock in `locked`, and no version."""
    databases = [database_at(postgres_urls, clock) for _ in range(2)]
    clinic = Clinic.with_rota(databases[0], clock)
    others = Clinic(databases[1], clock, clinic.id)

    def tries(case_id, who, person):
        try:
            who.acknowledges(case_id, person)
        except Conflict as refused:
            return refused.facts["acknowledged_by"]
        return "mine"

    for _ in range(5):
        case_id = clinic.raises("T1")
        people = [uuid7() for _ in range(6)]
        pool = GreenPool()
        who_has_it = list(pool.starmap(tries, [
            (case_id, (clinic, others)[n % 2], person) for n, person in enumerate(people)
        ]))  # fmt: skip
        winner = people[who_has_it.index("mine")]
        assert sorted(who_has_it) == sorted(["mine", *[str(winner)] * 5])
    for database in databases:
        database.close()


def test_an_acknowledgement_cancels_what_was_not_sent(clinic, database):
    case_id = clinic.raises("T1")
    clinic.acknowledges(case_id)
    assert [page.state for page in clinic.pages(case_id)] == ["cancelled"]
    with clinic.case(case_id) as (_, case):
        assert case.next_due_at == START + seconds(180)
    assert announced(database)[-1] == "case_acknowledged"


def test_what_ends_with_follow_up_is_closed_after_the_last_contact(clinic, database):
    case_id = clinic.raises("T2")
    for way in WAYS["follow_up"]:
        getattr(clinic, way)(case_id)
    with clinic.case(case_id) as (_, case):
        assert (case.tier, case.disposition, case.safety_plan) == ("T4", "stabilised", "made")
        assert case.licence == "NY"
        assert case.next_due_at == START + timedelta(days=1)
        assert [datetime.fromisoformat(due) - START for due in case.follow_ups] == [
            timedelta(days=days) for days in (1, 3, 7, 14, 21, 28)
        ]
    assert announced(database)[-1] == "tier_changed"
    for left in (5, 4, 3, 2, 1, 0):
        with clinic.case(case_id) as (_, case):
            due_at = case.next_due_at
        clinic.keeps_contact(case_id, due_at)
        with pytest.raises(Conflict):
            clinic.keeps_contact(case_id, due_at)
        with clinic.case(case_id) as (_, case):
            assert len(case.follow_ups) == left, "saying it twice keeps one contact"
    with clinic.case(case_id) as (_, case):
        assert (case.state, case.closed_by) == ("closed", clinic.licensed())
        assert case.next_due_at is None
    assert announced(database)[-1] == "case_closed"


def test_contact_that_is_kept_is_not_cut_short_by_concluding_again(clinic):
    """Planted fault: whatever state the table lets close may be concluded."""
    case_id = clinic.raises("T1")
    for step in WAYS["follow_up"]:
        getattr(clinic, step)(case_id)
    with pytest.raises(Conflict):
        clinic.closes(case_id)
    with clinic.case(case_id) as (_, case):
        assert (case.state, len(case.follow_ups)) == ("follow_up", 6)


def test_a_follow_up_that_is_overdue_calls_people_out(clinic, database):
    case_id = clinic.raises("T1")
    for way in WAYS["follow_up"]:
        getattr(clinic, way)(case_id)
    clinic.later(24 * 3600)
    sweeper.sweep(clinic.database)
    with clinic.case(case_id) as (_, case):
        assert (case.tier, case.state, case.rung) == ("T3", "paging", 1)
    assert clinic.told(case_id)[-3:] == ["lapsed", "tier_raised", "rung_paged"]
    assert announced(database).count("tier_changed") == 2, "follow-up began, and is overdue"


def test_a_risk_during_follow_up_joins_the_case_and_calls_anew(clinic):
    person = uuid7()
    case_id = clinic.raises("T2", participant_id=person)
    for way in WAYS["follow_up"]:
        getattr(clinic, way)(case_id)
    assert clinic.raises("T2", participant_id=person) == case_id
    with clinic.case(case_id) as (_, case):
        assert (case.tier, case.state, case.rung) == ("T2", "paging", 1)


@pytest.mark.parametrize(
    ("tier", "how", "field"),
    [
        ("T1", {"licence": "CA"}, "licence"),
        ("T2", {"follow_up": "none"}, "follow_up"),
    ],
)
def test_a_case_ends_by_a_licence_and_with_the_contact_that_is_owed(clinic, tier, how, field):
    case_id = clinic.raises(tier)
    for way in WAYS["engaged"]:
        getattr(clinic, way)(case_id)
    with pytest.raises(Invalid) as refused:
        clinic.concludes(case_id, **how)
    assert list(refused.value.fields) == [field]


def test_a_lower_tier_counts_from_its_finding_and_needs_a_licence(clinic, database):
    case_id = clinic.raises("T1")
    clinic.acknowledges(case_id)
    clinic.later(60)
    with pytest.raises(Conflict):
        clinic.lowers(case_id, "T1")
    clinic.lowers(case_id, "T2")
    with clinic.case(case_id) as (_, case):
        assert (case.tier, case.state) == ("T2", "acknowledged")
        assert case.next_due_at == START + seconds(60 + 20 * 60)
    assert announced(database)[-1] == "tier_changed"
    clinic.later(20 * 60)
    sweeper.sweep(clinic.database)
    with clinic.case(case_id) as (_, case):
        assert (case.tier, case.state, case.rung) == ("T2", "paging", 1)


def test_whoever_takes_over_has_the_case_and_the_same_deadline(clinic):
    case_id, other = clinic.raises("T1"), uuid7()
    clinic.acknowledges(case_id)
    clinic.takes_over(case_id, other)
    with clinic.case(case_id) as (_, case):
        assert case.acknowledged_by == other
        assert case.next_due_at == START + seconds(180)


def test_a_discharge_ends_no_case(clinic):
    person = uuid7()
    case_id = clinic.raises("T2", participant_id=person)
    with clinic.database.work() as db:
        cases.note_discharge(db, clinic.id, person, by="service:intake", at=db.now)
        cases.note_discharge(db, clinic.id, uuid7(), by="service:intake", at=db.now)
    assert clinic.told(case_id)[-1] == "participant_discharged"
    with clinic.case(case_id) as (_, case):
        assert case.state == "paging"


def test_there_is_no_such_case(clinic):
    with pytest.raises(NotFound):
        clinic.acknowledges(uuid7())


@pytest.mark.parametrize(
    "wrong",
    [
        {"next_due_at": None},
        {"state": "acknowledged"},
        {"state": "closed", "next_due_at": None},
        {"acknowledged_by": uuid7()},
        {"state": "asleep"},
        {"tier": "T5"},
        {"generation": 0},
    ],
    ids=["silent", "nobody has it", "no disposition", "paging and had", "state", "tier", "rung"],
)
def test_the_database_refuses_a_case_that_could_end_in_silence(clinic, wrong):
    case_id = clinic.raises("T1")
    with pytest.raises(DBAPIError), clinic.database.work() as db:
        db.execute(sa.update(Case).where(Case.id == case_id).values(wrong))


def test_the_database_refuses_a_second_open_case_of_one_person(clinic):
    first, second = clinic.raises("T1"), clinic.raises("T1")
    with clinic.case(first) as (_, case):
        person = case.participant_id
    with pytest.raises(DBAPIError), clinic.database.work() as db:
        db.execute(sa.update(Case).where(Case.id == second).values(participant_id=person))
