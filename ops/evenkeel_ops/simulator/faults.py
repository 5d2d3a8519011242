"""What must not be seen in the ledger and the five databases, in plain SQL."""

from dataclasses import dataclass

LOST, DUPLICATED, OUT_OF_ORDER = "lost", "duplicated", "out of order"


@dataclass(frozen=True)
class Fault:
    """A query whose every row, a label, is something that must not be."""

    kind: str
    says: str
    rows: str


FAULTS = (
    Fault(
        LOST,
        "asked and never answered: {}",
        "SELECT says FROM ledger.acts WHERE status IS NULL",
    ),
    Fault(
        LOST,
        "refused: {}",
        "SELECT says || ' (' || status || ' ' || coalesce(answer ->> 'code', '')"
        " || coalesce(' after ' || (answer ->> 'because_of'), '') || ')'"
        " FROM ledger.acts WHERE status >= 400 AND NOT tolerated",
    ),
    Fault(
        LOST,
        "due and not sent: {}",
        "SELECT template || ' of ' || not_before FROM notifications.messages, clock"
        " WHERE state IN ('queued', 'sending') AND julianday(not_before) <= julianday(now)",
    ),
    Fault(
        LOST,
        "given up by notifications: {}",
        "SELECT template || ' (' || reason || ')' FROM notifications.messages"
        " WHERE state = 'failed'",
    ),
    Fault(
        LOST,
        "called and not paged: case {}",
        "SELECT code FROM crisis.pages JOIN crisis.cases ON cases.id = case_id, clock"
        " WHERE pages.state IN ('queued', 'sending') AND cases.state IN ('open', 'paging')"
        " AND julianday(not_before) <= julianday(now)",
    ),
    Fault(
        DUPLICATED,
        "accepted more than once: mail {}",
        "SELECT id FROM outgoing JOIN mail USING (id) WHERE NOT may_repeat"
        " GROUP BY id HAVING count(*) > 1",
    ),
    Fault(
        DUPLICATED,
        "participant {} has two open cases",
        "SELECT coalesce(number, participant_id) FROM crisis.cases"
        " LEFT JOIN referred ON participant = participant_id WHERE state <> 'closed'"
        " GROUP BY clinic_id, participant_id HAVING count(*) > 1",
    ),
    Fault(
        OUT_OF_ORDER,
        "reminded after it was handed in: {}",
        "SELECT label FROM handed_in JOIN notifications.messages ON about_id = homework"
        " WHERE state = 'queued' OR julianday(sent_at) > julianday(at, '+30 minutes')",
    ),
    Fault(
        OUT_OF_ORDER,
        "open in intake and not in crisis, or the other way: case {}",
        "SELECT code FROM crisis.cases JOIN intake.cases AS heard ON heard.id = cases.id"
        " WHERE heard.is_open <> (cases.state <> 'closed')",
    ),
    Fault(
        OUT_OF_ORDER,
        "open in sessions and closed in crisis: case {}",
        "SELECT code FROM crisis.cases JOIN sessions.open_cases ON case_id = id"
        " WHERE state = 'closed'",
    ),
    Fault(
        LOST,
        "open in crisis and not in sessions: case {}",
        "SELECT code FROM crisis.cases WHERE state <> 'closed'"
        " AND id NOT IN (SELECT case_id FROM sessions.open_cases)",
    ),
    Fault(
        OUT_OF_ORDER,
        "wrapped up and not closed: {}",
        "SELECT label FROM opened JOIN done ON about = number AND step = 'wrap_up'"
        " JOIN sessions.sessions ON session_id = session WHERE state <> 'closed'",
    ),
)

LOG_FAULTS = (
    Fault(
        LOST,
        "missing from the log of {service}: {}",
        "SELECT head.subject FROM {service}.stream_heads AS head"
        " JOIN {service}.event_log AS log USING (subject)"
        " GROUP BY head.subject, head.version HAVING count(*) < head.version",
    ),
    Fault(
        OUT_OF_ORDER,
        "announced before its predecessor by {service}: {}",
        "SELECT later.subject FROM {service}.event_log AS later"
        " JOIN {service}.event_log AS earlier ON earlier.subject = later.subject"
        " AND earlier.version = later.version - 1 WHERE earlier.seq > later.seq",
    ),
    Fault(
        LOST,
        "set aside in {service}: {}",
        "SELECT type || ' ' || state || ' (' || reason || ')' FROM {service}.set_aside"
        " WHERE state IN ('waiting', 'parked')",
    ),
)
"""Asked of each service."""

ARRIVAL = Fault(
    LOST,
    "announced by {source} and not handled by {service}: {}",
    "SELECT head.subject FROM {source}.stream_heads AS head"
    " LEFT JOIN {service}.cursors AS cursor"
    " ON cursor.source = '{source}' AND cursor.subject = head.subject"
    " WHERE stream(head.subject) IN ({streams}) AND head.version > coalesce(cursor.version, 0)",
)
"""Asked of each service for every producer that it says it hears."""
