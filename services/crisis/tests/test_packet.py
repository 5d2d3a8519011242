"""The packet: all that is known at once, what is not is named, and who opened it is kept."""

from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from catalogue.sessions import ParticipantLoggedIn
from chassis.announce import uuid7
from chassis.details import Vault
from chassis.refusals import NotFound
from crisis.packet import call_centre, packet, whereabouts
from crisis.packet.whereabouts import Whereabouts
from crisis.participant import Participant
from crisis.plan import plan
from crisis.plan.wording import CODES
from services.crisis.tests.builders import KEY, Clinic

VAULT = Vault(KEY)
DETAILS = {
    "given_name": "Ann", "family_name": "Example", "birth_on": "1990-02-03", "state": "NY",
    "phone": "+1 212 555 0100", "address": "1 Home Street", "email": "ann@mail.example",
    "emergency_contact": {"name": "Bo Example", "phone": "+1 212 555 0101", "relation": "sister"},
}  # fmt: skip
PLACE = {
    "state": "NJ", "location": "9 Lake Road, Trenton", "callback_number": "+1 609 555 0102",
    "present": ["Bo"], "confirmed_at": "2026-11-23T14:20:00.000000Z",
}  # fmt: skip


class Somebody:
    """A participant with an open case, of whom nothing else is known yet."""

    def __init__(self, clinic: Clinic) -> None:
        self.clinic, self.database, self.id = clinic, clinic.database, uuid7()
        self.case_id = clinic.raises("T1", participant_id=self.id, trigger="help_button")
        with self.database.work() as db:
            db.add(Participant(id=self.id, clinic_id=clinic.id, zone="America/New_York"))

    def is_known(self) -> None:
        with self.database.work() as db:
            about = {"clinic_id": self.clinic.id, "version": 1, "content": DETAILS}
            VAULT.keep(db, self.id, owner="intake", **about)

    def logs_in(self, version: int = 1, **said: Any) -> None:
        ids = {"clinic_id": self.clinic.id, "participant_id": self.id}
        with self.database.work() as db:
            event = ParticipantLoggedIn(
                **ids, attendance_id=uuid7(), session_id=uuid7(), state="NJ",
                whereabouts_version=version,
            )  # fmt: skip
            whereabouts.ask(db, event)
            whereabouts.keep(db, VAULT, self.id, self.clinic.id, version, {**PLACE, **said})

    def packet(self) -> dict[str, Any]:
        with self.database.work() as db:
            return packet.packet(db, VAULT, self.case_id)


@pytest.fixture
def somebody(clinic) -> Somebody:
    return Somebody(clinic)


def test_what_a_call_centre_must_be_told_is_in_it(somebody, clinic):
    somebody.is_known()
    somebody.logs_in()
    with clinic.database.work() as db:
        call_centre.enter(db, clinic.id, "NJ", "+1 609 555 0199", by="x", at=db.now)
        steps = {**dict.fromkeys(CODES, ""), "space": "Bo keeps the tablets."}
        how = {"together": True, "replaces": 0, "by": "clinician:x", "at": db.now}
        plan.write(db, VAULT, somebody.id, steps, **how)
    told = somebody.packet()
    assert told["missing"] == []
    wanted = {
        "name": "Ann Example", "birth_on": "1990-02-03", "place": "9 Lake Road, Trenton",
        "place_state": "NJ", "callback_number": "+1 609 555 0102", "present": ["Bo"],
        "emergency_contact": DETAILS["emergency_contact"], "call_centre": "+1 609 555 0199",
        "place_age_minutes": 40, "place_is_old": False, "home_address": "1 Home Street",
    }  # fmt: skip
    assert {name: told[name] for name in wanted} == wanted
    assert told["plan"]["steps"]["space"] == "Bo keeps the tablets."
    assert [(risk["tier"], risk["trigger"]) for risk in told["risks"]] == [("T1", "help_button")]


def test_what_is_not_known_is_named_and_waited_for_by_nobody(somebody):
    """Planted fault: a number that the clinic has not entered, left out silently."""
    assert somebody.packet()["missing"] == list(packet.NEEDED)


def test_a_place_that_was_confirmed_more_than_four_hours_ago_is_old(somebody, clinic):
    somebody.logs_in(confirmed_at="2026-11-23T15:00:00.000000Z")
    clinic.later(4 * 3600)
    assert not somebody.packet()["place_is_old"]
    clinic.later(1)
    assert somebody.packet()["place_is_old"]


def test_the_newest_whereabouts_count_in_whatever_order_they_come(somebody):
    somebody.logs_in(version=3, location="third")
    somebody.logs_in(version=2, location="second")
    assert somebody.packet()["place"] == "third"
    with somebody.database.work() as db:
        row = db.scalars(sa.select(Whereabouts)).one()
        assert (row.wanted_version, row.version) == (3, 3)
        assert b"third" not in bytes(row.sealed or b"")


def test_what_cannot_be_opened_is_missing_and_holds_up_nothing_else(somebody):
    somebody.is_known()
    somebody.logs_in()
    with somebody.database.work() as db:
        db.execute(sa.update(Whereabouts).values(sealed=b"x" * 60))
    told = somebody.packet()
    assert told["name"] == "Ann Example"
    assert {"place", "callback_number"} <= set(told["missing"])


def test_a_number_is_of_one_state_and_one_clinic(somebody, clinic):
    somebody.logs_in()
    with clinic.database.work() as db:
        call_centre.enter(db, clinic.id, "NY", "212 555 0100", by="x", at=db.now)
        call_centre.enter(db, uuid7(), "NJ", "609 555 0100", by="x", at=db.now)
    assert somebody.packet()["call_centre"] is None
    with clinic.database.work() as db:
        call_centre.enter(db, clinic.id, "NJ", "609 555 0100", by="x", at=db.now)
        call_centre.enter(db, clinic.id, "NJ", "609 555 0101", by="y", at=db.now)
    assert somebody.packet()["call_centre"] == "609 555 0101"


def test_where_a_place_is_not_known_the_number_is_of_the_state_they_live_in_and_says_so(somebody):
    somebody.is_known()
    with somebody.database.work() as db:
        call_centre.enter(db, somebody.clinic.id, "NY", "212 555 0100", by="x", at=db.now)
    told = somebody.packet()
    assert (told["call_centre"], told["call_centre_state"]) == ("212 555 0100", "NY")
    assert (told["place_state"], "place" in told["missing"]) == (None, True)


def test_to_whom_it_was_read_out_is_in_the_timeline(somebody, clinic):
    with clinic.database.work() as db:
        told = {"to": "emergency_services", "basis": "imminent_danger"}
        packet.tell(db, somebody.case_id, **told, by="clinician:x", at=db.now)
    assert clinic.told(somebody.case_id)[-1] == "packet_told"
    with clinic.database.work() as db, pytest.raises(NotFound):
        packet.packet(db, VAULT, UUID(int=1))
