"""The words of the board: codes, durations and deadlines as people say them. Pure.

CLINICAL: the explanations are this project's own, after domain page 4.2 and the targets of
`rules.py`; a clinician must confirm them.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from crisis import rules

NO_ZONE = "UTC"
MINUTE, HOUR, DAY = 60, 3600, 86400

TIERS = {"T1": "imminent", "T2": "urgent", "T3": "same day", "T4": "follow-up"}

STATES = {
    "open": "nobody has it",
    "paging": "nobody has it",
    "acknowledged": "somebody has it",
    "engaged": "in contact",
    "emergency_services": "emergency services called",
    "handed_off": "handed over",
    "follow_up": "follow-up",
    "closed": "closed",
}

GLOSSARY = {
    "tier": "T1 imminent, T2 urgent, T3 same day, T4 follow-up",
    "case": "what crisis opens for a risk; further risks of the same person join it",
    "ladder, rung": "the order in which people are called; one step of it",
    "page": "one call to one member of the staff about a case, by one channel",
    "acknowledge": 'say "I have it"; the first one wins',
    "contact": "somebody speaks with the participant",
    "disposition": "how a case ended, decided by a licensed person",
    "desk": "the operator's own desk, called when everybody else was",
}
"""What the words on the board mean, as docs/glossary.md has it."""

CODES = {
    "facilitator_panic": "the facilitator's panic button",
    "help_button": "the help button",
    "checkin_not_safe": "not safe, said at the check-in",
    "checkin_urge": "a strong urge to harm oneself, said at the check-in",
    "asq_imminent": "ASQ: thoughts of suicide right now",
    "asq_positive": "ASQ positive",
    "cssrs_high": "C-SSRS high",
    "cssrs_moderate": "C-SSRS moderate",
    "cssrs_low": "C-SSRS low",
    "screen_incomplete": "a suicide screen was not completed",
    "phq9_item9": "PHQ-9 item 9",
    "line_lost": "the line was lost",
    "not_reached": "could not be reached",
    "staff_concern": "a concern of staff",
    "family_concern": "a concern of family",
    "self_harm": "self-harm",
    "assessed_safe": "assessed: no danger now",
    "stabilised": "stabilised",
    "safety_plan_agreed": "a safety plan was agreed on",
    "stepped_up": "moved to a higher level of care",
    "emergency_services": "emergency services came",
    "emergency_department": "in an emergency department",
    "hospitalised": "in hospital",
    "welfare_check": "a welfare check was made",
    "raised_in_error": "raised in error",
    "imminent_danger": "imminent danger to life",
    "own_request": "the participant asked for it",
    "duty_to_protect": "a duty to protect somebody else",
    "mobile_crisis_team": "a mobile crisis team",
    "ambulance": "an ambulance",
    "police": "the police",
    "hospital": "a hospital",
    "assessed_lower": "assessed: less danger than was feared",
    "plan_in_place": "a plan is in place and holds",
    "misread_answer": "an answer was misread",
    "made": "made, or looked at again, with the participant",
    "declined": "offered, and the participant declined",
    "not_applicable": "does not apply: raised in error, or no contact",
    "standard": "after 24 hours, 72 hours, then weekly for four weeks",
    "none": "none is owed",
    "disposition": "disposition",
    "follow_up": "follow-up contact",
}
"""What a code says, where it does not say it by itself."""

PAGES = {
    "queued": "not sent yet",
    "sending": "being sent",
    "sent": "sent",
    "cancelled": "not sent, no need any more",
}

TOLD = {
    "opened": "Opened as {tier}: {trigger}",
    "risk_attached": "A further sign, {tier}: {trigger}",
    "acknowledged": "Acknowledged; contact is due by {contact_due_at}",
    "taken_over": "Taken over from {had_it}",
    "contact_logged": "In contact; a disposition is due by {disposition_due_at}",
    "tier_lowered": "Lowered to {tier}: {reason}",
    "tier_raised": "Raised to {tier}",
    "called_anew": "Calling anew, as {tier}",
    "lapsed": "No {missed} in time by {had_it}: the calling goes on",
    "rung_paged": "Rung {rung} was paged: {people}",
    "rung_empty": "Nobody stands on rung {rung}: passed over",
    "rung_overdue": "Rung {rung} was passed over: a higher one was due as well",
    "dispatched": "Emergency services were called: {basis}",
    "handed_over": "Handed over to {to}",
    "concluded": "Concluded: {disposition}; safety plan {safety_plan}; contact {follow_up}",
    "follow_up_made": "Follow-up contact was made; left: {left}",
    "closed": "Closed",
    "drill_ended": "The drill is over",
    "participant_discharged": "The participant was discharged; the case stays open",
}


def said(code: str) -> str:
    """A code in words."""
    return CODES.get(code, code.replace("_", " "))


at = datetime.fromisoformat
"""An instant that is kept as text."""


def tier(code: str) -> str:
    """A tier with what it means."""
    return f"{code} {TIERS[code]}"


def lasting(span: timedelta) -> str:
    """How long, as finely as it matters: to ten seconds in the first two minutes."""
    seconds = max(int(span.total_seconds()), 0)
    if seconds < 10:
        return "a few seconds"
    if seconds < 2 * MINUTE:
        return f"{seconds // 10 * 10} seconds"
    if seconds < 2 * HOUR:
        return f"{seconds // MINUTE} minutes"
    if seconds < 2 * DAY:
        return f"{seconds // HOUR} hours {seconds % HOUR // MINUTE} minutes"
    return f"{seconds // DAY} days"


def targets() -> list[tuple[str, str]]:
    """Each tier with what it promises, as the ladders have it."""
    calls = {code: _promise(ladder) for code, ladder in rules.LADDERS.items()}
    return [
        (tier("T1"), calls["T1"]),
        (tier("T2"), calls["T2"]),
        (tier("T3"), f"acknowledged within {_span(rules.T3_NEXT_SUPERVISOR)}, live contact before"
                     " the participant's day ends; then it becomes T2"),
        (tier("T4"), f"contact {CODES['standard']}; one that is overdue becomes T3"),
    ]  # fmt: skip


@dataclass(frozen=True)
class Moment:
    """The instant of a look by the server's clock, and the zone in which times are told."""

    now: datetime
    zone: str | None

    def clock(self, at: datetime) -> str:
        """When, with the zone; the day too, unless it is today there."""
        local = at.astimezone(_zone(self.zone))
        is_today = local.date() == self.now.astimezone(local.tzinfo).date()
        return f"{local:%H:%M %Z}" if is_today else f"{local:%a %d %b, %H:%M %Z}"

    def since(self, at: datetime) -> str:
        """How long ago."""
        return lasting(self.now - at)

    def is_over(self, at: datetime) -> bool:
        return at < self.now

    def due(self, what: str, at: datetime) -> str:
        """A deadline; what is overdue says so in words."""
        if self.is_over(at):
            return f"{what} is overdue by {self.since(at)}: it was due at {self.clock(at)}"
        return f"{what} is due at {self.clock(at)}, in {lasting(at - self.now)}"


def told(what: str, facts: Mapping[str, Any], moment: Moment, names: Mapping[str, str]) -> str:
    """An entry of the timeline as a sentence."""
    plain = TOLD.get(what, what.replace("_", " ").capitalize())
    known = {name: _fact(name, value, moment, names) for name, value in facts.items()}
    return plain.format_map(defaultdict(lambda: "not told", known))


def _fact(name: str, value: Any, moment: Moment, names: Mapping[str, str]) -> str:
    if name.endswith("_at"):
        return moment.clock(datetime.fromisoformat(value)) if value else "no time"
    if name == "had_it":
        return names.get(str(value), "somebody")
    if name == "tier":
        return tier(value)
    if name == "people":
        return f"{value} {'person' if value == 1 else 'people'}"
    return said(value) if isinstance(value, str) else str(value)


def _promise(ladder: rules.Ladder) -> str:
    contact = ladder.intervals[0] + (ladder.contact_seconds or 0)
    return (
        f"acknowledged within {_span(ladder.intervals[0])}, live contact within {_span(contact)};"
        f" without an acknowledgement the next rung after {_span(ladder.intervals[0])}"
    )


def _span(seconds: int) -> str:
    hours, minutes = divmod(seconds // MINUTE, MINUTE)
    return f"{hours} hours" if hours else f"{minutes} minutes"


def _zone(name: str | None) -> ZoneInfo:
    try:
        return ZoneInfo(name or NO_ZONE)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo(NO_ZONE)
