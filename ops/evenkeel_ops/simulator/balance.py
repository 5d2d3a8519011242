"""The balance: what was asked for, against what the databases of the five services hold.

    python -m evenkeel_ops.simulator.balance .evenkeel/demo

Reads only, by plain SQL, and imports nothing of the services: it must not share their mistakes.
"""

import sqlite3
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from evenkeel_ops.providers.ledger import read
from evenkeel_ops.simulator.effects import EFFECTS, Effect
from evenkeel_ops.simulator.faults import (
    ARRIVAL,
    DUPLICATED,
    FAULTS,
    LOG_FAULTS,
    LOST,
    OUT_OF_ORDER,
    Fault,
)
from evenkeel_ops.simulator.ledger import FILE
from evenkeel_ops.simulator.views import VIEWS

SERVICES = ("intake", "scheduling", "sessions", "notifications", "crisis")
PROVIDERS = "providers"
NOTHING = "SELECT NULL WHERE FALSE"


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be, in words."""

    kind: str
    says: str


@dataclass(frozen=True)
class Balance:
    """What came of a run."""

    events: dict[str, int]
    findings: list[Finding]

    @property
    def lost(self) -> int:
        return self._count(LOST)

    @property
    def duplicated(self) -> int:
        return self._count(DUPLICATED)

    @property
    def out_of_order(self) -> int:
        return self._count(OUT_OF_ORDER)

    def _count(self, kind: str) -> int:
        return sum(found.kind == kind for found in self.findings)


def balance(directory: Path) -> Balance:
    """Compare the ledger of a directory with the databases and the mail beside it."""
    db = _attached(directory)
    try:
        findings = [
            *(found for effect in EFFECTS for found in _compared(db, effect)),
            *(found for fault in FAULTS for found in _seen(db, fault)),
            *(found for name in SERVICES for fault in LOG_FAULTS
              for found in _seen(db, fault, service=name)),
            *(found for name in SERVICES for found in _not_arrived(db, name)),
        ]  # fmt: skip
        return Balance(_events(db), findings)
    finally:
        db.close()


def _attached(directory: Path) -> sqlite3.Connection:
    db = sqlite3.connect(":memory:", uri=True)
    for name, file in [("ledger", FILE), *((name, f"{name}.db") for name in SERVICES)]:
        db.execute(f"ATTACH ? AS {name}", [f"file:{directory.resolve() / file}?mode=ro"])
    db.create_function("bare", 1, lambda text: text and text.replace("-", ""), deterministic=True)
    db.create_function("tail", 1, lambda subject: subject.split("/")[1], deterministic=True)
    db.create_function("stream", 1, lambda subject: subject.split("/")[0], deterministic=True)
    db.execute("CREATE TEMP TABLE mail (id TEXT)")
    db.executemany("INSERT INTO mail VALUES (?)", [[one] for one in _mail(directory)])
    db.executescript(VIEWS)
    return db


def _mail(directory: Path) -> Iterator[str]:
    """The id of every message and page that somebody outside accepted."""
    for one in read(directory / PROVIDERS, "accepted"):
        yield one["key"].partition("@")[0].replace("-", "")


def _compared(db: sqlite3.Connection, effect: Effect) -> Iterator[Finding]:
    expected: Counter[str] = Counter()
    labels = {}
    for key, label, *amount in db.execute(effect.expected):
        expected[key] += amount[0] if amount else 1
        labels[key] = label
    found: Counter[str] = Counter()
    for key, *amount in db.execute(effect.found):
        found[key] += amount[0] if amount else 1
    allowed = Counter(key for (key,) in db.execute(effect.allowed or NOTHING))
    for key, label in labels.items():
        if not expected[key] <= found[key] <= expected[key] + allowed[key]:
            kind = LOST if found[key] < expected[key] else DUPLICATED
            counts = f"expected {expected[key]}, found {found[key]}"
            yield Finding(kind, f"{effect.says.format(label)} ({counts})")
    if effect.closed:
        for key in found.keys() - expected.keys():
            yield Finding(DUPLICATED, f"nobody asked that {effect.says.format(key)}")


def _seen(db: sqlite3.Connection, fault: Fault, **names: str) -> Iterator[Finding]:
    for (label,) in db.execute(fault.rows.format(**names)):
        yield Finding(fault.kind, fault.says.format(label, **names))


def _not_arrived(db: sqlite3.Connection, service: str) -> Iterator[Finding]:
    for source, streams in db.execute(f"SELECT DISTINCT source, streams FROM {service}.producers"):
        listed = ", ".join(f"'{stream}'" for stream in streams.split(","))
        yield from _seen(db, ARRIVAL, service=service, source=source, streams=listed)


def _events(db: sqlite3.Connection) -> dict[str, int]:
    events: Counter[str] = Counter()
    for name in SERVICES:
        counts = db.execute(f"SELECT type, count(*) FROM {name}.event_log GROUP BY type")
        events.update(dict(counts.fetchall()))
    return dict(sorted(events.items()))


def main() -> None:
    """Print the balance of a directory; exit status 1 when anything is wrong."""
    found = balance(Path(sys.argv[1]))
    for one in found.findings:
        print(f"{one.kind}: {one.says}")
    print(f"{sum(found.events.values())} events · lost {found.lost} · "
          f"duplicate effects {found.duplicated} · out of order {found.out_of_order}")  # fmt: skip
    sys.exit(bool(found.findings))


if __name__ == "__main__":
    main()
