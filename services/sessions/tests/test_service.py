"""The whole service over HTTP, on both pairs of broker and database."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from catalogue.crisis import CaseClosed
from catalogue.intake import ParticipantAdmitted
from catalogue.risk import RiskDetected
from catalogue.sessions import (
    AttendanceCredited,
    CheckInSubmitted,
    HomeworkAssigned,
    HomeworkSubmitted,
    ParticipantLeft,
    ParticipantLoggedIn,
    SegmentStarted,
    SessionClosed,
    SessionOpened,
)
from chassis.clock import SimulatedClock
from chassis.tables import reads
from services.sessions.tests.builders import (
    ANN,
    BEN,
    CYD,
    MINUTES,
    Room,
    cannot_come,
    case_of,
    log_in_of,
    released,
)
from sessions.service import Sessions
from web.openapi import document


def outcome(answer) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


def test_a_day_from_opening_the_room_to_wrap_up(room, day):
    """The reference day: whoever stays is credited the plan without its break."""
    opened = room.open()
    assert opened.status_code == 201
    assert {row["participant_id"] for row in opened.json()["expected"]} == {str(ANN), str(BEN)}
    assert room.log_in(ANN).status_code == 201
    room.house.advance(day.after(12))
    assert room.log_in(BEN).json()["state"] == "present"
    assert (room.seen(ANN)["late"], room.seen(BEN)["late"]) == (False, True)
    for position, segment in enumerate(day.segments):
        room.house.advance(max(segment.starts_at, day.after(12)))
        assert room.start(position).json()["segment"] == segment.kind
    room.house.advance(day.after(160))
    assert room.leave(BEN).json()["state"] == "left"
    room.house.advance(day.ends_at)
    wrapped = room.wrap_up()

    minutes = {row["participant_id"]: row["minutes"] for row in wrapped.json()["credited"]}
    assert minutes == {str(ANN): MINUTES, str(BEN): MINUTES - 12 - 20}
    assert outcome(room.log_in(ANN)) == (409, "session_closed")
    assert room.announced(SessionOpened)[0].opened_by == day.facilitator_id
    assert [e.segment for e in room.announced(SegmentStarted)] == [s.kind for s in day.segments]
    assert [e.participant_id for e in room.announced(ParticipantLeft)] == [BEN]
    credited = {e.participant_id: e.minutes for e in room.announced(AttendanceCredited)}
    assert credited == {ANN: MINUTES, BEN: MINUTES - 32}
    assert room.announced(SessionClosed)[0].closed_by == day.facilitator_id


def test_a_room_opens_once_and_not_earlier_than_half_an_hour_before(house_of, day):
    room = Room(house_of("sessions", clock=SimulatedClock(day.after(-31))), day)
    assert outcome(room.open()) == (404, "occurrence")
    room.prepare(ANN)
    assert outcome(room.open()) == (409, "too_early")
    room.house.advance(timedelta(minutes=1))
    assert room.open().status_code == 201
    assert outcome(room.open()) == (409, "already_open")


def test_seats_offered_and_released_after_opening_change_who_is_expected(room, day):
    room.open()
    seat = day.offered(CYD)
    room.hear(seat)
    assert room.seen(CYD)["state"] == "expected"
    room.hear(released(seat))
    assert outcome(room.log_in(CYD)) == (404, "attendance")
    assert room.check_in(CYD, safe=False).json()["risk"]["tier"] == "T1"


def test_a_log_in_keeps_the_whereabouts_sealed_and_announces_only_their_version(room):
    room.open()
    room.log_in(ANN)
    room.log_in(ANN, location="9 Oak Road, Utica", present=["my sister"])
    vault, database = room.house.runtime("sessions").vault, room.house.runtime("sessions").database
    with database.work() as db:
        kept = vault.open(db, ANN)
    assert kept == {
        "state": "NY", "location": "9 Oak Road, Utica", "present": ["my sister"],
        "callback_number": "+1 518 555 0100", "confirmed_at": "2027-03-12T13:30:00.000000Z",
    }  # fmt: skip
    told = room.announced(ParticipantLoggedIn)
    assert [event.whereabouts_version for event in told] == [1, 2]
    with database.look() as connection:
        raw = connection.exec_driver_sql("SELECT frames FROM event_log").scalars().all()
        sealed = connection.exec_driver_sql("SELECT sealed FROM details").scalars().all()
    assert not any(b"Oak" in bytes(one) or b"sister" in bytes(one) for one in [*raw, *sealed])


def test_nobody_logs_in_from_nowhere_or_from_a_state_that_no_licence_covers(room):
    room.open()
    for missing in ("location", "callback_number", "state"):
        answer = room.log_in(ANN, **{missing: ""})
        assert [field["field"] for field in answer.json()["fields"]] == [missing]
    refused = room.log_in(ANN, state="CA")
    assert outcome(refused) == (409, "licence")
    assert refused.json()["crisis_numbers"]["call"] == "988"
    assert room.announced(ParticipantLoggedIn) == []


def test_who_is_not_alone_waits_for_a_clinician_and_is_credited_from_then_on(room, day):
    room.open()
    assert room.log_in(ANN, private=False).json()["state"] == "needs_clinician"
    assert room.log_in(ANN).json()["state"] == "needs_clinician"
    room.house.advance(day.after(15))
    vouched = room.staff("POST", room.at("log-ins"), log_in_of(ANN))
    assert vouched.json()["state"] == "present"
    room.house.advance(day.ends_at)
    credited = {row["participant_id"]: row["minutes"] for row in room.wrap_up().json()["credited"]}
    assert credited == {str(ANN): MINUTES - 15, str(BEN): 0}


def test_people_reach_their_own_day_and_staff_that_of_their_clinic(room):
    room.open()
    for path, body in (
        ("log-ins", log_in_of(ANN)),
        ("leaves", {}),
        ("heartbeats", {}),
        ("check-ins", {"safe": True, "urge": 0}),
    ):
        answer = room.own(BEN, room.at(path), {"participant_id": str(ANN), **body})
        assert answer.status_code == 404, path
    day_of_ann = f"/sessions/participants/{ANN}/day?on=2027-03-12"
    assert room.own(BEN, day_of_ann, None, method="GET").status_code == 404
    assert room.own(ANN, room.at(""), None, method="GET").status_code == 403
    other = [uuid4()]
    assert room.staff("GET", room.at(""), clinics=other).status_code == 404
    assert room.staff("POST", room.at("wrap-up"), {}, clinics=other).status_code == 404
    assert room.staff("GET", day_of_ann, clinics=other).status_code == 404
    assert room.staff("GET", "/sessions/days?on=2027-03-12", clinics=other).json() == {"items": []}


def test_who_opened_a_room_is_noted_as_having_read_the_roster(room, day):
    room.open()
    with room.house.runtime("sessions").database.look() as connection:
        noted = connection.execute(sa.select(reads.c.operation, reads.c.subject)).all()
    assert ("open_session", f"occurrence_id={day.occurrence_id}") in noted


def test_a_check_in_announces_danger_before_it_answers(room):
    room.open()
    assert room.check_in(ANN, urge=6).json()["risk"] is None
    answer = room.check_in(ANN, safe=False)
    assert answer.status_code == 201
    assert answer.json()["risk"] == {"tier": "T1", "trigger": "checkin_not_safe"}
    assert answer.json()["crisis_numbers"] == {"call": "988", "text": "988", "emergency": "911"}
    assert room.check_in(BEN, urge=7).json()["risk"] == {"tier": "T2", "trigger": "checkin_urge"}
    found = [(event.participant_id, event.tier) for event in room.announced(RiskDetected)]
    assert found == [(ANN, "T1"), (BEN, "T2")]
    assert len(room.announced(CheckInSubmitted)) == 3


@pytest.mark.parametrize("wrong", [{"mood": 11}, {"urge": "strong"}, {"note": "help"}])
def test_a_check_in_that_is_refused_says_whom_to_call_and_keeps_nothing(room, wrong):
    room.open()
    refused = room.check_in(ANN, safe=False, **wrong)
    assert outcome(refused) == (422, "invalid")
    assert refused.json()["crisis_numbers"] == {"call": "988", "text": "988", "emergency": "911"}
    assert room.announced(CheckInSubmitted) == room.announced(RiskDetected) == []


def test_who_comes_to_a_day_that_is_over_is_told_whom_to_call(room, day):
    room.open()
    assert outcome(room.wrap_up()) == (409, "too_early")
    room.house.advance(day.starts_at)
    room.wrap_up()
    refused = room.log_in(ANN)
    assert outcome(refused) == (409, "session_closed")
    assert refused.json()["crisis_numbers"]["call"] == "988"


def test_every_answer_of_sessions_is_described():
    described = [
        answer
        for path, methods in document(Sessions)["paths"].items()
        for operation in methods.values()
        for status, answer in operation["responses"].items()
        if status in ("200", "201")
    ]
    assert described
    assert all("content" in answer for answer in described)


def test_a_heartbeat_answers_as_it_is_described(room):
    room.open()
    room.log_in(ANN)
    answer = room.own(ANN, room.at("heartbeats"), {"participant_id": str(ANN)})
    path = "/sessions/sessions/{session_id}/heartbeats"
    described = document(Sessions)["paths"][path]["post"]["responses"]
    assert str(answer.status_code) in described
    assert "201" not in described


def test_somebody_who_is_not_safe_is_not_sent_back_to_answer_the_rest(room):
    room.open()
    for safe, status in ((False, 201), (True, 422)):
        body = {"participant_id": str(ANN), "safe": safe}
        assert room.own(ANN, room.at("check-ins"), body).status_code == status
    assert len(room.announced(RiskDetected)) == 1


def test_people_with_an_open_case_who_do_not_come_or_come_back_are_looked_for(room, day):
    """A no-show after 15 minutes, and whoever is not back 5 minutes after the break."""
    closed = case_of(day, BEN)
    room.hear(day.offered(CYD), case_of(day, ANN), closed, case_of(day, CYD, "T2"))
    room.hear(
        CaseClosed(
            clinic_id=day.clinic_id, case_id=closed.case_id, participant_id=BEN,
            disposition="stabilised", closed_by=day.facilitator_id,
        )
    )  # fmt: skip
    room.open()
    room.log_in(ANN)
    room.house.advance(day.after(15))
    assert room.seen(BEN)["state"] == "no_show"
    for position in range(3):
        room.start(position)
    room.house.advance(day.after(80))
    room.leave(ANN)
    room.house.advance(day.after(94))
    found = [(e.participant_id, e.trigger) for e in room.announced(RiskDetected)]
    assert found == [(CYD, "no_show_at_risk")]
    room.house.advance(day.after(95))
    assert [e.trigger for e in room.announced(RiskDetected)][1:] == ["not_back_from_break"]
    assert room.log_in(BEN).json()["state"] == "present"


def test_homework_falls_due_once_at_2000_local_across_the_clock_change(room, day):
    room.hear(
        ParticipantAdmitted(
            clinic_id=day.clinic_id, episode_id=uuid4(), participant_id=ANN, state="AZ",
            zone="America/Phoenix", admitted_by=day.facilitator_id,
        )
    )  # fmt: skip
    room.open()
    room.log_in(ANN)
    assert room.assign(due_on="2027-03-11").status_code == 422
    assert room.assign(due_on="9999-12-31", due_local="23:59").status_code == 422
    assert room.assign(template="Jane.Doe-overdosed").status_code == 422
    (given,) = room.assign().json()["homework"]
    assert given["due_at"] == "2027-03-15T00:00:00.000000Z"
    submission = f"/sessions/homework/{given['homework_id']}/submission"
    assert homework_of(room, ANN) == "assigned"
    room.house.advance(day.starts_at.replace(day=14, hour=23, minute=59))
    assert homework_of(room, ANN) == "assigned"
    room.house.advance(timedelta(minutes=1))
    assert homework_of(room, ANN) == "overdue"
    assert room.own(BEN, submission, {}).status_code == 404
    assert room.own(ANN, submission, {}).json()["state"] == "submitted"
    assert outcome(room.own(ANN, submission, {})) == (409, "already_submitted")
    assert [e.participant_id for e in room.announced(HomeworkAssigned)] == [ANN]
    assert [e.participant_id for e in room.announced(HomeworkSubmitted)] == [ANN]


def homework_of(room: Room, person: UUID) -> str:
    path = f"/sessions/participants/{person}/day?on=2027-03-12"
    seen = room.own(person, path, None, method="GET").json()
    assert seen["zone"] == "America/Phoenix"
    (mine,) = seen["days"]
    assert (mine["session_id"], mine["attendance"]["state"]) == (room.session_id, "present")
    return seen["homework"][0]["state"]


def test_heartbeats_stand_in_for_a_leave_that_never_arrived(room, day):
    room.open()
    room.house.advance(day.starts_at)
    room.log_in(ANN)
    for _ in range(21):
        body = {"participant_id": str(ANN)}
        assert room.own(ANN, room.at("heartbeats"), body).status_code == 204
        room.house.clock.advance_to(room.house.clock.now() + timedelta(seconds=15))
    room.house.advance(day.ends_at)
    credited = {row["participant_id"]: row["minutes"] for row in room.wrap_up().json()["credited"]}
    assert credited[str(ANN)] == 5


def test_the_facilitator_sees_who_said_that_they_cannot_come(room):
    seat = room.day.offered(ANN)
    room.hear(cannot_come(seat, room.day.occurrence_id), cannot_come(seat, uuid4()))
    room.open()
    assert room.seen(ANN)["absence_announced"] is True
    assert room.seen(BEN)["absence_announced"] is False
    assert room.log_in(ANN).status_code == 201, "whoever can come after all just comes"
