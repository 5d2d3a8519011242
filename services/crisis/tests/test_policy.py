"""How fast a ladder climbs is the clinic's policy, within bounds, and a case keeps its own."""

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from chassis.refusals import Invalid
from crisis import rules, sweeper
from crisis.rota import policy
from crisis.rota.policy import Policy
from crisis.rota.times import LONGEST, Times, out_of_bounds
from services.crisis.tests.builders import START, Clinic, seconds

FAST = {
    "T1": Times((60, 90, 60, 60, 60), 120, 3600),
    "T2": Times((300, 300, 300, 60, 60), 600, 7200),
    "T3": Times((3600,), None, 7200),
}


def publishes(clinic: Clinic, times=FAST) -> int:
    with clinic.database.work() as db:
        return policy.publish(db, clinic.id, times, by="crisis_lead:x", at=db.now).edition


def test_without_a_policy_the_figures_of_the_domain_hold(clinic):
    case_id = clinic.raises("T1")
    with clinic.case(case_id) as (_, case):
        assert case.ladder == rules.LADDERS["T1"]


def test_a_new_case_climbs_by_the_policy_in_force(clinic):
    assert publishes(clinic) == 1
    case_id = clinic.raises("T1")
    clinic.later(60)
    sweeper.sweep(clinic.database)
    with clinic.case(case_id) as (_, case):
        assert (case.rung, case.next_due_at) == (2, START + seconds(60 + 90))
        assert case.ladder.edition == 1
    clinic.acknowledges(case_id)
    with clinic.case(case_id) as (_, case):
        assert case.next_due_at == START + seconds(60 + 120)
    clinic.logs_contact(case_id)
    with clinic.case(case_id) as (_, case):
        assert case.next_due_at == START + seconds(60 + 3600)


def test_the_supervisor_of_a_t3_case_is_called_as_early_as_the_policy_says(clinic):
    publishes(clinic)
    with clinic.case(clinic.raises("T3")) as (_, case):
        assert case.next_due_at == START + timedelta(hours=1)
        assert sum(case.ladder.intervals) == timedelta(hours=14).total_seconds()
        assert case.ladder.rises_to == "T2"


@pytest.mark.parametrize("change", ["risk", "lower"])
def test_a_policy_published_meanwhile_changes_no_open_case(clinic, change):
    """Planted fault: the newest policy is asked whenever the tier of a case changes."""
    person = clinic.licensed()
    tier = {"risk": "T2", "lower": "T1"}[change]
    risk = {"participant_id": person}
    case_id = clinic.raises(tier, **risk)
    publishes(clinic)
    if change == "risk":
        clinic.raises("T1", **risk)
    else:
        clinic.acknowledges(case_id)
        clinic.lowers(case_id, "T2")
    with clinic.case(case_id) as (_, case):
        assert case.ladder == rules.LADDERS[case.tier]
        assert case.tier != tier


def test_a_case_keeps_its_edition_when_the_next_one_is_published(clinic):
    publishes(clinic)
    case_id = clinic.raises("T2")
    slower = {**FAST, "T1": replace(FAST["T1"], intervals=(120,) * 5)}
    assert publishes(clinic, slower) == 2
    with clinic.case(case_id) as (_, case):
        same = {"participant_id": case.participant_id}
    clinic.raises("T1", **same)
    with clinic.case(case_id) as (_, case):
        assert (case.ladder.edition, case.ladder.intervals) == (1, FAST["T1"].intervals)


@pytest.mark.parametrize(
    ("tier", "figure", "given"),
    [
        ("T1", "intervals", (121, 120, 120, 120, 120)),
        ("T1", "intervals", (120, 120, 120, 120, 59)),
        ("T1", "intervals", (120, 120)),
        ("T1", "contact_seconds", 181),
        ("T1", "contact_seconds", None),
        ("T2", "contact_seconds", 0),
        ("T2", "intervals", (600, 600, 600, 120, 121)),
        ("T2", "disposition_seconds", 24 * 3600 + 1),
        ("T3", "intervals", (4 * 3600 + 1,)),
        ("T3", "contact_seconds", 600),
    ],
)
def test_a_policy_slower_than_the_targets_or_too_fast_to_answer_is_refused(
    clinic, tier, figure, given
):
    wrong = {**FAST, tier: replace(FAST[tier], **{figure: given})}
    with pytest.raises(Invalid) as refused:
        publishes(clinic, wrong)
    assert list(refused.value.fields) == [f"{tier}.{figure}"]
    with clinic.database.work() as db:
        assert db.scalar(sa.select(sa.func.count(Policy.id))) == 0


def test_the_targets_themselves_are_within_their_bounds():
    assert [fault for tier, one in LONGEST.items() for fault in out_of_bounds(tier, one)] == []


def test_another_clinics_policy_is_not_this_ones(clinic, database, clock):
    publishes(Clinic.with_rota(database, clock))
    with clinic.case(clinic.raises("T1")) as (_, case):
        assert case.ladder == rules.LADDERS["T1"]
