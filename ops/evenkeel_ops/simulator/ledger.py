"""The ledger: what was asked and what was answered, on the disk before and after each request.

It is a file of its own that no service opens, and this module imports nothing of the services.
"""

import json
import sqlite3
from datetime import datetime
from pathlib import Path
from typing import Any

from evenkeel_ops.simulator.act import Act, Filled

FILE = "ledger.db"
REFUSED_FROM = 400
IMPOSSIBLE = 424

_TABLES = """
    CREATE TABLE IF NOT EXISTS run (name TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS acts (
        id TEXT PRIMARY KEY,
        step TEXT NOT NULL,
        about INTEGER NOT NULL,
        says TEXT NOT NULL,
        at TEXT NOT NULL,
        role TEXT NOT NULL,
        person TEXT,
        path TEXT,
        body TEXT,
        status INTEGER,
        answer TEXT,
        tolerated INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE IF NOT EXISTS pressed (
        role TEXT NOT NULL,
        person TEXT NOT NULL,
        path TEXT NOT NULL
    );
"""

_PEOPLE = {
    "referred": "referral",
    "screened": "completion",
    "admitted": "admission",
    "seated": "seat",
    "attended": "log_in",
    "homework_submitted": "submission",
    "crisis_cases": "case",
    "pages_acknowledged": "acknowledgement",
}
"""What people went through, and the step that takes them there."""


class Ledger:
    """The acts of one run, and where its clock stands."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(directory / FILE, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.executescript(_TABLES)
        done = self._db.execute("SELECT id, status, answer FROM acts WHERE status IS NOT NULL")
        self._answers = {act_id: (status, json.loads(answer)) for act_id, status, answer in done}

    def close(self) -> None:
        self._db.close()

    def noted(self, name: str) -> Any:
        """What was noted about this run, or None."""
        row = self._db.execute("SELECT value FROM run WHERE name = ?", [name]).fetchone()
        return json.loads(row[0]) if row else None

    def note(self, name: str, value: Any) -> None:
        """Note something about this run."""
        put = "INSERT INTO run VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"
        self._db.execute(put, [name, json.dumps(value)])

    @property
    def clock(self) -> datetime | None:
        """Where the clock stood last."""
        at = self.noted("clock")
        return datetime.fromisoformat(at) if at else None

    def is_done(self, act: Act) -> bool:
        """Whether an act was answered, or given up."""
        return act.id in self._answers

    def answer_to(self, act_id: str) -> Any:
        """What was answered to an act; None while nothing was, or when it was refused."""
        status, answer = self._answers.get(act_id, (IMPOSSIBLE, None))
        return answer if status < REFUSED_FROM else None

    def ask(self, act: Act) -> Filled:
        """Write down what is about to be asked. Raises Unanswered.

        An act that was asked before and never answered is asked again in the very same words.
        """
        sql = "SELECT path, body, person FROM acts WHERE id = ?"
        if row := self._db.execute(sql, [act.id]).fetchone():
            return Filled(row[0], json.loads(row[1]), row[2])
        asked = act.filled(self.answer_to)
        self._write(act, person=asked.person, path=asked.path, body=json.dumps(asked.body))
        return asked

    def answered(self, act: Act, status: int, answer: Any, *, tolerated: bool = False) -> None:
        """Write down what came back."""
        self._answers[act.id] = (status, answer)
        self._db.execute(
            "UPDATE acts SET status = ?, answer = ?, tolerated = ? WHERE id = ?",
            [status, json.dumps(answer), tolerated, act.id],
        )

    def give_up(self, act: Act, because_of: str) -> None:
        """Write down that an act could not even be asked for, because of an earlier one, or
        because somebody who watches has left nothing to be done."""
        answer = {"code": "impossible", "because_of": because_of}
        self._answers[act.id] = (IMPOSSIBLE, answer)
        more = {"answer": json.dumps(answer), "tolerated": bool(act.tolerates)}
        self._write(act, status=IMPOSSIBLE, **more)

    def pressed(self, role: str, person: str, path: str) -> None:
        """Write down what somebody who watches pressed on a page."""
        self._db.execute("INSERT INTO pressed VALUES (?, ?, ?)", [role, person, path])

    def presses_of(self, what: str) -> int:
        """How many cases somebody who watches has done this to."""
        sql = "SELECT count(DISTINCT path) FROM pressed WHERE path LIKE ?"
        return self._db.execute(sql, [f"%/{what}"]).fetchone()[0]

    def people(self) -> dict[str, int]:
        """How many participants went through what."""
        count = "SELECT count(DISTINCT about) FROM acts WHERE step = ? AND status < ?"
        return {
            word: self._db.execute(count, [step, REFUSED_FROM]).fetchone()[0]
            for word, step in _PEOPLE.items()
        }

    def _write(self, act: Act, **more: Any) -> None:
        row = {
            "id": act.id, "step": act.step, "about": act.about, "says": act.says,
            "at": act.at.isoformat(), "role": act.role, **more,
        }  # fmt: skip
        marks = ", ".join("?" * len(row))
        self._db.execute(f"INSERT INTO acts ({', '.join(row)}) VALUES ({marks})", [*row.values()])
