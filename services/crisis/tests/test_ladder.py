"""How a case begins, climbs and rises, in the database."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from eventlet import GreenPool

from chassis.announce import uuid7
from crisis import rules, sweeper
from crisis.case import Case, Risk
from crisis.paging.page import DESK
from services.crisis.tests.builders import START, Clinic, announced, database_at, seconds


def test_a_risk_is_a_case_with_its_first_page_in_one_transaction(clinic, database):
    case_id = clinic.raises("T1")
    with clinic.case(case_id) as (_, case):
        assert (case.state, case.rung, case.next_due_at) == ("paging", 1, START + seconds(120))
    assert [page.clinician_id for page in clinic.pages(case_id)] == clinic.rungs[0]
    assert clinic.told(case_id) == ["opened", "rung_paged"]
    assert announced(database) == ["case_opened", "rung_paged"]


def test_the_ladder_counts_from_when_the_danger_was_noticed_not_from_when_we_heard(clinic):
    """Planted fault: `raised_at=at` and `next_due_at=at` in `_begun`."""
    case_id = clinic.raises("T1", noticed_at=START - seconds(250))
    with clinic.case(case_id) as (_, case):
        assert (case.rung, case.next_due_at) == (3, START + seconds(110))
    called = {page.clinician_id for page in clinic.pages(case_id)}
    assert called == {*clinic.rungs[0], *clinic.rungs[1], *clinic.rungs[2]}
    assert clinic.told(case_id) == ["opened", "rung_overdue", "rung_overdue", "rung_paged"]


def test_a_second_risk_of_the_same_person_joins_the_open_case(clinic, database):
    person = uuid7()
    first = clinic.raises("T2", participant_id=person)
    assert clinic.raises("T2", participant_id=person, trigger="item_9") == first
    with clinic.case(first) as (db, case):
        triggers = set(db.scalars(sa.select(Risk.trigger).where(Risk.case_id == first)))
        assert triggers == {"cssrs_high", "item_9"}
        assert case.next_due_at == START + seconds(600)
    assert announced(database) == ["case_opened", "rung_paged", "risk_attached"]


def test_a_higher_tier_calls_at_once_in_a_new_generation_and_keeps_the_earlier_deadline(clinic):
    person = uuid7()
    case_id = clinic.raises("T2", participant_id=person)
    clinic.later(550)
    clinic.raises("T1", participant_id=person)
    with clinic.case(case_id) as (_, case):
        assert (case.tier, case.rung, case.generation) == ("T1", 1, 2)
        assert case.next_due_at == START + seconds(600)
    clinic.later(50)
    sweeper.sweep(clinic.database)
    with clinic.case(case_id) as (_, case):
        assert (case.rung, case.next_due_at) == (2, START + seconds(720))


def test_a_higher_tier_takes_the_case_back_from_whoever_had_it(clinic):
    person = uuid7()
    case_id = clinic.raises("T2", participant_id=person)
    clinic.acknowledges(case_id)
    clinic.raises("T1", participant_id=person)
    with clinic.case(case_id) as (_, case):
        assert (case.state, case.acknowledged_by) == ("paging", None)


def test_a_lower_tier_changes_nothing_but_the_timeline(clinic):
    person = uuid7()
    case_id = clinic.raises("T1", participant_id=person)
    clinic.raises("T3", participant_id=person)
    with clinic.case(case_id) as (_, case):
        assert (case.tier, case.generation) == ("T1", 1)
    assert clinic.told(case_id) == ["opened", "rung_paged", "risk_attached"]


def test_after_closing_a_new_risk_is_a_new_case_that_names_the_old(clinic):
    person = uuid7()
    first = clinic.raises("T1", participant_id=person)
    clinic.acknowledges(first)
    clinic.logs_contact(first)
    clinic.closes(first)
    second = clinic.raises("T3", participant_id=person)
    assert second != first
    with clinic.case(second) as (_, case):
        assert case.previous_case_id == first


def test_an_open_case_keeps_the_ladder_of_its_raise(clinic, monkeypatch):
    """Edits of a policy affect new cases only."""
    case_id = clinic.raises("T1")
    monkeypatch.setitem(rules.LADDERS, "T1", rules.Ladder("T1", (7200,), 1, 7200, 7200))
    clinic.later(120)
    sweeper.sweep(clinic.database)
    with clinic.case(case_id) as (_, case):
        assert (case.rung, case.next_due_at) == (2, START + seconds(240))


def test_a_rota_published_meanwhile_is_called_from_the_next_rung(clinic):
    case_id = clinic.raises("T1")
    fresh = [clinic.hire() for _ in range(3)]
    clinic.publish([[fresh[0]], fresh[1:]])
    clinic.later(120)
    sweeper.sweep(clinic.database)
    assert {p.clinician_id for p in clinic.pages(case_id, rung=2)} == set(fresh[1:])


def test_whoever_left_the_staff_is_not_called_any_more(clinic):
    clinic.leaves(clinic.rungs[1][0])
    case_id = clinic.raises("T1")
    clinic.later(120)
    sweeper.sweep(clinic.database)
    with clinic.case(case_id) as (_, case):
        assert (case.rung, case.next_due_at) == (3, START + seconds(240))
    assert clinic.told(case_id)[-2:] == ["rung_empty", "rung_paged"]


def test_a_clinic_without_a_rota_calls_all_its_staff_and_the_desk_at_once(database, clock):
    clinic = Clinic(database, clock)
    staff = {clinic.hire(), clinic.hire("supervisor")}
    clinic.hire("scheduler")
    case_id = clinic.raises("T1")
    assert {page.clinician_id for page in clinic.pages(case_id)} == staff
    assert clinic.told(case_id) == ["opened", *["rung_empty"] * 3, "rung_paged"]
    clinic.later(120)
    sweeper.sweep(database)
    assert {p.clinician_id for p in clinic.pages(case_id, rung=5)} == {*staff, DESK}


def test_a_clinic_without_anybody_calls_the_desk_and_says_so(database, clock):
    case_id = Clinic(database, clock).raises("T1")
    pages = Clinic(database, clock).pages(case_id)
    assert [(page.rung, page.clinician_id) for page in pages] == [(5, DESK)]
    told = Clinic(database, clock).told(case_id)
    assert told == ["opened", *["rung_empty"] * 5, "rung_paged"]


def test_the_last_rung_calls_everybody_for_ever(clinic):
    case_id = clinic.raises("T1")
    for _ in range(20):
        clinic.later(120)
        sweeper.sweep(clinic.database)
    with clinic.case(case_id) as (_, case):
        assert (case.rung, case.generation) == (5, 17)
    everyone = {person for rung in clinic.rungs for person in rung} | {DESK}
    for generation in range(2, 18):
        called = clinic.pages(case_id, rung=5, generation=generation)
        assert {page.clinician_id for page in called} == everyone


def test_an_acknowledgement_lapses_into_the_next_rung_when_no_contact_is_logged(clinic):
    case_id = clinic.raises("T1")
    clinic.later(90)
    clinic.acknowledges(case_id)
    clinic.later(179)
    sweeper.sweep(clinic.database)
    with clinic.case(case_id) as (_, case):
        assert case.state == "acknowledged"
    clinic.later(1)
    sweeper.sweep(clinic.database)
    with clinic.case(case_id) as (_, case):
        assert (case.state, case.rung, case.acknowledged_by) == ("paging", 2, None)
        assert case.next_due_at == START + seconds(270 + 120)
    assert clinic.told(case_id)[-2:] == ["lapsed", "rung_paged"]


def test_a_case_without_disposition_is_called_out_again(clinic):
    case_id = clinic.raises("T1")
    clinic.acknowledges(case_id)
    clinic.logs_contact(case_id)
    clinic.later(24 * 3600)
    sweeper.sweep(clinic.database)
    with clinic.case(case_id) as (_, case):
        assert (case.state, case.rung) == ("paging", 2)


def test_a_t3_case_becomes_t2_at_the_end_of_the_day_even_when_somebody_has_it(clinic):
    waiting, taken = clinic.raises("T3"), clinic.raises("T3")
    clinic.acknowledges(taken)
    clinic.clock.advance_to(rules.day_ends_at("America/New_York", START))
    sweeper.sweep(clinic.database)
    for case_id in (waiting, taken):
        with clinic.case(case_id) as (_, case):
            assert (case.tier, case.state, case.rung) == ("T2", "paging", 1)
    assert announced(clinic.database).count("tier_changed") == 2
    assert "lapsed" in clinic.told(taken)


def test_case_codes_are_unique_among_the_open_cases_of_a_clinic(clinic, monkeypatch):
    """Even when the hash gives the same short code to everybody."""
    longer = rules.case_codes

    def alike(case_id):
        yield "7F3K"
        yield from longer(case_id)

    monkeypatch.setattr(rules, "case_codes", alike)
    codes = []
    for case_id in [clinic.raises("T1") for _ in range(3)]:
        with clinic.case(case_id) as (_, case):
            codes.append(case.code)
    assert codes[0] == "7F3K"
    assert len(set(codes)) == 3


def test_risks_of_one_person_at_one_moment_are_one_case(postgres_urls, clock):
    """Two consumers, two producers: the loser of the race attaches, nothing is parked."""
    databases = [database_at(postgres_urls, clock) for _ in range(2)]
    clinics = [Clinic(databases[0], clock)]
    clinics.append(Clinic(databases[1], clock, clinics[0].id))
    clinics[0].hire()
    for _ in range(10):
        person = uuid7()
        pool = GreenPool()
        threads = [pool.spawn(c.raises, "T1", participant_id=person) for c in clinics * 3]
        raised = [thread.wait() for thread in threads]
        assert len(set(raised)) == 1
        assert clinics[0].told(raised[0]).count("risk_attached") == 5
    for database in databases:
        database.close()


@pytest.mark.parametrize("days", [1, 30])
def test_a_long_outage_costs_one_page_a_person_not_one_a_missed_rung(clinic, days):
    case_id = clinic.raises("T1")
    clinic.clock.advance_to(START + timedelta(days=days))
    assert sweeper.sweep(clinic.database) == 1
    with clinic.case(case_id) as (db, case):
        assert (case.rung, case.generation) == (5, 2)
        assert db.scalar(sa.select(sa.func.count(Case.id))) == 1
    assert len(clinic.pages(case_id, generation=2)) == 6
