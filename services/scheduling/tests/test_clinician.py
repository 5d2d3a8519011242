"""Clinicians, their licences, and where their names are."""

from datetime import UTC, date, datetime
from uuid import uuid4

import pytest
import sqlalchemy as sa

from catalogue.scheduling import ClinicianDetailsChanged, ClinicianRegistered
from chassis.refusals import NotFound
from scheduling import clinician
from scheduling.clinician import Clinician
from services.scheduling.tests.builders import BY, LICENCE, NOW, PERSON, VAULT, all_at_once

RENAMED = PERSON | {"family_name": "Featherstonehaugh"}


def test_a_registered_clinician_is_announced_with_the_states_that_hold_today(clinic):
    licences = [
        LICENCE,
        {"state": "NJ", "number": "1", "expires_on": date(2027, 2, 22)},
        {"state": "CT", "number": "2", "expires_on": date(2027, 2, 21)},
    ]
    clinician_id = clinic.clinician(licences, roles=["supervisor", "clinician"])
    assert clinic.announced() == [
        ClinicianRegistered(
            clinic_id=clinic.id,
            clinician_id=clinician_id,
            roles=("clinician", "supervisor"),
            states=("NJ", "NY"),
            details_version=1,
            zone="America/New_York",
        )
    ]


def test_details_are_kept_sealed_and_in_no_plain_column(clinic, database):
    """Seal them with a key of zeros or store them beside, and the scan finds the name."""
    clinician_id = clinic.clinician()
    with clinic.work() as db:
        assert clinician.details_of(db, VAULT, clinician_id) == {
            "clinician_id": clinician_id,
            "clinic_id": clinic.id,
            "details_version": 1,
            "zone": "America/New_York",
            **PERSON,
        }
    found = rows_that_hold(database, [word.encode() for word in PERSON.values()])
    assert found == []


def rows_that_hold(database, words):
    """Tables in which a word stands as it is, in text or in bytes."""
    found = []
    with database.work() as db:
        connection = db.connection()
        for table in sa.inspect(connection).get_table_names():
            for row in connection.exec_driver_sql(f"SELECT * FROM {table}"):
                said = b"".join(_bytes(value) for value in row)
                found += [(table, word) for word in words if word in said]
    return found


def _bytes(value):
    return bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()


def test_the_scan_for_names_would_find_one_in_a_plain_column(clinic, database):
    clinic.clinician([LICENCE | {"number": "Quartermaine"}])
    assert ("licences", b"Quartermaine") in rows_that_hold(database, [b"Quartermaine"])
    with clinic.work() as db:
        db.execute(sa.text("UPDATE licences SET number = 'x' WHERE number = 'Quartermaine'"))


def test_changed_details_have_the_next_version_and_are_announced_without_a_name(clinic):
    clinician_id = clinic.clinician()
    with clinic.work() as db:
        clinician.change_details(
            db, VAULT, clinician_id, zone="America/Chicago", by="clinician:1", at=NOW, **RENAMED
        )
    with clinic.work() as db:
        shown = clinician.details_of(db, VAULT, clinician_id)
        assert shown["family_name"] == "Featherstonehaugh"
        assert shown["details_version"] == 2
        assert db.get(Clinician, clinician_id).changed_by == "clinician:1"
    assert clinic.announced_of(ClinicianDetailsChanged) == [
        ClinicianDetailsChanged(
            clinic_id=clinic.id,
            clinician_id=clinician_id,
            details_version=2,
            zone="America/Chicago",
        )
    ]


def test_changes_at_the_same_time_get_versions_of_their_own(clinic):
    """Read the version without the row's lock, and two changes share one on PostgreSQL."""
    clinician_id = clinic.clinician()

    def change():
        with clinic.work() as db:
            return clinician.change_details(
                db, VAULT, clinician_id, zone="America/Chicago", by=BY, at=NOW, **RENAMED
            ).details_version

    assert sorted(all_at_once([change] * 6)) == [2, 3, 4, 5, 6, 7]


def test_another_clinics_clinician_is_not_there(clinic):
    clinician_id = clinic.clinician()
    with clinic.request(uuid4()) as db, pytest.raises(NotFound):
        clinician.details_of(db, VAULT, clinician_id)


@pytest.mark.parametrize(
    ("state", "unlicensed"),
    [("NY", set()), ("NJ", {"2027-03-02"}), ("CT", {"2027-03-01", "2027-03-02"}), (None, set())],
)
def test_a_clinician_is_licensed_by_state_and_to_the_last_date(clinic, state, unlicensed):
    ends = [datetime(2027, 3, day, 17, tzinfo=UTC) for day in (1, 2)]
    licences = [LICENCE, {"state": "NJ", "number": "1", "expires_on": date(2027, 3, 1)}]
    with clinic.work() as db:
        one = clinician.clinician_of(db, clinic.clinician_in(db, licences))
        found = one.unlicensed_at(ends, "America/New_York", state)
    assert {end.date().isoformat() for end in found} == unlicensed


def test_whoever_has_no_licence_is_licensed_nowhere(clinic):
    ends = {datetime(2027, 3, 1, 17, tzinfo=UTC)}
    with clinic.work() as db:
        one = clinician.clinician_of(db, clinic.clinician_in(db, []))
        assert one.unlicensed_at(ends, "America/New_York") == ends
