"""What the simulated providers accepted and delivered, in a file that is only added to."""

import sqlite3
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FILE = "ledger.sqlite"

Clock = Callable[[], datetime]

_SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS accepted (
    n INTEGER PRIMARY KEY, provider TEXT NOT NULL, channel TEXT NOT NULL, key TEXT NOT NULL,
    reference TEXT NOT NULL UNIQUE, "to" TEXT NOT NULL, sender TEXT NOT NULL,
    subject TEXT NOT NULL, text TEXT NOT NULL, accepted_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS accepted_key ON accepted (provider, key);
CREATE TABLE IF NOT EXISTS delivered (
    n INTEGER PRIMARY KEY, reference TEXT NOT NULL REFERENCES accepted (reference),
    delivered_at TEXT NOT NULL
);
"""
_GUARD = """
CREATE TRIGGER IF NOT EXISTS {table}_{step} BEFORE {step} ON {table}
BEGIN SELECT RAISE(ABORT, 'the ledger is only added to'); END;
"""
_ROWS = {
    "accepted": "SELECT * FROM accepted ORDER BY n",
    "delivered": """
        SELECT accepted.*, delivered.delivered_at FROM delivered
        JOIN accepted USING (reference) ORDER BY delivered.n""",
}


class Ledger:
    """The writing side. On the disk before anybody is answered."""

    def __init__(self, directory: Path, clock: Clock | None = None) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._now = clock or _present
        self._file = sqlite3.connect(directory / FILE, check_same_thread=False)
        self._file.executescript(_SCHEMA)
        for table in _ROWS:
            for step in ("UPDATE", "DELETE"):
                self._file.executescript(_GUARD.format(table=table, step=step))
        self._turn = threading.Lock()

    def accept(self, row: Mapping[str, str]) -> None:
        names = ", ".join(f'"{name}"' for name in row)
        values = ", ".join(f":{name}" for name in row)
        self._write(
            f"INSERT INTO accepted ({names}, accepted_at) VALUES ({values}, :at)",
            {**row, "at": self._now().isoformat()},
        )

    def deliver(self, reference: str) -> None:
        self._write(
            "INSERT INTO delivered (reference, delivered_at) VALUES (:reference, :at)",
            {"reference": reference, "at": self._now().isoformat()},
        )

    def reference_of(self, provider: str, key: str) -> str | None:
        """Under which the provider has accepted something with this key already."""
        with self._turn:
            found = self._file.execute(
                "SELECT reference FROM accepted WHERE provider = ? AND key = ?", (provider, key)
            ).fetchone()
        return found and found[0]

    def _write(self, statement: str, values: Mapping[str, str]) -> None:
        with self._turn, self._file:
            self._file.execute(statement, values)


def read(directory: Path, table: str) -> list[dict[str, Any]]:
    """Rows of `accepted` or `delivered` so far, in order; also while they are being written."""
    path = directory / FILE
    if not path.exists():
        return []
    file = sqlite3.connect(path)
    file.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in file.execute(_ROWS[table])]
    finally:
        file.close()


def clock_kept_in(file: Path) -> Clock:
    """The clock of a demo, which is in its ledger before anybody sees it."""

    def now() -> datetime:
        kept = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
        try:
            (at,) = kept.execute("SELECT value ->> '$' FROM run WHERE name = 'clock'").fetchone()
        finally:
            kept.close()
        return datetime.fromisoformat(at)

    return now


def _present() -> datetime:
    return datetime.now(UTC)
