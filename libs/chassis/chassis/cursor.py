"""Cursors: up to which version each subject heard is handled. They order a subject and make a
duplicate harmless, however old; they guard nothing else."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from chassis.database import Session
from chassis.message import Message

Key = tuple[str, str]
REMEMBERED = 8
"""How many ids of handled events a cursor keeps, to notice an id that contradicts one of them."""

_LOCK_POSTGRES = sa.text("""
    WITH wanted AS (
        SELECT * FROM unnest(
            CAST(:sources AS text[]), CAST(:subjects AS text[]), CAST(:clinics AS uuid[])
        ) AS wanted (source, subject, clinic_id)
    ), new AS (
        INSERT INTO cursors (source, subject, clinic_id, version, last_ids, set_aside)
        SELECT source, subject, clinic_id, 0, ''::bytea, false FROM wanted
        ON CONFLICT DO NOTHING
        RETURNING source, subject, clinic_id, version, last_ids, set_aside
    ), known AS (
        SELECT source, subject, cursors.clinic_id, version, last_ids, set_aside
        FROM cursors JOIN wanted USING (source, subject)
        ORDER BY source, subject
        FOR UPDATE OF cursors
    ), accepted AS (
        SELECT source, max(epoch) AS epoch FROM producers GROUP BY source
    )
    SELECT locked.*, epoch, clock_timestamp() AS at
    FROM (SELECT * FROM known UNION ALL SELECT * FROM new) AS locked
    LEFT JOIN accepted USING (source)
""")
_MOVE_POSTGRES = sa.text("""
    UPDATE cursors SET version = new.version, last_ids = decode(new.last_ids, 'hex'),
        set_aside = new.set_aside
    FROM unnest(
        CAST(:sources AS text[]), CAST(:subjects AS text[]), CAST(:versions AS int[]),
        CAST(:last_ids AS text[]), CAST(:set_aside AS boolean[])
    ) AS new (source, subject, version, last_ids, set_aside)
    WHERE cursors.source = new.source AND cursors.subject = new.subject
""")

_INSERT_SQLITE = sa.text("""
    INSERT INTO cursors (source, subject, clinic_id, version, last_ids, set_aside)
    SELECT value ->> 0, value ->> 1, value ->> 2, 0, x'', false FROM json_each(:rows) WHERE true
    ON CONFLICT DO NOTHING
""")
_LOCK_SQLITE = sa.text("""
    SELECT source, subject, clinic_id, version, last_ids, set_aside,
        (SELECT max(epoch) FROM producers WHERE producers.source = cursors.source) AS epoch
    FROM cursors WHERE (source, subject) IN (SELECT value ->> 0, value ->> 1 FROM json_each(:rows))
""")
_MOVE_SQLITE = sa.text("""
    UPDATE cursors SET version = :version, last_ids = :last_ids, set_aside = :set_aside
    WHERE source = :source AND subject = :subject
""")


@dataclass
class Cursor:
    """How far one subject of one producer is handled here.

    `epoch` is the life of the producer's log that is accepted here; None: whichever comes.
    """

    source: str
    subject: str
    clinic_id: UUID
    version: int
    last_ids: bytes
    set_aside: bool
    epoch: int | None
    moved: bool = False

    def accepts(self, message: Message) -> bool:
        """Whether a message is of a life of its producer's log that is accepted here."""
        return self.epoch is None or message.epoch <= self.epoch

    def has(self, message: Message) -> bool:
        """Whether this very event is handled already."""
        known = self._id_at(message.version)
        return message.version <= self.version and known in (None, message.id.bytes)

    def remembers(self, message: Message) -> bool:
        """Whether this very event was handled lately enough for its id to be known."""
        return self._id_at(message.version) == message.id.bytes

    def contradicts(self, message: Message) -> bool:
        """Whether another event was handled as this version."""
        known = self._id_at(message.version)
        return known is not None and known != message.id.bytes

    def move_to(self, message: Message) -> None:
        self.version = message.version
        self.last_ids = (self.last_ids + message.id.bytes)[-16 * REMEMBERED :]
        self.moved = True

    def _id_at(self, version: int) -> bytes | None:
        back = self.version - version
        if back < 0 or 16 * (back + 1) > len(self.last_ids):
            return None
        end = len(self.last_ids) - 16 * back
        return self.last_ids[end - 16 : end]


def key_of(message: Message) -> Key:
    return message.source, message.subject


def lock(session: Session, messages: Iterable[Message]) -> dict[Key, Cursor]:
    """The cursors of these messages' subjects, made where missing, locked in key order.

    A new subject's clinic is that of its earliest event.
    """
    latest_first = sorted(messages, key=lambda message: message.version, reverse=True)
    clinics = {key_of(message): message.clinic_id for message in latest_first}
    keys = sorted(clinics)
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        wanted = {
            "sources": [source for source, _ in keys],
            "subjects": [subject for _, subject in keys],
            "clinics": [str(clinics[key]) for key in keys],
        }
        rows = connection.execute(_LOCK_POSTGRES, wanted).all()
        while len(rows) < len(keys):  # another consumer made one meanwhile
            rows = connection.execute(_LOCK_POSTGRES, wanted).all()
        session.settle(rows[0].at)
    else:
        wanted = {"rows": json.dumps([[*key, clinics[key].hex] for key in keys])}
        connection.execute(_INSERT_SQLITE, wanted)
        rows = connection.execute(_LOCK_SQLITE, wanted)
    return {(row.source, row.subject): _cursor(row) for row in rows}


def _cursor(row: Any) -> Cursor:
    clinic_id = row.clinic_id if isinstance(row.clinic_id, UUID) else UUID(row.clinic_id)
    last_ids, set_aside = bytes(row.last_ids), bool(row.set_aside)
    return Cursor(row.source, row.subject, clinic_id, row.version, last_ids, set_aside, row.epoch)


def move(session: Session, cursors: Iterable[Cursor]) -> None:
    """Write the cursors that moved, or behind which something was set aside."""
    changed = [c for c in cursors if c.moved or c.set_aside]
    if not changed:
        return
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        columns = {
            "sources": [c.source for c in changed],
            "subjects": [c.subject for c in changed],
            "versions": [c.version for c in changed],
            "last_ids": [c.last_ids.hex() for c in changed],
            "set_aside": [c.set_aside for c in changed],
        }
        connection.execute(_MOVE_POSTGRES, columns)
    else:
        rows = [
            {"source": c.source, "subject": c.subject, "version": c.version,
             "last_ids": c.last_ids, "set_aside": c.set_aside}
            for c in changed
        ]  # fmt: skip
        connection.execute(_MOVE_SQLITE, rows)
