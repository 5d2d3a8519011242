"""What each act must have brought about, in plain SQL over the ledger and the five databases.

Every effect is a pair of queries: what is expected, as key, label and amount, and what is found,
as key and amount. Ids are compared without their hyphens.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Effect:
    """Expected and found, summed by key. Less is lost, more is duplicated.

    `closed` effects allow no key that nobody expected. `allowed` are keys of what somebody who
    watched asked for by hand, and need not have got.
    """

    says: str
    expected: str
    found: str
    closed: bool = False
    allowed: str = ""


EFFECTS = (
    Effect(
        "{} is an episode",
        "SELECT episode, label FROM referred",
        "SELECT id FROM intake.episodes",
        closed=True,
    ),
    Effect(
        "{} is a person",
        "SELECT participant, label FROM referred",
        "SELECT id FROM intake.participants",
        closed=True,
    ),
    Effect(
        "{}",
        "SELECT screen, says FROM screened",
        "SELECT id FROM intake.screens",
        closed=True,
    ),
    Effect(
        "{}, item by item",
        "SELECT screen || '/' || item.key, says FROM answered, json_each(body, '$.answers') AS item"
        " WHERE step = 'answers'",
        "SELECT screen_id || '/' || item FROM intake.screen_answers",
        closed=True,
    ),
    Effect(
        "{}",
        "SELECT screen, says FROM answered WHERE step = 'completion'",
        "SELECT id FROM intake.screens WHERE state = 'complete'",
        closed=True,
    ),
    Effect(
        "{}",
        "SELECT episode, says FROM decided WHERE step = 'recommendation'",
        "SELECT episode_id FROM intake.recommendations",
        closed=True,
    ),
    Effect(
        "{}",
        "SELECT episode, says FROM decided WHERE step = 'level'",
        "SELECT id FROM intake.episodes WHERE confirmed_level IS NOT NULL",
        closed=True,
    ),
    Effect(
        "{} is admitted",
        "SELECT episode, label FROM admitted",
        "SELECT id FROM intake.episodes WHERE admitted_at IS NOT NULL",
    ),
    Effect(
        "{} is known to scheduling",
        "SELECT participant, label FROM admitted",
        "SELECT participant_id FROM scheduling.admissions",
    ),
    Effect(
        "{} is known to sessions",
        "SELECT participant, label FROM admitted",
        "SELECT participant_id FROM sessions.participants",
    ),
    Effect(
        "the consent of {} is known to notifications",
        "SELECT episode, label FROM done JOIN referred ON number = about WHERE step = 'consent'",
        "SELECT episode_id FROM notifications.consent_ledger WHERE said = 'given'"
        " AND purpose = 'days' AND channel = 'email'",
    ),
    Effect(
        "the address of {} is known to notifications",
        "SELECT participant, label FROM referred",
        "SELECT person_id FROM notifications.details WHERE version = wanted_version AND version",
    ),
    Effect(
        "the number of {} is known to crisis",
        "SELECT participant, label FROM referred",
        "SELECT person_id FROM crisis.details WHERE version = wanted_version AND version",
    ),
    Effect(
        "{}, known to sessions",
        "SELECT id, says FROM clinician",
        "SELECT clinician_id FROM sessions.clinicians",
    ),
    Effect(
        "{}, with an address for pages",
        "SELECT id, says FROM clinician",
        "SELECT person_id FROM crisis.details WHERE version = wanted_version AND version",
    ),
    Effect(
        "{} is a day of sessions",
        "SELECT occurrence, label FROM programme_day",
        "SELECT occurrence_id FROM sessions.occurrences",
    ),
    Effect(
        "{} is a day of notifications",
        "SELECT occurrence, label FROM programme_day",
        "SELECT occurrence_id FROM notifications.occurrences",
    ),
    Effect(
        "{} has a seat",
        "SELECT seat, label FROM seated",
        "SELECT id FROM scheduling.seats WHERE state = 'offered'",
    ),
    Effect(
        "{} is booked",
        "SELECT participant || occurrence, label FROM seated_day",
        "SELECT person_id || occurrence_id FROM scheduling.bookings WHERE seat_id IS NOT NULL",
        closed=True,
    ),
    Effect(
        "{} is on the roster of sessions",
        "SELECT seat, label FROM seated",
        "SELECT seat_id FROM sessions.seats WHERE released_at IS NULL",
    ),
    Effect(
        "{} is told of the seat",
        "SELECT seat, label FROM seated",
        "SELECT about_id FROM notifications.messages WHERE template = 'seat_offered'",
        closed=True,
    ),
    Effect(
        "{} is reminded",
        "SELECT participant || occurrence, label FROM seated_day",
        "SELECT recipient_id || about_id FROM notifications.messages WHERE template = 'day_begins'",
        closed=True,
    ),
    Effect(
        "the room of {} is open",
        "SELECT session, label FROM opened",
        "SELECT session_id FROM sessions.sessions",
    ),
    Effect(
        "{} began",
        "SELECT session || '/' || (body ->> 'position'), says FROM done"
        " JOIN opened ON number = about WHERE step = 'segment'",
        "SELECT session_id || '/' || position FROM sessions.segment_starts",
        closed=True,
    ),
    Effect(
        "{} came in",
        "SELECT bare(answer ->> 'attendance_id'), 'participant ' || about FROM done"
        " WHERE step = 'log_in'",
        "SELECT attendance_id FROM sessions.movements WHERE kind = 'log_in'",
        closed=True,
    ),
    Effect(
        "{} went out",
        "SELECT bare(answer ->> 'attendance_id'), 'participant ' || about FROM done"
        " WHERE step = 'leave'",
        "SELECT attendance_id FROM sessions.movements WHERE kind = 'leave'",
        closed=True,
    ),
    Effect(
        "{} checked in",
        "SELECT bare(answer ->> 'checkin_id'), 'participant ' || about FROM done"
        " WHERE step = 'check_in'",
        "SELECT checkin_id FROM sessions.checkins",
        closed=True,
    ),
    Effect(
        "a minute of {} is credited by sessions",
        "SELECT participant, label, minutes FROM credited",
        "SELECT participant_id, minutes FROM sessions.attendances WHERE minutes IS NOT NULL",
        closed=True,
    ),
    Effect(
        "a minute of {} is counted by intake",
        "SELECT episode, label, minutes FROM credited",
        "SELECT id, attended_minutes FROM intake.episodes WHERE attended_minutes > 0",
        closed=True,
    ),
    Effect(
        "{} is given",
        "SELECT homework, label FROM given",
        "SELECT homework_id FROM sessions.homework",
        closed=True,
    ),
    Effect(
        "{} has a reminder",
        "SELECT homework, label FROM given",
        "SELECT about_id FROM notifications.messages WHERE template = 'homework_due'",
        closed=True,
    ),
    Effect(
        "{} is handed in",
        "SELECT homework, label FROM handed_in",
        "SELECT homework_id FROM sessions.homework WHERE state = 'submitted'",
        closed=True,
    ),
    Effect(
        "{} has a case",
        "SELECT sign, label FROM in_danger",
        "SELECT cases.participant_id || '/' || risk.tier || '/' || trigger"
        " FROM crisis.case_risks AS risk JOIN crisis.cases ON cases.id = case_id",
    ),
    Effect(
        "{}, announced, has a case",
        "SELECT bare(tail(subject)), subject FROM intake.event_log WHERE stream = 'risk'"
        " UNION ALL"
        " SELECT bare(tail(subject)), subject FROM sessions.event_log WHERE stream = 'risk'",
        "SELECT risk_id FROM crisis.case_risks",
    ),
    Effect(
        "{} is acknowledged",
        "SELECT entry, label FROM responded WHERE step = 'acknowledgement'",
        "SELECT case_id || '/' || by FROM crisis.case_timeline WHERE what = 'acknowledged'",
        allowed="SELECT entry FROM by_hand WHERE step = 'acknowledgement'",
    ),
    Effect(
        "{} has its contact",
        "SELECT entry, label FROM responded WHERE step = 'contact'",
        "SELECT case_id || '/' || by FROM crisis.case_timeline WHERE what = 'contact_logged'",
        allowed="SELECT entry FROM by_hand WHERE step = 'contact'",
    ),
    Effect(
        "{} is concluded",
        "SELECT entry, label FROM responded WHERE step = 'conclusion'",
        "SELECT case_id || '/' || by FROM crisis.case_timeline WHERE what = 'concluded'",
        allowed="SELECT entry FROM by_hand WHERE step = 'conclusion'",
    ),
    Effect(
        "contact is kept in {}",
        "SELECT entry, label FROM responded WHERE step = 'follow_up'",
        "SELECT case_id || '/' || by FROM crisis.case_timeline WHERE what = 'follow_up_made'",
        allowed="SELECT entry FROM by_hand WHERE step = 'follow-up'",
    ),
    Effect(
        "case {} is known to intake",
        "SELECT id, code FROM crisis.cases",
        "SELECT id FROM intake.cases",
        closed=True,
    ),
    Effect(
        "everybody called up to the highest rung of case {} has a page",
        "SELECT DISTINCT cases.id || clinician, code FROM crisis.cases"
        " JOIN on_call ON on_call.clinic = cases.clinic_id AND on_call.rung <="
        " (SELECT max(rung) FROM crisis.pages WHERE case_id = cases.id)",
        "SELECT DISTINCT case_id || clinician_id FROM crisis.pages",
    ),
    Effect(
        "page {} is one row",
        "SELECT DISTINCT case_id || page.rung || clinician_id || channel || page.generation, code"
        " FROM crisis.pages AS page JOIN crisis.cases ON cases.id = case_id",
        "SELECT case_id || rung || clinician_id || channel || generation FROM crisis.pages",
    ),
    Effect(
        "mail {} was accepted",
        "SELECT id, id FROM outgoing",
        "SELECT DISTINCT id FROM mail",
        closed=True,
    ),
    Effect(
        "mail {} was announced as sent",
        "SELECT message_id, message_id FROM notifications.messages WHERE state = 'sent'",
        "SELECT bare(tail(subject)) FROM notifications.event_log"
        " WHERE type LIKE '%.message_sent.v%'",
        closed=True,
    ),
)
