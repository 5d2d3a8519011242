"""The plan of a weekday: who does what at which minute."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from evenkeel_ops.simulator.act import Act
from evenkeel_ops.simulator.before import SEGMENTS, asked, the_day_before
from evenkeel_ops.simulator.crisis import answered_case, kept_contact
from evenkeel_ops.simulator.people import ITEM_9, NOT_SAFE, URGE, Cast, Cohort, Participant, ref

DAY = date(2026, 3, 3)
"""An ordinary Tuesday, so that two runs of one seed are the same day."""

BEFORE_OPENS, EVE_OPENS, LAST_HOUR = time(8, 40), time(11, 0), time(20, 30)
CALLS = time(10, 30)
"""Before the contacts are overdue that were agreed on the day before."""

HOMEWORK_DUE = "20:00"
CHECK_IN_AFTER = 1
AWAY_BEFORE = timedelta(minutes=2)
"""The broker goes away this long before somebody says that they are not safe."""

LOOKED_ON = timedelta(minutes=2)

MINUTES = sum(minutes for _, minutes in SEGMENTS)


@dataclass(frozen=True)
class Plan:
    """What happens up to the morning, what happens on the day, and its memorable instants.
    `dangers` are from when to when somebody who watches can answer a case."""

    before: list[Act]
    day: list[Act]
    dangers: list[tuple[datetime, datetime]]
    begins_at: datetime
    outage_at: datetime
    ends_at: datetime


def plan(cast: Cast, on: date = DAY) -> Plan:
    """The acts of a cast in order."""
    zones = [clinic.zone for clinic in cast.clinics]
    eve = local(on - timedelta(days=1), EVE_OPENS, zones[0])
    day = sorted(_day(cast, on), key=lambda act: act.at)
    dangerous = [act.at for act in day if act.step == "check_in" and act.loud]
    return Plan(
        before=sorted(the_day_before(cast, eve, on), key=lambda act: act.at),
        day=day,
        dangers=_dangers(day),
        begins_at=local(on, BEFORE_OPENS, zones[0]),
        outage_at=dangerous[-1] - AWAY_BEFORE,
        ends_at=max(local(on, LAST_HOUR, zone) for zone in zones),
    )


def _dangers(day: list[Act]) -> list[tuple[datetime, datetime]]:
    """From what somebody says of themselves until shortly after it is acknowledged, if nobody who
    watches is quicker."""
    said_at = {act.about: act.at for act in day if act.step == "check_in" and act.loud}
    taken = [act for act in day if act.step == "acknowledgement" and act.loud]
    return [(said_at[act.about], act.at + LOOKED_ON) for act in taken]


def local(on: date, at: time, zone: str) -> datetime:
    """The instant at which clocks of a zone show this."""
    return datetime.combine(on, at, ZoneInfo(zone)).astimezone(UTC)


def _day(cast: Cast, on: date) -> Iterator[Act]:
    calls_at = local(on, CALLS, cast.clinics[0].zone)
    for cohort in cast.cohorts:
        start = local(on, time.fromisoformat(cohort.starts_local), cohort.clinic.zone)
        yield from _led(cohort, start, on)
        for one in cohort.members:
            if one.danger == ITEM_9:
                yield from kept_contact(one, cast.on_call[one.clinic.number][0], calls_at)
            if one.comes_at is not None:
                yield from _attended(one, cohort, start)
                yield from _homework(one, start, on)
            if one.danger in (NOT_SAFE, URGE):
                yield from _in_danger(cast, one, start)


def _led(cohort: Cohort, start: datetime, on: date) -> Iterator[Act]:
    """What the facilitator does: open the room, go from part to part, give homework, wrap up."""
    who, number = cohort.facilitator, cohort.number
    day = ref(f"cohort-{number}", "occurrences.0.occurrence_id")
    says = f"opens the room of group {number}"
    path = f"/sessions/occurrences/{day}/session"
    yield asked(who, start - timedelta(minutes=15), "session", number, says, path, {}, loud=True)
    at, room = start, _room(cohort)
    for position, (kind, minutes) in enumerate(SEGMENTS):
        says = f"begins {kind.replace('_', ' ')} of group {number}"
        body = {"position": position}
        path = f"{room}/segments"
        yield asked(who, at, "segment", number, says, path, body, part=str(position))
        at += timedelta(minutes=minutes)
    body = {
        "template": "thought_record",
        "due_on": on.isoformat(),
        "due_local": HOMEWORK_DUE,
    }
    says = f"gives group {number} homework"
    yield asked(who, at - timedelta(minutes=5), "homework", number, says, f"{room}/homework", body)
    says = f"wraps up the day of group {number}"
    yield asked(who, at, "wrap_up", number, says, f"{room}/wrap-up", {}, loud=True)


def _attended(one: Participant, cohort: Cohort, start: datetime) -> Iterator[Act]:
    assert one.comes_at is not None
    comes_at = start + timedelta(minutes=one.comes_at)
    yield _log_in(one, cohort, comes_at, "logs in")
    says = "checks in" + (": not safe" if one.danger == NOT_SAFE else "")
    body = {
        "participant_id": one.id,
        "safe": one.danger != NOT_SAFE,
        "mood": one.mood,
        "urge": one.urge,
        "sleep_hours": one.sleep_hours,
        "substance": False,
    }
    path = f"{_room(cohort)}/check-ins"
    at = comes_at + timedelta(minutes=CHECK_IN_AFTER)
    loud = one.danger in (NOT_SAFE, URGE)
    yield asked(one, at, "check_in", one.number, says, path, body, loud=loud)
    if one.leaves_at is not None:
        left_at = start + timedelta(minutes=one.leaves_at)
        path = f"{_room(cohort)}/leaves"
        body = {"participant_id": one.id}
        yield asked(one, left_at, "leave", one.number, "drops out", path, body)
        yield _log_in(one, cohort, left_at + timedelta(minutes=7), "is back", part="_again")


def _log_in(one: Participant, cohort: Cohort, at: datetime, says: str, part: str = "") -> Act:
    body = {
        "participant_id": one.id,
        "state": one.clinic.state,
        "location": f"{one.number} Example Street",
        "callback_number": f"+1555020{one.number:04d}",
        "private": True,
    }
    path = f"{_room(cohort)}/log-ins"
    return asked(one, at, "log_in", one.number, says, path, body, part=part)


def _homework(one: Participant, start: datetime, on: date) -> Iterator[Act]:
    if one.hands_in_after is None:
        return
    at = start + timedelta(minutes=MINUTES + one.hands_in_after)
    path = f"/sessions/participants/{one.id}/day?on={on.isoformat()}"
    says = "looks at their homework"
    yield asked(one, at, "own_day", one.number, says, path, method="GET", finds="homework")
    path = f"/sessions/homework/{ref(f'own_day-{one.number}', 'homework_id')}/submission"
    yield asked(one, at, "submission", one.number, "hands their homework in", path, {})


def _in_danger(cast: Cast, one: Participant, start: datetime) -> Iterator[Act]:
    """Nobody answers the first page of the one who is not safe; the backup does."""
    assert one.comes_at is not None
    first, backup, *_ = cast.on_call[one.clinic.number]
    at = start + timedelta(minutes=one.comes_at + CHECK_IN_AFTER)
    if one.danger == NOT_SAFE:
        says = "opens the second page: nobody answered the first"
        yield from answered_case(one, backup, at, (3, 5, 30), says)
    else:
        yield from answered_case(one, first, at, (4, 12, 45))


def _room(cohort: Cohort) -> str:
    return f"/sessions/sessions/{ref(f'session-{cohort.number}', 'session_id')}"
