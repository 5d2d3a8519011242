"""When a programme day happens, and which programmes and licences it may stand on.

Pure: instants, dates and names of zones in, the same out. Which machine or database asks makes no
difference, only the time zone data it has.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import islice, pairwise
from zoneinfo import ZoneInfo, available_timezones

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
STATES = (
    "AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "DC", "FL", "GA", "HI", "ID", "IL",
    "IN", "IA", "KS", "KY", "LA", "ME", "MD", "MA", "MI", "MN", "MS", "MO", "MT", "NE",
    "NV", "NH", "NJ", "NM", "NY", "NC", "ND", "OH", "OK", "OR", "PA", "RI", "SC", "SD",
    "TN", "TX", "UT", "VT", "VA", "WA", "WV", "WI", "WY", "AS", "GU", "MP", "PR", "VI",
)  # fmt: skip
"""Jurisdictions that license clinicians, by the codes of the postal service.
https://pe.usps.com/text/pub28/28apb.htm"""

SEGMENT_KINDS = ("check_in", "group", "break", "skills", "individual", "wrap_up", "custom")
OPENING_KINDS = ("check_in", "group")
CLOSING_KIND = "wrap_up"

CANCELLATION_REASONS = (
    "weather", "holiday", "closure", "facilitator_absent", "too_few", "technical", "emergency",
    "other",
)  # fmt: skip
"""Why a day is called off. CLINICAL: this project's list; a clinician must confirm it."""

NOT_A_ZONE = {"localtime", "Factory"}
"""Names beside the zones: whatever this machine is set to, and no time at all."""

DAYS_A_WEEK = (3, 5)
"""Programme days in a week. CLINICAL: 3-4 days is what a Medicare contractor describes, the fifth
day is this project's. https://med.noridianmedicare.com/web/jea/provider-types/mental-health/intensive-outpatient-program"""

MINUTES_A_DAY = (180, 240)
"""Scheduled minutes of a day, breaks included (to confirm: whether a payer counts breaks).
New York asks for 3 h attended on the day: https://wchsb.com/wch-news/intensive-outpatient-service-ios"""

WEEKLY_MINUTES = 9 * 60
"""Least minutes of a week; below it a physician cannot certify intensive outpatient care.
https://kriegdevault.com/insights/expansionofmedicarecoverageforbehavioralhealthservices/print"""

PARTIAL_HOSPITAL_MINUTES = 20 * 60
"""From here on a week is partial hospitalisation, another level of care.
https://med.noridianmedicare.com/web/jea/provider-types/mental-health/intensive-outpatient-program"""

LARGEST_GROUP = 12
"""Most participants of a group (one Medicare policy, L33632; others to confirm).
https://whatsnext.nextgen.com/article/rcm-5898"""

LONGEST_SERIES = 60
"""Most days that a cohort is opened with: 20 weeks of 3 days. A decision of this project."""

FURTHEST_DAYS_AHEAD = 730
"""How far ahead a series may begin; beyond it a date is a slip. A decision of this project."""


@dataclass(frozen=True)
class Segment:
    """A part of a programme day, in minutes."""

    kind: str
    minutes: int


@dataclass(frozen=True)
class Span:
    """From an instant until, but not including, a later one."""

    starts_at: datetime
    ends_at: datetime

    def overlaps(self, other: "Span") -> bool:
        """Whether there is an instant in both; a span may begin where another ends."""
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at


@dataclass(frozen=True)
class ClockChange:
    """A day that starts at another time of somebody's clock than the day before it did."""

    starts_at: datetime
    local_before: time
    local_after: time


@cache
def zone_names() -> frozenset[str]:
    """Every name of the IANA time zone database that stands for a place or an offset."""
    return frozenset(available_timezones()) - NOT_A_ZONE


def instant_of(on: date, at: time, zone: str) -> datetime:
    """The UTC instant of a local wall time.

    A time that a change of the clock skips takes the offset before the gap; a time that happens
    twice is the first one. https://www.rfc-editor.org/rfc/rfc5545#section-3.3.5
    """
    wall = datetime.combine(on, at.replace(tzinfo=None, fold=0), tzinfo=ZoneInfo(zone))
    return wall.astimezone(UTC)


def local_time(instant: datetime, zone: str) -> datetime:
    """What the clock on the wall shows at an instant, with its offset."""
    return instant.astimezone(ZoneInfo(zone))


def days_of_series(first_on: date, weekdays: Collection[str], count: int) -> list[date]:
    """The first `count` dates from `first_on` on that fall on these weekdays."""
    return list(islice(_days_on(first_on, weekdays), count))


def span_of_day(on: date, starts_local: time, zone: str, minutes: int) -> Span:
    """From the local start for as long as the day lasts; a clock changed meanwhile adds nothing."""
    starts_at = instant_of(on, starts_local, zone)
    return Span(starts_at, starts_at + timedelta(minutes=minutes))


def spans_of_segments(starts_at: datetime, segments: Sequence[Segment]) -> list[Span]:
    """Each segment from where the one before it ends."""
    spans = []
    for segment in segments:
        ends_at = starts_at + timedelta(minutes=segment.minutes)
        spans.append(Span(starts_at, ends_at))
        starts_at = ends_at
    return spans


def clock_changes(starts: Sequence[datetime], zone: str) -> list[ClockChange]:
    """The days of a series that somebody in this zone must be told about.

    A cohort keeps the local time of its own zone, so whoever lives under other clock rules sees
    it move: 09:00 in New York is 07:00 in Phoenix in winter and 06:00 in summer.
    """
    shown = [(start, local_time(start, zone).time()) for start in starts]
    return [
        ClockChange(start, before, after)
        for (_, before), (start, after) in pairwise(shown)
        if before != after
    ]


def day_minutes(segments: Sequence[Segment]) -> int:
    """Scheduled minutes of a day, breaks included."""
    return sum(segment.minutes for segment in segments)


def week_minutes(weekdays: Collection[str], segments: Sequence[Segment]) -> int:
    """Scheduled minutes of a week, breaks included."""
    return len(weekdays) * day_minutes(segments)


def faults_of_programme(
    weekdays: Collection[str], segments: Sequence[Segment]
) -> dict[str, list[str]]:
    """What keeps a programme from being an intensive outpatient one: codes by path of the field.

    CLINICAL. Days, minutes of a day and minutes of a week as in the constants above; people arrive
    in a check-in or a group and leave by a wrap-up.
    """
    faults = {
        "weekdays": [*_faults_of_week(weekdays, segments)],
        "segments": [*_faults_of_day(segments)],
    }
    for position, segment in enumerate(segments):
        faults[f"segments.{position}.kind"] = [*_faults_of_place(position, segment, len(segments))]
    return {path: codes for path, codes in faults.items() if codes}


def licence_covers(expires_on: date, ends_at: datetime, zone: str) -> bool:
    """Whether a licence still holds when a day ends.

    It holds to the end of its last date on the participant's clock, because care is regulated
    where the participant is (LEGAL: whether a board counts otherwise, to confirm).
    https://telehealth.hhs.gov/providers/best-practice-guides/telehealth-for-behavioral-health/preparing-patients-for-telebehavioral-health/creating-a-telehealth-emergency-plan
    """
    return local_time(ends_at, zone).date() <= expires_on


def free_number(taken: Collection[int], capacity: int) -> int | None:
    """The lowest number of a seat that nobody has, or None when the cohort is full."""
    return next((n for n in range(1, capacity + 1) if n not in taken), None)


def _days_on(first_on: date, weekdays: Collection[str]) -> Iterator[date]:
    day = first_on
    while True:
        if WEEKDAYS[day.weekday()] in weekdays:
            yield day
        day += timedelta(days=1)


def _faults_of_week(weekdays: Collection[str], segments: Sequence[Segment]) -> Iterator[str]:
    fewest, most = DAYS_A_WEEK
    if len(weekdays) < fewest:
        yield f"days_a_week<{fewest}"
    if len(weekdays) > most:
        yield f"days_a_week>{most}"
    minutes = week_minutes(weekdays, segments)
    if minutes < WEEKLY_MINUTES:
        yield f"weekly_hours<{WEEKLY_MINUTES // 60}"
    if minutes >= PARTIAL_HOSPITAL_MINUTES:
        yield "is_php"


def _faults_of_day(segments: Sequence[Segment]) -> Iterator[str]:
    shortest, longest = MINUTES_A_DAY
    minutes = day_minutes(segments)
    if minutes < shortest:
        yield f"day_minutes<{shortest}"
    if minutes > longest:
        yield f"day_minutes>{longest}"


def _faults_of_place(position: int, segment: Segment, parts: int) -> Iterator[str]:
    last = position == parts - 1
    if position == 0 and segment.kind not in OPENING_KINDS:
        yield "opens_with_check_in_or_group"
    if last and segment.kind != CLOSING_KIND:
        yield "closes_with_wrap_up"
    if not last and segment.kind == CLOSING_KIND:
        yield "wrap_up_is_last"
