"""Who is on call, and which rotas are refused."""

import pytest

from chassis.announce import uuid7
from chassis.refusals import Invalid
from crisis import rota
from crisis.rules import LADDERS
from services.crisis.tests.builders import Clinic


def test_the_newest_rota_counts_and_the_older_are_kept(clinic):
    first = clinic.rungs
    again = [first[0], first[-1]]
    clinic.publish(again)
    with clinic.database.work() as db:
        on_call = rota.on_call(db, clinic.id)
        assert [set(rung) for rung in on_call.rungs] == [set(rung) for rung in again]
        editions = db.query(rota.Rota.edition).order_by(rota.Rota.edition).all()
        assert [edition for (edition,) in editions] == [1, 2]


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


def test_a_rota_names_nobody_who_is_not_on_the_staff_of_this_clinic(clinic, database, clock):
    elsewhere = Clinic(database, clock).hire()
    office = clinic.hire("scheduler")
    mine = clinic.rungs[-1]
    for stranger in (uuid7(), elsewhere, office):
        with pytest.raises(Invalid):
            clinic.publish([[stranger], mine])


def test_a_rota_shorter_than_the_ladder_answers_its_upper_rungs_with_its_last(clinic):
    clinic.publish([clinic.rungs[0], clinic.rungs[-1]])
    with clinic.database.work() as db:
        on_call = rota.on_call(db, clinic.id)
    assert set(on_call.at(3)) == set(clinic.rungs[-1])
    assert on_call.manned(LADDERS["T1"]) == {1, 2, 3, 4, 5}


def test_one_clinics_people_are_not_called_for_another(clinic, database, clock):
    other = Clinic.with_rota(database, clock)
    case_id = clinic.raises("T1")
    called = {page.clinician_id for page in clinic.pages(case_id)}
    assert not called & {person for rung in other.rungs for person in rung}
