"""The rules of a programme day: attendance, arrival, danger in a check-in, local time.

Sources are those of `docs/`; a rule marked CLINICAL waits for a clinician's signature.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

BREAK = "break"
OPENS_BEFORE = timedelta(minutes=30)
LATE_AFTER = timedelta(minutes=10)
NO_SHOW_AFTER = timedelta(minutes=15)
BACK_FROM_BREAK = timedelta(minutes=5)
HEARTBEAT = timedelta(seconds=15)
SILENCE = 2 * HEARTBEAT
"""A run of heartbeats goes on over one that was lost."""

HOMEWORK_TEMPLATES = (
    "thought_record", "mood_log", "sleep_diary", "diary_card", "activity_plan",
    "behaviour_chain", "coping_cards", "urge_log", "exposure_steps", "relapse_plan",
    "safety_plan_review", "values", "reading", "other",
)  # fmt: skip
"""What homework may be given. CLINICAL: this project's list; a clinician must confirm it."""

URGE_AT_RISK = 7
TIERS_AT_RISK = ("T1", "T2", "T4")
"""Tiers of open cases: in danger, and in the weeks of contact after it. T3 is not among them."""

SHORT_NIGHTS_AT_RISK = 3


class Span(NamedTuple):
    """From an instant up to another, the latter not included."""

    begins_at: datetime
    ends_at: datetime


class Segment(NamedTuple):
    """A planned part of the day."""

    kind: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Risk:
    """How urgent, and what gave the sign."""

    tier: Literal["T1", "T2", "T3"]
    trigger: str


PANIC = Risk("T1", "facilitator_panic")
"""A facilitator fears for somebody in the room (project rule, CLINICAL)."""


def check_in_risk(*, safe: bool, urge: int | None) -> Risk | None:
    """Whether today's check-in asks for a human now. `urge` to harm oneself is 0 to 10.

    Not safe is T1; an urge of 7 or more is T2. CLINICAL: both thresholds and both tiers are this
    project's and (to confirm); no source on file names a tier for a daily check-in.
    """
    if not safe:
        return Risk("T1", "checkin_not_safe")
    if urge is not None and urge >= URGE_AT_RISK:
        return Risk("T2", "checkin_urge")
    return None


def absence_risk(open_tiers: Iterable[str], trigger: str) -> Risk | None:
    """Whether the absence of somebody with these open cases asks for a human now.

    An open T1 or T2, or one in follow-up (T4), makes it T2: a no-show at high risk, or not back
    from a break. CLINICAL, the tiers are this project's; missed appointments are the provider's
    burden, not the person's: http://zerosuicide.sprc.org/toolkit/transition
    """
    return Risk("T2", trigger) if any(tier in TIERS_AT_RISK for tier in open_tiers) else None


def body_check_risk(*, more_than_prescribed: bool, short_nights: int | None) -> Risk | None:
    """Whether a body check asks for a human. `short_nights` are those in a row under 3 h of sleep.

    More pills than prescribed is T1; three short nights are T3, for somebody to look the same day.
    CLINICAL: both signs and both tiers are this project's and (to confirm).
    """
    if more_than_prescribed:
        return Risk("T1", "body_check_overdose")
    if short_nights is not None and short_nights >= SHORT_NIGHTS_AT_RISK:
        return Risk("T3", "body_check_sleep")
    return None


def break_ends_at(planned: Segment, started_at: datetime) -> datetime:
    """When a break is over: as planned, or later where it began late and lasts as long."""
    return max(planned.ends_at, started_at + (planned.ends_at - planned.starts_at))


def opens_at(starts_at: datetime) -> datetime:
    """The earliest instant at which the room of a day may be opened: 30 min before its start."""
    return starts_at - OPENS_BEFORE


def is_late(arrived_at: datetime, starts_at: datetime, opened_at: datetime) -> bool:
    """Whether somebody came more than 10 min after the start.

    Nobody is late for a room that was not open: a late opening moves the start. (to confirm)
    """
    return arrived_at > max(starts_at, opened_at) + LATE_AFTER


def no_show_at(starts_at: datetime, opened_at: datetime) -> datetime:
    """When somebody who has not come is a no-show: 15 min after the start or a late opening.

    Providers differ: https://insightrecovery.com/attendance-expectations (to confirm).
    """
    return max(starts_at, opened_at) + NO_SHOW_AFTER


def local_instant(on: date, at: time, zone: str) -> datetime:
    """The UTC instant of a local date and time.

    A time in the gap takes the offset before the gap, an ambiguous time is the first one, as in
    RFC 5545: https://whenever.readthedocs.io/en/stable/guide/ambiguity.html
    """
    return datetime.combine(on, at.replace(fold=0), ZoneInfo(zone)).astimezone(UTC)


def presence(
    log_ins: Iterable[datetime],
    leaves: Iterable[datetime],
    heard: Sequence[Span],
    until: datetime,
) -> list[Span]:
    """When somebody was there, as disjoint spans in order, none beyond `until`.

    The union of what was told and what was heard, in whatever order it arrived; a video server's
    joins and leaves go missing and arrive reversed
    (https://github.com/livekit/livekit/issues/2399 and 4227):

    - a log-in counts to the next leave or heartbeat, and to `until` without either;
    - `heard` are runs of heartbeats, first to last: each counts, with edges 15 s wide that
      log-ins and leaves sharpen, whether or not those that belong to it were told;
    - silence after a run counts where a leave ends it: the person was there, their client was
      not heard. Where a log-in or another run ends it, or nothing, a leave went missing.
    """
    came, went = sorted(set(log_ins)), sorted(set(leaves))
    spans = [_sharpened(run, came, went) for run in heard]
    spans += _told(came, went, heard, until)
    return _union(Span(span.begins_at, min(span.ends_at, until)) for span in spans)


def credited_minutes(present: Iterable[Span], segments: Iterable[Segment]) -> int:
    """Whole minutes of presence within the planned segments that are no breaks.

    Never beyond the plan, never twice for segments that overlap.
    """
    planned = _union(Span(s.starts_at, s.ends_at) for s in segments if s.kind != BREAK)
    attended = sum((_overlap(a, b) for a in _union(present) for b in planned), timedelta())
    return attended // timedelta(minutes=1)


def _sharpened(run: Span, came: list[datetime], went: list[datetime]) -> Span:
    first, last = run
    silent = last + HEARTBEAT
    begin = next((at for at in came if first - HEARTBEAT <= at <= first), first)
    return Span(begin, next((at for at in went if last <= at <= silent), silent))


def _told(
    came: list[datetime], went: list[datetime], heard: Sequence[Span], until: datetime
) -> list[Span]:
    """From each log-in that no run covers, and from each run that a leave ended in silence."""
    firsts = [run.begins_at for run in heard]
    unheard = [at for at in came if not any(first <= at <= last for first, last in heard)]
    told = [Span(at, _next(at, [*went, *firsts], until)) for at in unheard]
    for _, last in heard:
        gone = _next(last, went, last)
        if gone <= _next(last, [*came, *firsts], gone):
            told.append(Span(last, gone))
    return told


def _next(after: datetime, instants: Iterable[datetime], otherwise: datetime) -> datetime:
    return min((at for at in instants if at > after), default=otherwise)


def _union(spans: Iterable[Span]) -> list[Span]:
    joined: list[Span] = []
    for span in sorted(span for span in spans if span.begins_at < span.ends_at):
        if joined and span.begins_at <= joined[-1].ends_at:
            span = Span(joined[-1].begins_at, max(joined.pop().ends_at, span.ends_at))
        joined.append(span)
    return joined


def _overlap(one: Span, other: Span) -> timedelta:
    both = min(one.ends_at, other.ends_at) - max(one.begins_at, other.begins_at)
    return max(both, timedelta())
