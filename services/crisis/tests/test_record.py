"""The record: whoever alters a chain is found, with a pen or with the owner's rights."""

import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy import make_url

from chassis import logs
from chassis.announce import uuid7
from chassis.clock import SimulatedClock
from chassis.database import Database
from crisis import sweeper
from crisis.record import checkpoint, proof, reading
from crisis.record.chain import BEGINNING, Link, digest_of
from crisis.record.checkpoint import Checkpoint, sign_ends
from crisis.record.proof import Chain
from crisis.record.signing import PublicKeys, SigningKey
from crisis.timeline import Entry, Head, link_of
from services.crisis.tests.builders import (
    START,
    Clinic,
    chain_of,
    database_at,
    seconds,
    sqlite_urls,
)

TAMPERINGS = 200
KEY = SigningKey.generate()
KEYS = PublicKeys([KEY.public])
MINUTE = timedelta(minutes=1)


def lived(database: Database, clock: SimulatedClock) -> Clinic:
    """A clinic whose chain has dozens of entries of several cases, and a checkpoint at the end."""
    clinic = Clinic.with_rota(database, clock)
    cases = [clinic.raises(tier) for tier in ("T1", "T2", "T1", "T3", "T2")]
    for number in range(14):
        clinic.later(130)
        sweeper.sweep(database)
        if number == 3:
            clinic.acknowledges(cases[0])
        sign_ends(database, KEY)
    clinic.later(60)
    sign_ends(database, KEY)
    return clinic


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> tuple[Path, UUID]:
    """A SQLite database with a chain, and whose it is."""
    urls = sqlite_urls(tmp_path_factory.mktemp("record"))
    clock = SimulatedClock(START)
    database = database_at(urls, clock)
    clinic = lived(database, clock)
    chain = chain_of(database, clinic.id, KEYS)
    assert (chain.fault, chain.confirmed) == (None, chain.place)
    assert chain.place > 30
    database.close()
    with closing(sqlite3.connect(file := Path(str(make_url(urls.work).database)))) as plain:
        plain.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for (trigger,) in plain.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            plain.execute(f"DROP TRIGGER {trigger}")
        plain.commit()
    return file, clinic.id


class Pen:
    """Somebody with all rights on the database, who knows how digests are made but has no key."""

    def __init__(self, database: Database, clinic_id: UUID, seed: int) -> None:
        self.database, self.clinic_id = database, clinic_id
        self.random = random.Random(seed)
        with database.work() as db:
            entries = sa.select(Entry).order_by(Entry.place)
            self.rows = [_row(entry) for entry in db.scalars(entries)]
            self.signed = [one.place for one in db.scalars(sa.select(Checkpoint))]

    def any_row(self) -> int:
        return self.random.randrange(len(self.rows))

    def change(self, *, but: str = "") -> int:
        """Change one column of an entry. Returns the first place that is altered."""
        n = self.any_row()
        row = self.rows[n]
        how: dict[str, Any] = {
            "what": "acknowledged" if row["what"] != "acknowledged" else "opened",
            "by": f"clinician:{uuid7()}",
            "at": row["at"] + seconds(self.random.choice([-3600, -1, 1, 60])),
            "facts": {**row["facts"], "people": 99},
            "case_id": next(r["case_id"] for r in self.rows if r["case_id"] != row["case_id"]),
            "digest": "f" * 64,
        }
        column = self.random.choice(sorted(set(how) - {but}))
        if column == "case_id":
            row["position"] = 1_000 + n  # the database's own rule, a place twice in one case
        row[column] = how[column]
        return n + 1

    def delete(self) -> int:
        n = self.any_row()
        del self.rows[n]
        return n + 1

    def delete_and_close_the_gap(self) -> int:
        n = self.any_row()
        del self.rows[n]
        self.renumber()
        return n + 1

    def insert(self) -> int:
        n = self.any_row()
        forged = {**self.rows[n], "what": "contact_logged", "position": 1_000}
        self.rows.insert(n, forged)
        self.renumber()
        return n + 1

    def swap(self) -> int:
        n = self.random.randrange(len(self.rows) - 1)
        self.rows[n], self.rows[n + 1] = self.rows[n + 1], self.rows[n]
        self.renumber()
        return n + 1

    def cut(self) -> int:
        """Cut the tail off, and move the head so that nothing is missing."""
        n = self.any_row()
        del self.rows[n:]
        return n + 1

    def rewrite(self) -> int:
        """Change an entry, and make every digest after it anew."""
        place = self.change(but="digest")
        before = self.rows[place - 2]["digest"] if place > 1 else BEGINNING
        for row in self.rows[place - 1 :]:
            before = row["digest"] = digest_of(before, link_of(row))
        return place

    def renumber(self) -> None:
        for place, row in enumerate(self.rows, start=1):
            row["place"] = place

    def write(self) -> None:
        with self.database.work() as db:
            connection = db.connection()
            connection.execute(sa.delete(Entry))
            if self.rows:
                connection.execute(sa.insert(Entry), self.rows)
            last = self.rows[-1] if self.rows else {"place": 0, "digest": BEGINNING}
            end = {"place": last["place"], "digest": last["digest"]}
            connection.execute(sa.update(Head).values(end))


WAYS: list[Callable[[Pen], int]] = [
    Pen.change, Pen.delete, Pen.delete_and_close_the_gap, Pen.insert, Pen.swap, Pen.cut,
    Pen.rewrite,
]  # fmt: skip


def _row(entry: Entry) -> dict[str, Any]:
    return {column.name: getattr(entry, column.name) for column in Entry.__table__.columns}


def tampered(
    original: tuple[Path, UUID], directory: Path, way: Callable[[Pen], int], seed: int
) -> tuple[Database, int, Pen]:
    """A copy of the database in which somebody altered the chain, and from which place on."""
    file, clinic_id = original
    copy = directory / f"{seed}.db"
    shutil.copy(file, copy)
    url = f"sqlite:///{copy}"
    database = Database("crisis", http_url=url, work_url=url, clock=SimulatedClock(START))
    pen = Pen(database, clinic_id, seed)
    place = way(pen)
    pen.write()
    return database, place, pen


def test_200_random_tamperings_are_all_found_and_the_first_altered_entry_is_named(
    original, tmp_path
):
    """Digests made anew leave the altered entry between two checkpoints; all else is exact."""
    for seed in range(TAMPERINGS):
        way = WAYS[seed % len(WAYS)]
        database, place, pen = tampered(original, tmp_path, way, seed)
        fault = chain_of(database, original[1], KEYS).fault
        database.close()
        assert fault is not None, (way.__name__, seed)
        if fault.what == proof.REWRITTEN:
            assert fault.since <= place <= fault.place, (way.__name__, seed)
            assert sum(fault.since <= signed <= fault.place for signed in pen.signed) == 1
        else:
            assert fault.place == fault.since == place, (way.__name__, seed)


@pytest.mark.parametrize("way", [Pen.cut, Pen.rewrite])
def test_without_checkpoints_a_cut_or_rewritten_chain_would_not_be_found(original, tmp_path, way):
    """Planted fault: checkpoints that nobody compares."""
    found = []
    for seed in range(20):
        database, _, _ = tampered(original, tmp_path, way, seed)
        chain = chain_of(database, original[1], KEYS)
        blind = Chain({}, KEYS)
        with database.work() as db:
            entries = list(db.scalars(sa.select(Entry).order_by(Entry.place)))
            head = db.scalars(sa.select(Head)).one()
        blind.follow((link_of(_row(entry)), entry.digest) for entry in entries)
        blind.end(head.place, head.digest)
        found.append((chain.fault is None, blind.fault is None))
        database.close()
    assert not any(missed for missed, _ in found)
    assert any(missed for _, missed in found)


def test_a_head_that_was_moved_or_removed_is_found(original, tmp_path):
    for seed, (change, what) in enumerate([
        (sa.update(Head).values(place=Head.place + 1), proof.CUT),
        (sa.update(Head).values(place=Head.place - 1), proof.BEYOND_END),
        (sa.update(Head).values(digest="0" * 64), proof.REWRITTEN),
        (sa.delete(Head), proof.BEYOND_END),
    ]):  # fmt: skip
        database, _, _ = tampered(original, tmp_path, lambda pen: len(pen.rows), 1_000 + seed)
        with database.work() as db:
            db.execute(change)
        fault = chain_of(database, original[1], KEYS).fault
        assert fault is not None
        assert fault.what == what
        database.close()


FORGED = {
    "signature": lambda one: SigningKey.generate().sign(one.said),
    "digest": lambda _: "f" * 64,
    "key_id": lambda _: SigningKey.generate().id,
    "at": lambda one: one.at + MINUTE,
}


@pytest.mark.parametrize("column", FORGED)
def test_a_checkpoint_that_is_not_signed_by_a_key_that_counts_is_found(original, tmp_path, column):
    """Planted fault: a checkpoint that is not signed."""
    database, _, _ = tampered(original, tmp_path, lambda pen: 0, 2_000)
    with database.work() as db:
        first = db.scalars(sa.select(Checkpoint).order_by(Checkpoint.place)).first()
        assert first is not None
        changed = {column: FORGED[column](first)}
        db.execute(sa.update(Checkpoint).where(Checkpoint.place == first.place).values(changed))
    fault = chain_of(database, original[1], KEYS).fault
    assert fault is not None
    assert (fault.what, fault.place) == (proof.UNSIGNED, first.place)
    database.close()


def test_what_is_added_while_a_chain_is_read_is_read_too(clinic, database):
    """Planted fault: an end of the chain that is compared with what was read before."""
    clinic.raises("T1")
    once = iter([clinic.raises])
    read: list[int] = []

    def tell(count: int) -> None:
        read.append(count)
        for add in once:
            add("T1")

    chain = reading.check(database, clinic.id, KEYS, tell)
    assert (chain.fault, chain.place, read) == (None, 4, [2, 2])


def test_each_minute_in_which_something_was_added_the_end_is_signed(clinic, database):
    clinic.raises("T1")
    assert sign_ends(database, KEY)
    assert not sign_ends(database, KEY)
    clinic.raises("T1")
    assert not sign_ends(database, KEY)
    clinic.later(60)
    assert sign_ends(database, KEY)
    clinic.later(60)
    assert not sign_ends(database, KEY)
    with database.work() as db:
        signed = list(db.scalars(sa.select(Checkpoint).order_by(Checkpoint.place)))
    assert [(one.place, one.at) for one in signed] == [(2, START), (4, START + MINUTE)]
    assert all(KEYS.signed(one.said, KEY.id, one.signature) for one in signed)


def test_without_a_key_nothing_is_signed(clinic, database):
    clinic.raises("T1")
    assert not sign_ends(database, None)


def test_a_checkpoint_is_told_to_the_log_which_is_kept_elsewhere(clinic, database, capsys):
    logs.configure()
    clinic.raises("T1")
    sign_ends(database, KEY)
    said = capsys.readouterr().err
    assert '"timeline_checkpoint"' in said
    with database.work() as db:
        one = db.scalars(sa.select(Checkpoint)).one()
    assert one.signature in said
    assert "refused_fields" not in said
    assert one.said[0] == checkpoint.FORMAT


def test_a_link_is_what_the_chain_is_made_of():
    """Every column but the digest itself is bound by it."""
    columns = {column.name for column in Entry.__table__.columns}
    assert set(Link._fields) == columns - {"digest"}
