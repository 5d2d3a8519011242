"""The ladder: who is called next, when, and what was passed over. Pure; a clinician may read it.

Times of the tiers: domain page 4.2 of this project, after the practice of its section 4.1
(https://telehealth.hhs.gov/providers/best-practice-guides/telehealth-for-behavioral-health/).
CLINICAL: every figure here needs the signature of a licensed clinician before it leaves draft.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

TIERS = ("T1", "T2", "T3")
"""Imminent, urgent, same day; the most urgent first."""

FOLLOW_UP_TIER, OVERDUE_FOLLOW_UP_TIER = "T4", "T3"
ALL_TIERS = (*TIERS, FOLLOW_UP_TIER)

MINUTE, HOUR = 60, 3600

EASTERNMOST_ZONE = "America/New_York"
"""Where a participant's zone is not known: its day ends first, so no deadline grows longer."""

TRIGGERS_BY_HAND = (
    "facilitator_panic", "help_button", "overdose", "self_harm", "threat", "line_lost",
    "not_reached", "staff_concern", "family_concern", "other",
)  # fmt: skip
"""What a person may open a case for. CLINICAL: this project's list, made after domain page 4.2; a
clinician must confirm it."""

HELP, HELP_TIER = "help_button", "T1"
"""A participant presses the button of the help screen."""

SAID_NOW = (
    HELP, "facilitator_panic", "checkin_not_safe", "checkin_urge", "body_check_overdose",
    "reply_risk_words",
)  # fmt: skip
ABSENT = ("no_show_at_risk", "not_back_from_break")
SPOKEN = ("engaged", "emergency_services", "handed_off")
"""States of a case in which somebody has spoken with the participant, and nothing is due for
hours."""

DISPOSITIONS = (
    "assessed_safe", "stabilised", "safety_plan_agreed", "stepped_up", "emergency_services",
    "emergency_department", "hospitalised", "welfare_check", "not_reached", "raised_in_error",
    "other",
)  # fmt: skip
"""How a case may end. CLINICAL: this project's list; a clinician must confirm it."""

BASES = ("imminent_danger", "own_request", "overdose", "not_reached", "duty_to_protect", "other")
"""Why a person called emergency services. CLINICAL, LEGAL: this project's list, to confirm."""

TAKEN_BY = ("ambulance", "police", "mobile_crisis_team", "emergency_department", "hospital")
"""Who a participant may be handed over to. CLINICAL: this project's list, to confirm."""

LOWERED_BECAUSE = ("assessed_lower", "plan_in_place", "misread_answer", "raised_in_error")
"""Why a licensed person lowers a tier. CLINICAL: this project's list, to confirm."""

FOLLOW_UPS = {
    "standard": tuple(timedelta(days=days) for days in (1, 3, 7, 14, 21, 28)),
    "none": (),
}
"""When contact is kept after a case: 24 h, 72 h, then weekly for four weeks (safety planning with
telephone follow-up, doi:10.1001/jamapsychiatry.2018.1776, calls within 72 h and then weekly)."""

CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""No 0, 1, I, L, O, U: they are misread or misheard."""

IN_TURN = ("sms", "voice", "email")
"""In which order the channels of a person are tried where one is tried after the other: first
those whose providers say whether it arrived. To confirm by those who are called."""

AT_ONCE = timedelta(0)
ACCEPTED_WITHIN = timedelta(seconds=10)
RECEIPT_WITHIN = timedelta(seconds=60)
"""How long a channel has until a provider accepts the page, and until a receipt says that it
arrived, before the next channel is tried."""

GATHERED_WITHIN = timedelta(seconds=1)
MOST_NAMED = 20
"""Pages to one phone that follow the last within this time leave together, this many at most: a
text that no provider takes would reach nobody."""

EMPTY, OVERDUE = "empty", "overdue"


@dataclass(frozen=True)
class Ladder:
    """The snapshot a case keeps from the moment its tier was raised; later edits do not touch it.

    `intervals[k - 1]` are the seconds from rung k to what follows it. After the last rung the
    tier rises where `rises_to` says so, else the last rung repeats for ever. From the rung
    `all_hands_from` on everybody is called. `contact_seconds` run from the acknowledgement
    (None: until the ladder's end), `disposition_seconds` from the contact. `edition` is that of
    the clinic's policy, 0 where it has none.
    """

    tier: str
    intervals: tuple[int, ...]
    all_hands_from: int
    contact_seconds: int | None
    disposition_seconds: int
    rises_to: str | None = None
    edition: int = 0

    @property
    def last(self) -> int:
        """The last rung; the first is 1."""
        return len(self.intervals)

    def repeats(self, rung: int) -> bool:
        """Whether this is the rung that repeats for ever."""
        return rung == self.last and self.rises_to is None

    def calls_all_hands(self, rung: int) -> bool:
        """Whether everybody is called at this rung."""
        return rung >= self.all_hands_from or self.repeats(rung)

    def interval(self, rung: int) -> timedelta:
        """How long a rung has before the next."""
        return timedelta(seconds=self.intervals[rung - 1])


DISPOSITION_SECONDS = 24 * HOUR

LADDERS = {
    "T1": Ladder(
        tier="T1",
        intervals=(2 * MINUTE,) * 5,
        all_hands_from=4,
        contact_seconds=3 * MINUTE,
        disposition_seconds=DISPOSITION_SECONDS,
    ),
    "T2": Ladder(
        tier="T2",
        intervals=(10 * MINUTE, 10 * MINUTE, 10 * MINUTE, 2 * MINUTE, 2 * MINUTE),
        all_hands_from=4,
        contact_seconds=20 * MINUTE,
        disposition_seconds=DISPOSITION_SECONDS,
    ),
}
"""T1: +2 backup, +4 supervisor, +6 all on call, +8 the desk too, then every 2 minutes for ever.
T2: +10, +20, from +30 the upper rungs of T1 (reading of "T1 routing": to confirm).
Contact is due as long after the acknowledgement as their targets lie apart (2 and 5 minutes, 10
and 30; from when it counts: to confirm). A case without a disposition 24 h after the contact is
called out again (T4's first follow-up target; for closing: to confirm)."""

T3_NEXT_SUPERVISOR = 4 * HOUR


@dataclass(frozen=True)
class Skip:
    """A rung that is passed over: nobody stands on it, or the next one is due as well.

    `times` counts the missed repeats of the last rung.
    """

    rung: int
    generation: int
    due_at: datetime
    reason: str
    times: int = 1


@dataclass(frozen=True)
class Call:
    """Page the people of rungs `lowest` to `rung`, or all hands; look again at `next_due_at`."""

    rung: int
    generation: int
    due_at: datetime
    next_due_at: datetime
    lowest: int
    all_hands: bool


@dataclass(frozen=True)
class Rise:
    """Nobody took the case in the time of its tier: it begins the ladder of a higher one."""

    tier: str
    generation: int
    due_at: datetime


@dataclass(frozen=True)
class Lapse:
    """Whoever had the case did not do the next thing, `contact` or `disposition`, in time."""

    missed: str
    due_at: datetime


Step = Skip | Call | Rise


def steps_due(
    ladder: Ladder,
    *,
    rung: int,
    generation: int,
    due_at: datetime,
    now: datetime,
    manned: Collection[int],
) -> list[Step]:
    """What must be done now with a case that nobody has, the last rung called being `rung`.

    Nothing before `due_at`. Deadlines follow from deadlines, never from `now`. An empty rung is
    passed over at once. After an outage the highest rung due is called, with everybody below it,
    and those passed over are named. Ends in exactly one Call or Rise when anything is due.
    """
    steps: list[Step] = []
    lowest = None
    while due_at <= now:
        if rung == ladder.last and ladder.rises_to:
            return [*steps, Rise(ladder.rises_to, generation + 1, due_at)]
        rung, generation = _next(ladder, rung, generation)
        if rung not in manned and not ladder.repeats(rung):
            steps.append(Skip(rung, generation, due_at, EMPTY))
        elif ladder.repeats(rung) or due_at + ladder.interval(rung) > now:
            return [*steps, *_called(ladder, rung, generation, due_at, now, lowest)]
        else:
            steps.append(Skip(rung, generation, due_at, OVERDUE))
            due_at += ladder.interval(rung)
            lowest = 1
    return steps


def _next(ladder: Ladder, rung: int, generation: int) -> tuple[int, int]:
    """The rung after this one; the last one again, in a new generation."""
    return (rung + 1, generation) if rung < ladder.last else (rung, generation + 1)


def _called(
    ladder: Ladder,
    rung: int,
    generation: int,
    due_at: datetime,
    now: datetime,
    lowest: int | None,
) -> list[Step]:
    """The call of a rung, after what an outage missed of its repeats."""
    interval = ladder.interval(rung)
    missed = max(0, (now - due_at) // interval)
    steps: list[Step] = []
    if missed:
        steps.append(Skip(rung, generation, due_at, OVERDUE, missed))
        generation, due_at = generation + 1, due_at + missed * interval
    all_hands = ladder.calls_all_hands(rung)
    call = Call(rung, generation, due_at, due_at + interval, lowest or rung, all_hands)
    return [*steps, call]


def ladder_for(
    tier: str, at: datetime, zone: str | None, *, supervisor_after: int = T3_NEXT_SUPERVISOR
) -> Ladder:
    """The ladder of a case whose tier was raised at `at`; T3's lasts until the day ends there.

    T3: first page, the next supervisor after 4 h, and at the end of the participant's day T2.
    """
    if tier in LADDERS:
        return LADDERS[tier]
    left = max(1, int((day_ends_at(zone, at) - at).total_seconds()))
    long = left > supervisor_after
    intervals = (supervisor_after, left - supervisor_after) if long else (left,)
    return Ladder(
        tier="T3",
        intervals=intervals,
        all_hands_from=len(intervals) + 1,
        contact_seconds=None,
        disposition_seconds=DISPOSITION_SECONDS,
        rises_to="T2",
    )


def local_zone(zone: str | None) -> ZoneInfo:
    """A participant's zone, or the one that stands in for one that is not known."""
    try:
        return ZoneInfo(zone or EASTERNMOST_ZONE)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo(EASTERNMOST_ZONE)


def day_ends_at(zone: str | None, at: datetime) -> datetime:
    """The next local midnight, as UTC."""
    tomorrow = at.astimezone(local_zone(zone)).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(0), tzinfo=local_zone(zone)).astimezone(UTC)


def contact_due_at(ladder: Ladder, raised_at: datetime, acknowledged_at: datetime) -> datetime:
    """Until when whoever has the case must log contact, or the calling goes on."""
    if ladder.contact_seconds is None:
        return raised_at + timedelta(seconds=sum(ladder.intervals))
    return acknowledged_at + timedelta(seconds=ladder.contact_seconds)


def disposition_due_at(ladder: Ladder, contacted_at: datetime) -> datetime:
    """Until when a case must be closed after the contact, or the calling goes on."""
    return contacted_at + timedelta(seconds=ladder.disposition_seconds)


def rung_after_lapse(ladder: Ladder, rung: int) -> int:
    """From which rung the calling goes on when no contact was logged in time.

    Where contact is due at the ladder's end (T3), the lapse is that end.
    """
    return ladder.last if ladder.contact_seconds is None else rung


def owes_follow_up(tier: str, disposition: str) -> bool:
    """Whether a case may not end without further contact. CLINICAL: to confirm."""
    return tier != "T3" and disposition != "raised_in_error"


def is_higher(tier: str, than: str) -> bool:
    """Whether a tier is the more urgent one."""
    return ALL_TIERS.index(tier) < ALL_TIERS.index(than)


def calls_anew(trigger: str, state: str) -> bool:
    """Whether a sign calls people out again about a case that somebody has, be it no graver.

    Contact answers the signs before it; what is said or seen after it, nobody has heard. Not to be
    there says nothing of somebody whom emergency services or a hospital have. CLINICAL: to confirm.
    """
    if trigger in ABSENT:
        return state == "engaged"
    return trigger in SAID_NOW and state in SPOKEN


def snapshot_of(ladder: Ladder) -> dict[str, Any]:
    """A ladder as JSON, to be kept with the case."""
    return {**asdict(ladder), "intervals": list(ladder.intervals)}


def ladder_of(snapshot: Mapping[str, Any]) -> Ladder:
    """The ladder of a snapshot. Raises ValueError for one that would not end or never begin."""
    ladder = Ladder(**{**snapshot, "intervals": tuple(snapshot["intervals"])})
    if not ladder.intervals or min(ladder.intervals) < 1:
        raise ValueError("a ladder needs rungs, a second apart at least")
    return ladder


DRILL = "TEST"
"""How the code of a drill begins, and of no other case."""


def case_codes(case_id: UUID) -> Iterator[str]:
    """Codes to say aloud for a case, the shortest first, for whichever is not in use."""
    return (code for code in _codes(case_id) if not code.startswith(DRILL))


def drill_codes() -> list[str]:
    """Codes that say of themselves that nobody is in danger."""
    return [DRILL, *(DRILL + letter for letter in CODE_LETTERS)]


def _codes(case_id: UUID) -> Iterator[str]:
    attempt = 0
    while True:
        number = int.from_bytes(hashlib.sha256(case_id.bytes + bytes([attempt])).digest(), "big")
        letters = ""
        for _ in range(4 if attempt == 0 else 5):
            number, letter = divmod(number, len(CODE_LETTERS))
            letters += CODE_LETTERS[letter]
        yield letters
        attempt += 1


def goes_in_turn(tier: str) -> bool:
    """Whether a person's channels are tried one after the other, not all at once."""
    return tier not in ("T1", "T2")


def turns(tier: str, channels: Iterable[str], at: datetime) -> Iterator[tuple[str, datetime]]:
    """Channels, each with the instant before which it is not tried."""
    apart = ACCEPTED_WITHIN if goes_in_turn(tier) else AT_ONCE
    for place, channel in enumerate(channels):
        yield channel, at + place * apart


def pause_before_retry(attempts: int) -> timedelta:
    """How long a page that could not be sent waits, after so many attempts; it never gives up."""
    seconds = (1, 2, 5, 10, 15)
    return timedelta(seconds=seconds[min(attempts, len(seconds)) - 1])
