"""The pages of a day: what the policy asks for, against what the providers outside accepted.

Reckons by itself, from what people did and what the services answered them, whom each ladder
calls and when; imports nothing of the services. Instants are those of the simulated clock.
"""

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import count, pairwise
from pathlib import Path
from typing import Any

from evenkeel_ops.providers.ledger import read
from evenkeel_ops.simulator.ledger import FILE

PROVIDERS = "providers"
DESK = "desk@example.org"
ALL_HANDS, DESK_TOO = 4, 5
MINUTES = {"T1": (0, 2, 4, 6, 8), "T2": (0, 10, 20, 30, 32), "T3": (0, 240)}
"""When the rungs of a tier are due, counted from its raise; then the last one every two minutes.
Nobody of the demo waits so long that T3 would go on."""

REPEATS = 2

MOMENT = timedelta(microseconds=1)

_CODE = re.compile(r"\bcase (\w+)")


@dataclass(frozen=True)
class Paged:
    """How many calls to a person were due and reached a provider in their turn, how many reached
    the same phone once more, and how long after their deadline they did, in seconds."""

    due: int
    sent: int
    doubled: int
    lateness_p99_s: float
    lateness_max_s: float

    def told(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Case:
    """What is known outside crisis of somebody in danger."""

    code: str
    tier: str
    raised_at: datetime
    taken_at: datetime
    rungs: Sequence[Sequence[str]]

    def calls(self) -> Iterator[tuple[datetime, set[str]]]:
        """When the ladder calls, and whom, until somebody has the case."""
        minutes = MINUTES[self.tier]
        for rung in count(1):
            further = max(0, rung - len(minutes)) * REPEATS
            at = self.raised_at + timedelta(minutes=minutes[min(rung, len(minutes)) - 1] + further)
            if at >= self.taken_at:
                return
            yield at, self._people(rung)

    def _people(self, rung: int) -> set[str]:
        everybody = {one for people in self.rungs for one in people}
        if rung >= ALL_HANDS:
            return everybody | ({DESK} if rung >= DESK_TOO else set())
        return set(self.rungs[min(rung, len(self.rungs)) - 1])


def paged(directory: Path) -> Paged:
    """The pages of the demo in a directory."""
    with closing(sqlite3.connect(f"file:{directory / FILE}?mode=ro", uri=True)) as ledger:
        acts = [
            {"about": row[0], "step": row[1], "at": datetime.fromisoformat(row[2]),
             "body": json.loads(row[3] or "null"), "answer": json.loads(row[4])}
            for row in ledger.execute(
                "SELECT about, step, at, body, answer FROM acts WHERE status < 400 ORDER BY at"
            )
        ]  # fmt: skip
        now = datetime.fromisoformat(
            ledger.execute("SELECT value ->> '$' FROM run WHERE name = 'clock'").fetchone()[0]
        )
    return reckoned(list(_cases(acts, now)), read(directory / PROVIDERS, "accepted"), now)


def reckoned(cases: Iterable[Case], accepted: Iterable[Mapping[str, Any]], now: datetime) -> Paged:
    """Compare what was due up to an instant with what was accepted.

    The same key again is no second page: it says so, and mail servers alone do not honour it.
    """
    arrived: dict[tuple[str, str], list[tuple[datetime, str]]] = {}
    first = {(one["channel"], one["to"], one["key"]): one for one in reversed([*accepted])}
    for one in sorted(first.values(), key=lambda one: one["accepted_at"]):
        for code in _CODE.findall(one["text"]):
            at = datetime.fromisoformat(one["accepted_at"])
            arrived.setdefault((code, one["to"]), []).append((at, one["channel"]))
    due, late, doubled = 0, [], 0
    for case in cases:
        turns: dict[str, list[datetime]] = {}
        for at, people in case.calls():
            for person in people:
                turns.setdefault(person, []).append(at)
        for person, instants in turns.items():
            due += len(instants)
            mine = arrived.pop((case.code, person), [])
            doubled += sum(at < instants[0] for at, _ in mine)
            for begins, ends in pairwise([*instants, now + MOMENT]):
                turn = [one for one in mine if begins <= one[0] < ends]
                doubled += len(turn) - len({channel for _, channel in turn})
                late += [(min(at for at, _ in turn) - begins).total_seconds()] if turn else []
    doubled += sum(map(len, arrived.values()))
    late.sort()
    p99 = late[min(len(late) - 1, round(0.99 * len(late)))] if late else 0.0
    return Paged(due, len(late), doubled, p99, late[-1] if late else 0.0)


def _cases(acts: Sequence[dict[str, Any]], now: datetime) -> Iterator[Case]:
    """Everybody whose answers somebody opened a case for."""
    address = {
        one["answer"]["clinician_id"]: one["body"]["email"]
        for one in acts if one["step"] == "clinician"
    }  # fmt: skip
    rungs = {
        one["body"]["clinic_id"]: [[address[who] for who in rung] for rung in one["body"]["rungs"]]
        for one in acts if one["step"] == "rota"
    }  # fmt: skip
    taken = {one["about"]: one["at"] for one in acts if one["step"] == "acknowledgement"}
    signs = {
        one["about"]: one for one in acts
        if one["step"] in ("answers", "check_in") and (one["answer"] or {}).get("risk")
    }  # fmt: skip
    for one in acts:
        if one["step"] == "case" and one["about"] in signs:
            sign, found = signs[one["about"]], one["answer"]
            yield Case(
                found["code"], sign["answer"]["risk"]["tier"], sign["at"],
                taken.get(one["about"], now + MOMENT), rungs[found["clinic_id"]],
            )  # fmt: skip
