"""At the end of a shift a case is handed over, and until then somebody has it."""

from datetime import date, time, timedelta

import pytest

from crisis import sweeper
from crisis.rota import hand_over
from crisis.rota.shifts import Rota, Rotation
from services.crisis.tests.test_rota import publishes

ZONE, SUNDAY = "America/New_York", date(2026, 11, 22)


@pytest.fixture
def shifts(clinic):
    """One is on call until six in the evening in New York, another from then on."""
    early, late = clinic.rungs[0][0], clinic.rungs[1][0]
    by_day = Rotation(((early,),), ZONE, SUNDAY, None, time(6), time(18))
    by_night = Rotation(((late,),), ZONE, SUNDAY, None, time(18), time(6))
    publishes(clinic, (by_day, by_night), Rota.of_rungs([clinic.rungs[-1]]).layers[0])
    return early, late


def due(clinic):
    with clinic.database.request([clinic.id]) as db:
        return [(one.case.id, one.holder, one.to[0]) for one in hand_over.due(db, clinic.id)]


def test_a_case_is_due_to_be_handed_over_when_its_holders_shift_ends(clinic, shifts):
    early, late = shifts
    case_id = clinic.raises("T1")
    clinic.acknowledges(case_id, early)
    clinic.logs_contact(case_id)
    clinic.later(8 * 3600 - 1)
    assert due(clinic) == []
    clinic.later(1)
    assert due(clinic) == [(case_id, early, late)]
    clinic.takes_over(case_id, late)
    assert due(clinic) == []


def test_until_then_it_stays_whose_it_is_and_its_deadlines_hold(clinic, shifts):
    """Planted fault: the end of a shift takes the case from its holder."""
    early, _ = shifts
    case_id = clinic.raises("T1")
    clinic.acknowledges(case_id, early)
    clinic.logs_contact(case_id)
    clinic.later(timedelta(hours=10).total_seconds())
    sweeper.sweep(clinic.database)
    with clinic.case(case_id) as (_, case):
        assert (case.state, case.acknowledged_by) == ("engaged", early)
        assert case.next_due_at is not None


def test_who_took_a_case_off_duty_is_not_asked_to_hand_it_over(clinic, shifts):
    _, late = shifts
    clinic.acknowledges(clinic.raises("T1"), late)
    clinic.later(60)
    assert due(clinic) == []


def test_in_follow_up_a_case_is_not_handed_over_with_each_shift(clinic, shifts):
    early, _ = shifts
    case_id = clinic.raises("T1")
    clinic.acknowledges(case_id, early)
    clinic.logs_contact(case_id)
    clinic.concludes(case_id)
    clinic.later(9 * 3600)
    assert due(clinic) == []
