"""What the fields of events mean. One word has one meaning, whichever event carries it."""

MEANINGS = {
    "as_recommended": "Whether the clinician confirmed the level that the rules recommended.",
    "band": "Severity band of the instrument. Never a score.",
    "capacity": "Places in the cohort.",
    "channel": "The way the message went.",
    "clinic_id": "The clinic this happened in.",
    "day_on": "Date of the programme day in the cohort's zone.",
    "details_version": "Version of the personal details; their owner hands them out.",
    "disposition": "How the case was closed.",
    "due_at": "Until when it is to be handed in.",
    "ends_at": "When the day ends.",
    "first_starts_at": "When the first day of the series starts.",
    "generation": "Which life of the ladder; an older one has no say any more.",
    "instrument": "The screening instrument.",
    "kind": "Kind of referral.",
    "language": "The language the participant reads, as an ISO 639 code.",
    "level": "Level of care.",
    "messages": "Kinds of message the participant agreed to get.",
    "minutes": "Minutes attended, breaks not counted.",
    "occurrences": "Days in the series.",
    "outcome": "How the referral ended.",
    "position": "Place of the segment in the day.",
    "raised_by": "The clinician who pressed the button, where one did.",
    "reason": "Why, from the published list.",
    "roles": "What the clinician may do in the clinic.",
    "rules": "The rules that led to this level.",
    "rung": "Step of the ladder.",
    "segment": "Part of the day.",
    "segment_ends_at": "When each segment ends, in order.",
    "segment_kinds": "The segments of the day, in order.",
    "segment_starts_at": "When each segment starts, in order.",
    "starts_at": "When the day starts.",
    "state": "The state of the country whose licence law applies.",
    "states": "The states the clinician is licensed in.",
    "template": "Which template it was made from.",
    "tier": "How urgent the danger is, T1 the most.",
    "trigger": "What gave the sign.",
    "version": "Version of the consent form.",
    "whereabouts_version": "Version of today's location; sessions hands it out.",
    "zone": "Time zone in which local dates and times are meant.",
}
"""What `meaning` cannot say from the ending of a name."""

EXAMPLES = {
    "band": "moderate",
    "capacity": 10,
    "disposition": "stepped_up",
    "instrument": "PHQ-9",
    "language": "es",
    "messages": "reminders",
    "minutes": 180,
    "occurrences": 24,
    "reason": "completed",
    "roles": "facilitator",
    "rules": "LOC-4",
    "segment": "group",
    "segment_kinds": "group",
    "state": "CA",
    "states": "CA",
    "template": "thought_record",
    "trigger": "checkin_urge",
    "version": "2026-01",
    "zone": "America/Los_Angeles",
}
"""Codes and numbers for the examples; other fields get theirs from their type."""


def meaning(field: str) -> str:
    """What a field of an event means. Raises LookupError when nobody has said it."""
    if field in MEANINGS:
        return MEANINGS[field]
    what, _, ending = field.rpartition("_")
    match ending:
        case "id":
            return f"Which {what.replace('_', ' ')}."
        case "by":
            return f"Who {what.replace('_', ' ')}."
    raise LookupError(f"say in catalogue/words.py what the field {field} means")
