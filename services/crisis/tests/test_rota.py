"""Who is on call, and which rotas are refused."""

from datetime import date, time, timedelta

import pytest
import sqlalchemy as sa

from chassis.announce import uuid7
from chassis.refusals import Conflict, Invalid, NotFound
from crisis import rota, sweeper
from crisis.rota import published
from crisis.rota.shifts import Override, Rota, Rotation
from crisis.rules import LADDERS
from services.crisis.tests.builders import START, Clinic

HOUR = timedelta(hours=1)


def publishes(clinic, *layers, unreached=()):
    with clinic.database.work() as db:
        published.publish(
            db, clinic.id, layers,
            can_reach=lambda person: person not in unreached, by="crisis_lead:x", at=db.now,
        )  # fmt: skip


def stands_in(clinic, person, instead_of, from_=START, until=START + 8 * HOUR, unreached=()):
    with clinic.database.work() as db:
        return published.override(
            db, clinic.id, Override(person, instead_of, from_, until),
            can_reach=lambda one: one not in unreached, by="crisis_lead:x", at=db.now,
        ).id  # fmt: skip


def on_call(clinic):
    with clinic.database.work() as db:
        return rota.on_call(db, clinic.id)


def test_the_newest_rota_counts_and_the_older_are_kept(clinic):
    first = clinic.rungs
    again = [first[0], first[-1]]
    clinic.publish(again)
    assert [set(rung) for rung in on_call(clinic).rungs] == [set(rung) for rung in again]
    with clinic.database.work() as db:
        editions = db.scalars(sa.select(published.Edition).order_by(published.Edition.edition))
        assert [one.edition for one in editions] == [1, 2]


@pytest.mark.parametrize(
    "rungs",
    [
        [], [[]], [["a"], []], [["a"], [], ["b", "c"]],
        [["a"]], [["a", "b"], ["c"]], [["a"], ["b", "b"]],
    ],
    ids=str,
)  # fmt: skip
def test_a_rota_with_a_gap_or_a_lonely_last_rung_is_refused(database, clock, rungs):
    clinic = Clinic(database, clock)
    people = {name: clinic.hire() for name in "abc"}
    with pytest.raises(Invalid):
        clinic.publish([[people[name] for name in names] for names in rungs])
    assert on_call(clinic).rungs == ()


def test_a_rota_whose_gap_is_a_year_away_is_refused_and_named(clinic):
    first, last = clinic.rungs[0][0], Rota.of_rungs([clinic.rungs[-1]]).layers[0]
    ends = Rotation(((first,),), "America/New_York", last_on=date(2027, 11, 30))
    with pytest.raises(Invalid) as refused:
        publishes(clinic, (ends,), last)
    assert refused.value.fields == {
        "rota": [
            "Rung 1: nobody is on call from 2027-12-01 00:00 -0500 (America/New_York)"
            " to 2027-12-28 10:00 -0500 (America/New_York)."
        ]
    }


def test_a_rota_with_somebody_whom_no_channel_reaches_is_refused_and_named(clinic):
    """Planted fault: whoever has a place on the rota is taken to be reached."""
    first, last = clinic.rungs[0][0], Rota.of_rungs([clinic.rungs[-1]]).layers[0]
    layer = (Rotation(((first,),), "America/New_York"),)
    with pytest.raises(Invalid) as refused:
        publishes(clinic, layer, last, unreached=[first])
    assert refused.value.fields == {
        "rota": [
            f"Rung 1: no e-mail address and no phone is known of {first},"
            " who is on call from 2026-11-23 10:00 -0500 (America/New_York)."
        ]
    }
    with pytest.raises(Invalid):
        stands_in(clinic, first, clinic.rungs[1][0], unreached=[first])


def test_a_rota_names_nobody_who_is_not_on_the_staff_of_this_clinic(clinic, database, clock):
    elsewhere = Clinic(database, clock).hire()
    office = clinic.hire("scheduler")
    mine = clinic.rungs[-1]
    for stranger in (uuid7(), elsewhere, office):
        with pytest.raises(Invalid):
            clinic.publish([[stranger], mine])


def test_people_are_looked_up_when_a_rung_is_called(clinic):
    """A hand-over between two rungs of a ladder: each is answered by whoever is on call then."""
    early, late = clinic.rungs[0][0], clinic.rungs[1][0]
    last = Rota.of_rungs([clinic.rungs[-1]]).layers[0]
    zone, day = "America/New_York", date(2026, 11, 22)
    halves = (
        Rotation(((early,),), zone, day, None, time(0), time(10, 1)),
        Rotation(((late,),), zone, day, None, time(10, 1), time(0)),
    )
    publishes(clinic, halves, halves, last)
    case_id = clinic.raises("T1")
    clinic.later(120)
    sweeper.sweep(clinic.database)
    assert [page.clinician_id for page in clinic.pages(case_id)] == [early, late]


def test_who_stands_in_is_paged_until_withdrawn(clinic):
    first, other = clinic.rungs[0][0], clinic.hire()
    override_id = stands_in(clinic, other, first)
    assert on_call(clinic).at(1) == (other,)
    with clinic.database.work() as db:
        published.withdraw(db, clinic.id, override_id, by="crisis_lead:x", at=db.now)
    assert on_call(clinic).at(1) == (first,)
    with clinic.database.work() as db, pytest.raises(Conflict):
        published.withdraw(db, clinic.id, override_id, by="crisis_lead:x", at=db.now)
    with clinic.database.work() as db, pytest.raises(NotFound):
        published.withdraw(db, uuid7(), override_id, by="crisis_lead:x", at=db.now)


def test_an_override_outlives_a_new_edition_and_holds_in_its_time_only(clinic):
    first, other = clinic.rungs[0][0], clinic.hire()
    stands_in(clinic, other, first, START + HOUR, START + 2 * HOUR)
    clinic.publish(clinic.rungs)
    called = []
    for _ in range(3):
        called.append(on_call(clinic).at(1))
        clinic.later(HOUR.total_seconds())
    assert called == [(first,), (other,), (first,)]


@pytest.mark.parametrize(
    ("who", "instead_of", "hours"),
    [(0, 0, 8), (4, 3, 8), (0, "nobody", 8), (0, 1, 0), (0, 1, -1), ("stranger", 0, 8)],
)
def test_an_override_that_helps_nobody_is_refused(clinic, who, instead_of, hours):
    people = [person for rung in clinic.rungs for person in rung]
    strangers = {"nobody": clinic.hire(), "stranger": uuid7()}
    who, instead_of = (
        strangers[one] if isinstance(one, str) else people[one] for one in (who, instead_of)
    )
    with pytest.raises(Invalid):
        stands_in(clinic, who, instead_of, START, START + hours * HOUR)


def test_what_speaks_against_a_rota_in_force_counts_who_has_left(clinic):
    """A rota is not refused afterwards; whoever looks at it is told."""
    gone = clinic.rungs[0][0]
    clinic.leaves(gone)
    with clinic.database.work() as db:
        now = published.in_force(db, clinic.id)
        faults = published.faults_of(db, clinic.id, now, lambda _: True, db.now)
        assert faults.strangers == (gone,)
        assert [(gap.rung, gap.starts_at) for gap in faults.gaps] == [(1, START)]


def test_a_rota_shorter_than_the_ladder_answers_its_upper_rungs_with_its_last(clinic):
    clinic.publish([clinic.rungs[0], clinic.rungs[-1]])
    now = on_call(clinic)
    assert set(now.at(3)) == set(clinic.rungs[-1])
    assert now.manned(LADDERS["T1"]) == {1, 2, 3, 4, 5}


def test_one_clinics_people_are_not_called_for_another(clinic, database, clock):
    other = Clinic.with_rota(database, clock)
    case_id = clinic.raises("T1")
    called = {page.clinician_id for page in clinic.pages(case_id)}
    assert not called & {person for rung in other.rungs for person in rung}


def test_an_edition_is_written_as_it_is_read(clinic):
    people = clinic.rungs[-1]
    layer = (
        Rotation(
            ((people[0],), tuple(people)), "Asia/Kolkata", date(2026, 1, 1), date(2029, 1, 1),
            time(8, 30), time(8, 30), turn_days=14,
        ),
    )  # fmt: skip
    both = Rota.of_rungs([people]).layers[0]
    publishes(clinic, layer, both)
    with clinic.database.work() as db:
        assert published.in_force(db, clinic.id) == Rota((layer, both))
