"""What a case should look like, reckoned deadline by deadline, apart from the engine's own rules.

Only the figures of the tiers are shared with it; how one thing follows from another is not.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from crisis import rules
from crisis.paging.page import DESK

PAGING, ACKNOWLEDGED, ENGAGED, CLOSED = "paging", "acknowledged", "engaged", "closed"
DISPATCHED, HANDED_OFF, FOLLOW_UP = "emergency_services", "handed_off", "follow_up"
HELD = (ACKNOWLEDGED, ENGAGED, DISPATCHED, HANDED_OFF, FOLLOW_UP)


@dataclass
class Expected:
    """One case, as it ought to be."""

    rota: Sequence[Sequence[UUID]]
    tier: str = ""
    state: str = PAGING
    rung: int = 0
    generation: int = 0
    due_at: datetime | None = None
    raised_at: datetime | None = None
    owner: UUID | None = None
    follow_ups: list[datetime] = field(default_factory=list)
    intervals: list[timedelta] = field(default_factory=list)
    pages: set[tuple[int, int, UUID]] = field(default_factory=set)
    passed_over: list[tuple[int, int]] = field(default_factory=list)

    def begin(self, tier: str, at: datetime) -> None:
        ladder = rules.ladder_for(tier, at, None)
        self.tier, self.state, self.rung, self.owner = tier, PAGING, 0, None
        self.generation += 1
        self.raised_at = self.due_at = at
        self.intervals = [timedelta(seconds=n) for n in ladder.intervals]

    def rise(self, tier: str, noticed_at: datetime, now: datetime) -> None:
        before = self.due_at
        self.begin(tier, noticed_at)
        self.catch_up(now)
        assert before is not None
        assert self.due_at is not None
        self.due_at = min(before, self.due_at)

    def lower(self, tier: str, now: datetime) -> None:
        due_at, state, owner = self.due_at, self.state, self.owner
        self.begin(tier, now)
        self.state, self.owner, self.due_at = state, owner, due_at
        if state == ACKNOWLEDGED:
            self._await_contact(now)

    def acknowledge(self, person: UUID, now: datetime) -> None:
        self.state, self.owner = ACKNOWLEDGED, person
        self._await_contact(now)

    def _await_contact(self, now: datetime) -> None:
        after = {"T1": timedelta(minutes=3), "T2": timedelta(minutes=20)}
        end_of_day = rules.day_ends_at(None, self.raised_at or now)
        self.due_at = end_of_day if self.tier == "T3" else now + after[self.tier]

    def log_contact(self, now: datetime) -> None:
        self.state, self.due_at = ENGAGED, now + timedelta(hours=24)

    def conclude(self, person: UUID, now: datetime) -> None:
        self.state, self.tier, self.owner = FOLLOW_UP, "T4", person
        self.follow_ups = [now + timedelta(days=days) for days in (1, 3, 7, 14, 21, 28)]
        self.due_at = self.follow_ups[0]

    def keep_contact(self) -> None:
        del self.follow_ups[0]
        if self.follow_ups:
            self.due_at = self.follow_ups[0]
        else:
            self.close()

    def close(self) -> None:
        self.state, self.due_at, self.owner = CLOSED, None, None

    def catch_up(self, now: datetime) -> None:
        """What one sweep makes of it."""
        if self.due_at is None or self.due_at > now:
            return
        self._lapse(self.due_at)
        late = False
        while self.due_at <= now:
            if self.tier == "T3" and self.rung == len(self.intervals):
                self.begin("T2", self.due_at)
                late = False
                continue
            last = self.rung == len(self.intervals)
            self.rung, self.generation = (
                (self.rung, self.generation + 1) if last else (self.rung + 1, self.generation)
            )
            if not self._called(late=False):
                continue
            self.due_at += self.intervals[self.rung - 1]
            if self.due_at <= now:
                self.passed_over.append((self.rung, self.generation))
                if self._repeats():
                    self.generation += 1
                    while self.due_at <= now:
                        self.due_at += self.intervals[-1]
                late = True
        self.pages |= {(self.rung, self.generation, who) for who in self._called(late)}

    def _lapse(self, due_at: datetime) -> None:
        if self.state == ACKNOWLEDGED and self.tier == "T3":
            self.rung = len(self.intervals)
        if self.state == FOLLOW_UP:
            self.begin("T3", due_at)
        self.state, self.owner = PAGING, None

    def _repeats(self) -> bool:
        return self.tier != "T3" and self.rung == len(self.intervals)

    def _called(self, late: bool) -> set[UUID]:
        below = self.rota if self.tier != "T3" and self.rung >= 4 else self.rota[: self.rung]
        called = {who for people in below for who in people}
        if not late and (self.tier == "T3" or self.rung < 4):
            called = set(self.rota[min(self.rung, len(self.rota)) - 1])
        return called | ({DESK} if self._repeats() else set())
