"""What happened in a clinic, and what would have happened by another rota and policy. Pure.

The past is what risks and people did, and when. The ladder is lived through anew between those
moments: whoever acknowledged, spoke or concluded is taken to have done so at the same time.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

from crisis.rota.published import OnCall
from crisis.rules import (
    EASTERNMOST_ZONE,
    Call,
    Ladder,
    Rise,
    contact_due_at,
    disposition_due_at,
    is_higher,
    rung_after_lapse,
    steps_due,
)

NIGHT_BEGINS, NIGHT_ENDS = time(22), time(7)
"""When a page wakes people, on their own clock. This project's reading."""

RAISED, ACKNOWLEDGED, CONTACTED, LOWERED, CONCLUDED = (
    "raised", "acknowledged", "contact_logged", "tier_lowered", "concluded",
)  # fmt: skip


@dataclass(frozen=True)
class Moment:
    """A risk, or what somebody did about a case; with the tier it brought, where it brought one."""

    at: datetime
    what: str
    tier: str = ""


@dataclass(frozen=True, order=True)
class Paged:
    """One person called at one rung of a ladder."""

    at: datetime
    rung: int
    generation: int
    person: UUID


LadderOf = Callable[[str, datetime], Ladder]
OnCallAt = Callable[[datetime], OnCall]


@dataclass
class _Lived:
    """A case as it would stand, between two moments."""

    ladder_of: LadderOf
    on_call_at: OnCallAt
    ladder: Ladder | None = None
    raised_at: datetime | None = None
    due_at: datetime | None = None
    rung: int = 0
    generation: int = 0
    state: str = RAISED

    def until(self, next_one: Moment) -> Iterator[Paged]:
        """Everybody who is called up to the next moment."""
        while self.ladder and self.due_at and self.due_at <= next_one.at:
            if self.state == ACKNOWLEDGED:
                self.rung = rung_after_lapse(self.ladder, self.rung)
            was_held, self.state = self.state != RAISED, RAISED
            yield from self._climb()
            if was_held and next_one.what != ACKNOWLEDGED:
                self.due_at = None  # whoever had it answers the first page

    def meet(self, moment: Moment) -> Iterator[Paged]:
        """Take what happened into account."""
        if moment.what == RAISED:
            yield from self._raise(moment)
        elif self.ladder is None or self.raised_at is None:
            return
        elif moment.what == LOWERED:
            self._begin(moment.tier, moment.at)
            if self.state == ACKNOWLEDGED:
                self.due_at = contact_due_at(self.ladder, moment.at, moment.at)
        else:
            self.state = moment.what
            self.due_at = {
                ACKNOWLEDGED: contact_due_at(self.ladder, self.raised_at, moment.at),
                CONTACTED: disposition_due_at(self.ladder, moment.at),
            }.get(moment.what)

    def _raise(self, moment: Moment) -> Iterator[Paged]:
        if self.ladder and not is_higher(moment.tier, self.ladder.tier):
            return
        before, self.state = self.due_at, RAISED
        self._begin(moment.tier, moment.at)
        self.due_at = moment.at
        yield from self._climb()
        if before and self.due_at:
            self.due_at = min(before, self.due_at)

    def _begin(self, tier: str, at: datetime) -> None:
        self.ladder, self.raised_at = self.ladder_of(tier, at), at
        self.rung, self.generation = 0, self.generation + 1

    def _climb(self) -> Iterator[Paged]:
        """What is due at the deadline itself: nobody is ever late here."""
        assert self.ladder
        assert self.due_at
        at, people = self.due_at, self.on_call_at(self.due_at)
        for step in steps_due(
            self.ladder, rung=self.rung, generation=self.generation, due_at=at, now=at,
            manned=people.manned(self.ladder),
        ):  # fmt: skip
            if isinstance(step, Call):
                self.rung, self.generation = step.rung, step.generation
                self.due_at = step.next_due_at
                for person in people.called(step):
                    yield Paged(step.due_at, step.rung, step.generation, person)
            elif isinstance(step, Rise):
                self._begin(step.tier, step.due_at)
                yield from self._climb()


def rehearsed(
    moments: Iterable[Moment], ladder_of: LadderOf, on_call_at: OnCallAt, until: datetime
) -> list[Paged]:
    """Who would have been paged about a case, and when."""
    lived, paged = _Lived(ladder_of, on_call_at), []
    for moment in [*sorted(moments, key=lambda one: one.at), Moment(until, "now")]:
        paged += lived.until(moment)
        if moment.what == CONCLUDED:
            break
        paged += lived.meet(moment)
    return sorted(set(paged))


def is_night(at: datetime, zone: str | None) -> bool:
    """Whether it is night on somebody's clock."""
    local = at.astimezone(ZoneInfo(zone or EASTERNMOST_ZONE)).time()
    return local >= NIGHT_BEGINS or local < NIGHT_ENDS


@dataclass(frozen=True)
class Burden:
    """How often somebody is called."""

    person: UUID
    pages: int
    at_night: int


def burdens(paged: Sequence[Paged], zones: dict[UUID, str | None]) -> dict[UUID, Burden]:
    """How often each is called, and at night on their own clock."""
    of: dict[UUID, list[Paged]] = {}
    for one in paged:
        of.setdefault(one.person, []).append(one)
    return {
        person: Burden(person, len(own), sum(is_night(one.at, zones.get(person)) for one in own))
        for person, own in of.items()
    }
