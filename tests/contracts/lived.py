"""A programme day on which one thing of every kind exists, and the ids of those things."""

from tests.journeys.person import Clinic

HOMEWORK = {"template": "thought_record", "due_on": "2027-03-01", "due_local": "20:00"}


def live_through(clinic: Clinic) -> dict[str, str]:
    """Somebody is in their first session, not safe, with homework. Ids by the name of each."""
    person, session = clinic.open_day()
    number = {"clinic_id": str(clinic.id), "state": "NY", "number": "212 555 0100"}
    clinic.call("PUT", "/crisis/call-centres", number, role="clinic_admin")
    person.log_in(session)
    person.check_in(session, safe=False)
    homework = clinic.post(f"/sessions/sessions/{session}/homework", HOMEWORK)["homework"]
    clinic.house.settle()
    day = clinic.get(f"/sessions/sessions/{session}")
    cohort = clinic.get(f"/scheduling/cohorts/{day['cohort_id']}")
    told = clinic.get(f"/notifications/messages?recipient_id={person.id}")["items"]
    cases = clinic.get(f"/crisis/cases?clinic_id={clinic.id}")["items"]
    return {
        "clinic_id": str(clinic.id),
        "participant_id": person.id,
        "person_id": person.id,
        "recipient_id": person.id,
        "episode_id": person.episode_id,
        "screen_id": clinic.get(person.episode)["screens"][0]["screen_id"],
        "clinician_id": clinic.facilitator,
        "facilitator_id": clinic.facilitator,
        "programme_id": cohort["programme_id"],
        "cohort_id": cohort["cohort_id"],
        "seat_id": cohort["seats"][0]["seat_id"],
        "occurrence_id": day["occurrence_id"],
        "session_id": session,
        "homework_id": homework[0]["homework_id"],
        "case_id": cases[0]["case_id"],
        "message_id": told[0]["message_id"],
    }
