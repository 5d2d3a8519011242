"""Scheduling over HTTP, on both pairs of broker and database."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import eventlet
import pytest

from catalogue.intake import ParticipantDetailsChanged, ParticipantDischarged
from catalogue.scheduling import (
    ClinicianDetailsChanged,
    ClinicianRegistered,
    CohortOpened,
    OccurrenceCancelled,
    OccurrenceScheduled,
    SeatOffered,
    SeatReleased,
)
from chassis.clock import SimulatedClock
from scheduling.occurrence import OCCURRENCE
from scheduling.seat import SEAT
from scheduling.service import Scheduling
from services.scheduling.tests.builders import (
    NOW,
    PERSON,
    SEGMENTS,
    admitted,
    clinician_body,
    cohort_body,
    programme_body,
)
from web.openapi import document

REQUESTS = 200


class Desk:
    """Somebody who schedules for one clinic."""

    def __init__(self, house, clinic_id=None):
        self.house = house
        self.clinic_id = clinic_id or uuid4()

    def ask(self, method, path, *, status=None, role="scheduler", **request):
        answer = self.house.call(
            method, f"/scheduling{path}", role=role, clinics=[self.clinic_id], **request
        )
        assert status is None or answer.status_code == status, answer.text
        return answer

    def made(self, path, body):
        return self.ask("POST", path, json=body, status=201).json()

    def clinician(self, **given):
        return self.made("/clinicians", clinician_body(self.clinic_id, **given))["clinician_id"]

    def programme(self, **given):
        return self.made(
            "/programmes", programme_body(self.clinic_id, **{"code": uuid4().hex, **given})
        )["programme_id"]

    def cohort(self, *, programme_id=None, facilitator_id=None, **given):
        body = cohort_body(
            self.clinic_id,
            programme_id or self.programme(),
            facilitator_id or self.clinician(),
            **given,
        )
        return self.made("/cohorts", body)

    def admitted(self, **given):
        event = admitted(self.clinic_id, **given)
        self.house.hear("scheduling", event, source="intake")
        return event

    def seat(self, cohort_id, participant_id, **given):
        body = {"participant_id": str(participant_id)}
        return self.ask("POST", f"/cohorts/{cohort_id}/seats", json=body, **given)


@pytest.fixture
def house(house_of):
    return house_of("scheduling", clock=SimulatedClock(NOW))


@pytest.fixture
def desk(house):
    return Desk(house)


def problem(answer):
    said = answer.json()
    return answer.status_code, said["code"], said.get("facts")


def fields(answer):
    assert answer.status_code == 422, answer.text
    return {one["field"]: one["messages"] for one in answer.json()["fields"]}


def test_from_a_registered_clinician_to_a_seat_for_the_whole_series(desk, house):
    clinician_id = desk.clinician()
    programme = desk.made("/programmes", programme_body(desk.clinic_id))
    assert programme["weekly_minutes"] == 540
    opened = desk.cohort(programme_id=programme["programme_id"], facilitator_id=clinician_id)
    days = opened["occurrences"]
    assert [days[5]["starts_at"], days[6]["starts_at"]] == [
        "2027-03-12T14:00:00.000000Z",
        "2027-03-15T13:00:00.000000Z",
    ]
    assert (len(days), days[-1]["day_on"]) == (24, "2027-04-23")
    participant = desk.admitted(state="NY", zone="America/Phoenix")
    given = desk.seat(opened["cohort_id"], participant.participant_id, status=201).json()
    assert given | {"seat_id": ""} == {
        "seat_id": "",
        "occurrences": 24,
        "first_starts_at": "2027-03-01T14:00:00.000000Z",
        "zone": "America/Phoenix",
        "clock_changes": [
            {
                "starts_at": "2027-03-15T13:00:00.000000Z",
                "local_before": "07:00",
                "local_after": "06:00",
            }
        ],
    }
    kinds = [type(event) for event in house.announced("scheduling")]
    assert kinds == [
        ClinicianRegistered, CohortOpened, *[OccurrenceScheduled] * 24, SeatOffered,
    ]  # fmt: skip


def test_of_200_who_ask_for_the_last_seat_one_gets_it(desk, house):
    """Count the seats without the cohort's lock, and some get 409 `conflict` instead; drop the
    unique number of a seat as well, and several are seated."""
    cohort_id = desk.cohort(capacity=2, count=3)["cohort_id"]
    desk.seat(cohort_id, desk.admitted().participant_id, status=201)
    asking = [desk.admitted().participant_id for _ in range(REQUESTS)]
    pool = eventlet.GreenPool(REQUESTS)
    answers = list(pool.imap(lambda participant_id: desk.seat(cohort_id, participant_id), asking))
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(201) == 1
    refused = [problem(answer) for answer in answers if answer.status_code != 201]
    assert refused == [(409, "capacity", {"cohort_id": cohort_id, "capacity": 2})] * (REQUESTS - 1)
    roster = desk.ask("GET", f"/cohorts/{cohort_id}").json()
    assert (roster["taken"], len(roster["seats"])) == (2, 2)
    assert [type(e) for e in house.announced("scheduling")].count(SeatOffered) == 2


def test_a_facilitator_cannot_be_in_two_places(desk):
    facilitator_id = desk.clinician()
    first = desk.cohort(facilitator_id=facilitator_id, count=2)
    body = cohort_body(
        desk.clinic_id, desk.programme(starts_local="10:30"), facilitator_id, count=1
    )
    answer = desk.ask("POST", "/cohorts", json=body)
    named = {"occurrence_id": first["occurrences"][0]["occurrence_id"], "day_on": "2027-03-01"}
    facts = {"person_id": facilitator_id, "occurrences": [named]}
    assert problem(answer) == (409, "double_booked", facts)
    assert len(desk.ask("GET", "/cohorts").json()["items"]) == 1


def test_a_participant_cannot_be_in_two_places(desk):
    participant_id = desk.admitted().participant_id
    first, second = desk.cohort(), desk.cohort()
    desk.seat(first["cohort_id"], participant_id, status=201)
    status, code, facts = problem(desk.seat(second["cohort_id"], participant_id))
    assert (status, code) == (409, "double_booked")
    assert [one["occurrence_id"] for one in facts["occurrences"]] == [
        day["occurrence_id"] for day in first["occurrences"]
    ]


def test_each_refusal_of_a_seat_has_its_own_code(desk):
    cohort_id = desk.cohort(capacity=1)["cohort_id"]
    stranger, here, elsewhere = uuid4(), desk.admitted(), desk.admitted(state="CT")
    assert problem(desk.seat(cohort_id, stranger))[:2] == (409, "not_admitted")
    assert problem(desk.seat(cohort_id, elsewhere.participant_id))[:2] == (409, "licence")
    desk.seat(cohort_id, here.participant_id, status=201)
    assert problem(desk.seat(cohort_id, here.participant_id))[:2] == (409, "already_seated")
    assert problem(desk.seat(uuid4(), here.participant_id))[:2] == (404, "not_found")


def test_a_seat_asked_for_twice_under_one_key_is_one_seat(desk):
    cohort_id = desk.cohort()["cohort_id"]
    participant_id = desk.admitted().participant_id
    person, key = uuid4(), {"Idempotency-Key": "seat-1"}
    first, second = (
        desk.seat(cohort_id, participant_id, person=person, headers=key) for _ in range(2)
    )
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert desk.ask("GET", f"/cohorts/{cohort_id}").json()["taken"] == 1


def test_a_released_seat_is_free_again(desk, house):
    cohort_id = desk.cohort(capacity=1)["cohort_id"]
    seat_id = desk.seat(cohort_id, desk.admitted().participant_id, status=201).json()["seat_id"]
    released = desk.ask("DELETE", f"/seats/{seat_id}", status=200).json()
    assert released == {"seat_id": seat_id, "state": "released"}
    assert problem(desk.ask("DELETE", f"/seats/{seat_id}"))[:2] == (409, "step_not_allowed")
    desk.seat(cohort_id, desk.admitted().participant_id, status=201)
    assert [type(e) for e in house.announced("scheduling")][-2:] == [SeatReleased, SeatOffered]


def test_whoever_is_discharged_loses_the_seat_and_can_get_no_other(desk, house):
    cohort_id = desk.cohort()["cohort_id"]
    episode = desk.admitted()
    desk.seat(cohort_id, episode.participant_id, status=201)
    house.hear(
        "scheduling",
        ParticipantDischarged(
            clinic_id=desk.clinic_id,
            episode_id=episode.episode_id,
            participant_id=episode.participant_id,
            reason="completed",
            discharged_by=uuid4(),
        ),
        source="intake",
    )
    assert house.announced("scheduling")[-1].reason == "discharged"
    assert problem(desk.seat(cohort_id, episode.participant_id))[:2] == (409, "not_admitted")


def test_a_participant_who_moved_is_told_by_the_new_clock(desk, house):
    episode = desk.admitted(zone="America/New_York")
    moved = ParticipantDetailsChanged(
        clinic_id=desk.clinic_id,
        episode_id=episode.episode_id,
        participant_id=episode.participant_id,
        details_version=2,
        zone="America/Phoenix",
    )
    house.hear("scheduling", moved, source="intake")
    given = desk.seat(desk.cohort()["cohort_id"], episode.participant_id, status=201).json()
    assert given["zone"] == "America/Phoenix"
    assert len(given["clock_changes"]) == 1


def test_details_of_somebody_not_admitted_yet_are_no_concern(desk, house):
    early = ParticipantDetailsChanged(
        clinic_id=desk.clinic_id,
        episode_id=uuid4(),
        participant_id=uuid4(),
        details_version=1,
        zone="America/Phoenix",
    )
    house.hear("scheduling", early, source="intake")
    assert house.announced("scheduling") == []


def test_a_cancelled_day_is_announced_and_shown(desk, house):
    opened = desk.cohort(count=2)
    first = opened["occurrences"][0]["occurrence_id"]
    path = f"/occurrences/{first}/cancellation"
    assert set(fields(desk.ask("POST", path, json={"reason": "Jane.Doe-ill"}))) == {"reason"}
    cancelled = desk.ask("POST", path, json={"reason": "weather"}, status=200).json()
    assert cancelled == {"occurrence_id": first, "state": "cancelled"}
    shown = desk.ask("GET", f"/occurrences?cohort_id={opened['cohort_id']}").json()["items"]
    assert [day["state"] for day in shown] == ["cancelled", "scheduled"]
    assert house.announced("scheduling")[-1] == OccurrenceCancelled(
        clinic_id=desk.clinic_id,
        occurrence_id=UUID(first),
        cohort_id=UUID(opened["cohort_id"]),
        reason="weather",
    )


def test_days_are_listed_between_two_dates_with_their_segments(desk):
    desk.cohort()
    shown = desk.ask("GET", "/occurrences?from=2027-03-03&to=2027-03-05").json()["items"]
    assert [day["day_on"] for day in shown] == ["2027-03-03", "2027-03-05"]
    assert [part["kind"] for part in shown[0]["segments"]] == [s["kind"] for s in SEGMENTS]
    assert shown[0]["segments"][-1]["ends_at"] == shown[0]["ends_at"]
    assert shown[0]["zone"] == "America/New_York"
    assert len(desk.ask("GET", "/occurrences?limit=7").json()["items"]) == 7


def test_lists_are_newest_last_and_say_no_names(desk):
    ids = [desk.clinician(), desk.clinician(roles=["supervisor", "crisis_lead"])]
    listed = desk.ask("GET", "/clinicians")
    assert [one["clinician_id"] for one in listed.json()["items"]] == ids
    assert listed.json()["items"][1]["roles"] == ["crisis_lead", "supervisor"]
    assert not [word for word in PERSON.values() if word in listed.text]
    assert len(desk.ask("GET", "/clinicians?limit=1").json()["items"]) == 1


def test_a_licence_that_ran_out_is_no_longer_listed(desk, house):
    licence = {"state": "NJ", "number": "1", "expires_on": "2027-02-22"}
    desk.clinician(licences=[licence])
    assert desk.ask("GET", "/clinicians").json()["items"][0]["states"] == ["NJ"]
    house.advance(timedelta(days=1))
    assert desk.ask("GET", "/clinicians").json()["items"][0]["states"] == []
    body = cohort_body(desk.clinic_id, desk.programme(), desk.ask("GET", "/clinicians").json()[
        "items"][0]["clinician_id"])  # fmt: skip
    assert problem(desk.ask("POST", "/cohorts", json=body))[:2] == (409, "licence")


def test_changed_details_are_shown_announced_and_handed_to_other_services(desk, house):
    clinician_id = desk.clinician()
    path = f"/clinicians/{clinician_id}/details"
    changed = PERSON | {"phone": "+1 212 555 0199", "zone": "America/Chicago"}
    answer = desk.ask("PUT", path, json=changed, status=200).json()
    assert answer == {"clinician_id": clinician_id, "details_version": 2}
    shown = desk.ask("GET", path, role="clinician", person=UUID(clinician_id), status=200).json()
    assert shown["phone"] == "+1 212 555 0199"
    assert isinstance(house.announced("scheduling")[-1], ClinicianDetailsChanged)
    runtime = house.runtime("scheduling")
    with runtime.database.work() as db:
        version, handed = runtime.hand_out(db, UUID(clinician_id), to="crisis")
    assert (version, handed["phone"]) == (2, "+1 212 555 0199")


def test_a_clinician_reaches_no_colleagues_details(desk):
    path = f"/clinicians/{desk.clinician()}/details"
    assert desk.ask("GET", path, role="clinician").status_code == 404
    body = PERSON | {"zone": "America/Chicago"}
    assert desk.ask("PUT", path, role="clinician", json=body).status_code == 404


def test_another_clinic_sees_and_changes_nothing(desk, house):
    """Leave out the clinic of one table, and its row shows up here."""
    clinician_id = desk.clinician()
    opened = desk.cohort(facilitator_id=clinician_id, count=1)
    cohort_id, (day,) = opened["cohort_id"], opened["occurrences"]
    participant_id = desk.admitted().participant_id
    seat_id = desk.seat(cohort_id, participant_id, status=201).json()["seat_id"]
    other = Desk(house)
    for listed in (
        "/clinicians",
        "/cohorts",
        "/occurrences",
        f"/occurrences?cohort_id={cohort_id}",
    ):
        assert other.ask("GET", listed).json() == {"items": []}
    refused = [
        other.ask("GET", f"/cohorts/{cohort_id}"),
        other.ask("GET", f"/clinicians/{clinician_id}/details"),
        other.seat(cohort_id, participant_id),
        other.ask("DELETE", f"/seats/{seat_id}"),
        other.ask(
            "POST", f"/occurrences/{day['occurrence_id']}/cancellation", json={"reason": "other"}
        ),
    ]
    assert [problem(answer)[:2] for answer in refused] == [(404, "not_found")] * 5
    body = cohort_body(desk.clinic_id, uuid4(), uuid4())
    assert other.ask("POST", "/cohorts", json=body).status_code == 403
    assert other.ask("GET", f"/cohorts?clinic_id={desk.clinic_id}").status_code == 403


def test_a_programme_at_fault_is_refused_with_the_path(desk):
    for changes, at_fault in (
        ({"weekdays": ["MO", "WE"]}, {"weekdays"}),
        ({"weekdays": ["MO", "MO", "WE"]}, {"weekdays"}),
        ({"weekdays": ["MO", "XX", "WE"]}, {"weekdays.1"}),
        ({"zone": "Mars/Olympus"}, {"zone"}),
        ({"starts_local": "24:00"}, {"starts_local"}),
        ({"starts_local": "09:00\n"}, {"starts_local"}),
        ({"segments": SEGMENTS[::-1]}, {"segments.0.kind", "segments.4.kind"}),
        ({"segments": [{"kind": "yoga", "minutes": 180}]}, {"segments.0.kind"}),
        ({"segments": []}, {"segments"}),
        ({"code": "day 9"}, {"code"}),
        ({"colour": "blue"}, {"colour"}),
    ):
        body = programme_body(desk.clinic_id, **changes)
        assert set(fields(desk.ask("POST", "/programmes", json=body))) == at_fault, changes


def test_five_days_of_four_hours_are_another_level_of_care(desk):
    longer = [*SEGMENTS[:-1], {"kind": "custom", "minutes": 60}, SEGMENTS[-1]]
    body = programme_body(desk.clinic_id, weekdays=["MO", "TU", "WE", "TH", "FR"], segments=longer)
    assert fields(desk.ask("POST", "/programmes", json=body)) == {"weekdays": ["is_php"]}
    body["weekdays"] = ["MO", "TU"]
    refused = fields(desk.ask("POST", "/programmes", json=body))
    assert "weekly_hours<9" in refused["weekdays"]


def test_a_clinician_at_fault_is_refused_with_the_path(desk):
    licence = {"state": "NY", "number": "1", "expires_on": "2028-01-01"}
    for changes, at_fault in (
        ({"roles": []}, {"roles"}),
        ({"roles": ["owner"]}, {"roles.0"}),
        ({"licences": [licence | {"state": "ZZ"}]}, {"licences.0.state"}),
        ({"licences": [licence, licence]}, {"licences"}),
        ({"email": "nobody"}, {"email"}),
        ({"phone": "call me"}, {"phone"}),
    ):
        body = clinician_body(desk.clinic_id, **changes)
        assert set(fields(desk.ask("POST", "/clinicians", json=body))) == at_fault, changes


def test_a_cohort_at_fault_is_refused_with_the_path(desk):
    for changes in ({"capacity": 13}, {"capacity": 0}, {"count": 61}, {"count": 0}):
        body = cohort_body(desk.clinic_id, uuid4(), uuid4(), **changes)
        assert set(fields(desk.ask("POST", "/cohorts", json=body))) == set(changes)


def test_only_those_who_plan_may_plan(desk):
    plans = ("/clinicians", "/programmes", "/cohorts", f"/occurrences/{uuid4()}/cancellation")
    for role in ("participant", "clinician", "supervisor", "crisis_lead", "auditor", "sre"):
        for path in plans:
            assert desk.ask("POST", path, json={}, role=role).status_code == 403
        allowed = desk.ask("GET", "/cohorts", role=role).status_code
        assert allowed == (403 if role in ("participant", "sre") else 200)


def test_the_readme_shows_the_states_as_the_tables_have_them():
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    for states in (SEAT, OCCURRENCE):
        assert f"```mermaid\n{states.diagram()}\n```" in readme


def test_the_service_describes_every_route_and_what_it_answers():
    described = document(Scheduling)
    operations = {
        operation["operationId"]: operation
        for path in described["paths"].values()
        for operation in path.values()
    }
    assert len(operations) == 14
    answered = operations["offer_seat"]["responses"]["201"]["content"]["application/json"]
    assert answered["schema"] == {"$ref": "#/components/schemas/SeatMade"}
