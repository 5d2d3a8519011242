"""Drills climb the real ladder and count nowhere else; a test page is the drill of one person."""

import pytest
import sqlalchemy as sa
from prometheus_client import REGISTRY

from chassis.announce import uuid7
from chassis.refusals import Conflict, Invalid
from crisis import case as cases
from crisis import rules, sweeper, views
from crisis.case import Case
from crisis.rota import drill
from services.crisis.tests.builders import START, announced, seconds


def drills(clinic, tier="T1"):
    with clinic.database.work() as db:
        return drill.begin(db, clinic.id, tier, by="crisis_lead:x", at=db.now).id


def is_tested(clinic, person):
    with clinic.database.work() as db:
        return drill.send_test_page(db, clinic.id, person, by="crisis_lead:x", at=db.now).id


def sweeps(clinic, after):
    clinic.later(after)
    sweeper.sweep(clinic.database)


def test_a_drill_pages_the_rungs_of_a_case_by_a_code_that_says_so(clinic):
    case_id = drills(clinic)
    sweeps(clinic, 120)
    called = [(page.rung, page.clinician_id) for page in clinic.pages(case_id)]
    assert called == [(1, clinic.rungs[0][0]), (2, clinic.rungs[1][0])]
    with clinic.case(case_id) as (_, case):
        assert case.code == "TEST"


def test_it_ends_with_the_acknowledgement_and_tells_how_long_that_took(clinic):
    case_id, person = drills(clinic), clinic.rungs[0][0]
    clinic.later(45)
    clinic.acknowledges(case_id, person)
    with clinic.case(case_id) as (db, case):
        assert (case.state, case.closed_by, case.next_due_at) == ("closed", person, None)
        assert drill.answered_after(case) == seconds(45)
        assert [one.id for one in drill.latest(db, clinic.id, 10)] == [case_id]
        with pytest.raises(Conflict, match="already_acknowledged"):
            cases.acknowledge(db, case_id, uuid7(), by="clinician:y", at=db.now)
    assert clinic.told(case_id)[-2:] == ["acknowledged", "drill_ended"]
    sweeps(clinic, 24 * 3600)
    assert clinic.told(case_id)[-1] == "drill_ended"


def test_a_drill_nobody_answers_ends_by_itself_when_its_ladder_was_climbed_once(clinic):
    case_id = drills(clinic)
    for _ in range(10):
        sweeps(clinic, 60)
    with clinic.case(case_id) as (_, case):
        assert (case.state, drill.answered_after(case)) == ("closed", None)
    assert {page.rung for page in clinic.pages(case_id)} == {1, 2, 3, 4, 5}
    assert {page.generation for page in clinic.pages(case_id)} == {1}
    assert clinic.pages(case_id, state="queued") == []


def test_a_drill_is_no_case_to_lists_figures_and_other_services(clinic):
    """Planted fault: a drill that is announced, listed or counted as a case."""
    before = figures()
    case_id = drills(clinic)
    sweeps(clinic, 240)
    oldest = "evenkeel_crisis_oldest_unacknowledged_age_seconds"
    assert REGISTRY.get_sample_value(oldest, {"severity": "imminent"}) == 0
    clinic.acknowledges(case_id)
    assert announced(clinic.database) == []
    assert figures() == before
    with clinic.database.work() as db:
        assert views.cases(db, limit=100) == {"items": []}
        assert db.get_one(Case, case_id).counted_as == "TEST"


def figures():
    names = ("evenkeel_crisis_alerts_total", "evenkeel_crisis_rungs_total")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name in names and sample.labels.get("severity") != "drill"
    }


def test_a_real_case_beside_a_drill_is_announced_and_climbs(clinic):
    drills(clinic)
    case_id = clinic.raises("T1")
    sweeps(clinic, 120)
    assert announced(clinic.database) == ["case_opened", "rung_paged", "rung_paged"]
    with clinic.case(case_id) as (_, case):
        assert (case.rung, case.code.startswith("TEST")) == (2, False)


def test_no_real_case_has_the_code_of_a_drill(monkeypatch):
    """Planted fault: a case that everybody takes for a test."""
    monkeypatch.setattr(rules, "_codes", lambda _: iter(["TEST", "TESTA", "7F3K"]))
    assert next(iter(rules.case_codes(uuid7()))) == "7F3K"


def test_a_test_page_goes_to_one_person_alone_and_is_over_after_ten_minutes(clinic):
    person = clinic.rungs[2][0]
    case_id = is_tested(clinic, person)
    for _ in range(11):
        sweeps(clinic, 60)
    assert [page.clinician_id for page in clinic.pages(case_id)] == [person]
    with clinic.case(case_id) as (_, case):
        assert (case.state, case.closed_at) == ("closed", START + seconds(600))


def test_one_drill_at_a_time_and_one_test_page_a_person(clinic):
    drills(clinic)
    with pytest.raises(Conflict, match="drill_is_on"):
        drills(clinic)
    first, second = clinic.rungs[0][0], clinic.rungs[1][0]
    codes = set()
    for case_id in (is_tested(clinic, first), is_tested(clinic, second)):
        with clinic.case(case_id) as (_, case):
            codes.add(case.code)
    assert codes == {"TEST2", "TEST3"}
    with pytest.raises(Conflict, match="test_page_is_on"):
        is_tested(clinic, first)
    with pytest.raises(Invalid):
        is_tested(clinic, uuid7())


def test_as_many_test_pages_as_there_are_codes(clinic):
    *people, last = [clinic.hire() for _ in [*rules.drill_codes(), ""]]
    for person in people:
        is_tested(clinic, person)
    with pytest.raises(Conflict, match="too_many_drills"):
        is_tested(clinic, last)
    with clinic.database.work() as db:
        assert db.scalar(sa.select(sa.func.count(Case.id))) == len(people)
