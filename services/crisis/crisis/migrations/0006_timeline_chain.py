"""One chain of all entries of a clinic, instead of one a case, with its signed checkpoints; and
no role may do more with an entry than add and read it."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from chassis.announce import uuid7
from chassis.database import Instant
from chassis.migrations import protect

revision = "crisis_0006"
down_revision = "crisis_0005"

APPEND_ONLY = ("case_timeline", "case_timeline_checkpoints")
BEGINNING = "0" * 64

ENTRY = ("clinic_id", "case_id", "position", "at", "what", "by", "facts")


def upgrade() -> None:
    entries = _entries()
    op.drop_table("case_timeline")
    op.drop_column("cases", "chain")
    timeline = op.create_table(
        "case_timeline",
        sa.Column("clinic_id", sa.Uuid, primary_key=True),
        sa.Column("place", sa.BigInteger, primary_key=True, autoincrement=False),
        *_told(),
    )
    heads = op.create_table(
        "case_timeline_heads",
        sa.Column("clinic_id", sa.Uuid, primary_key=True),
        sa.Column("place", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
    )
    op.create_table(
        "case_timeline_checkpoints",
        sa.Column("clinic_id", sa.Uuid, primary_key=True),
        sa.Column("place", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("key_id", sa.String(64), nullable=False),
        sa.Column("signature", sa.String(128), nullable=False),
    )
    ends = _chain_by_clinic(entries)
    op.bulk_insert(timeline, entries)
    op.bulk_insert(heads, ends)
    for table in APPEND_ONLY:
        _only_append(table)
    protect(op, "crisis", *APPEND_ONLY, requests_may="SELECT, INSERT")
    protect(op, "crisis", "case_timeline_heads", requests_may="SELECT, INSERT, UPDATE")
    if _on_postgresql():
        for table in APPEND_ONLY:
            op.execute(f"REVOKE UPDATE, DELETE ON {table} FROM crisis_work")
        op.execute("REVOKE DELETE ON case_timeline_heads FROM crisis_work")


def downgrade() -> None:
    entries = _entries()
    for table in ("case_timeline_checkpoints", "case_timeline_heads", "case_timeline"):
        op.drop_table(table)
    if _on_postgresql():
        op.execute("DROP FUNCTION case_timeline_checkpoints_is_append_only()")
    timeline = op.create_table(
        "case_timeline",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("clinic_id", sa.Uuid, nullable=False, index=True),
        *_told(),
    )
    chain = sa.Column("chain", sa.String(64), nullable=False, server_default=BEGINNING)
    op.add_column("cases", chain)
    cases = sa.table("cases", sa.column("id", sa.Uuid), sa.column("chain", sa.String))
    _show_to_owner("cases")
    for case_id, digest in _chain_by_case(entries).items():
        op.execute(sa.update(cases).where(cases.c.id == case_id).values(chain=digest))
    _hide_from_owner("cases")
    op.bulk_insert(timeline, entries)
    _only_append("case_timeline")
    protect(op, "crisis", "case_timeline", requests_may="SELECT, INSERT")


def _told() -> list[Any]:
    return [
        sa.Column("case_id", sa.Uuid, sa.ForeignKey("cases.id"), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("what", sa.String(32), nullable=False),
        sa.Column("by", sa.String(96), nullable=False),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.UniqueConstraint("case_id", "position", name=op.f("uq_case_timeline_case_id_position")),
    ]


def _entries() -> list[dict[str, Any]]:
    """Every entry there is, those of a case in their order, and cases in the order of time."""
    _show_to_owner("case_timeline")
    types = {"clinic_id": sa.Uuid, "case_id": sa.Uuid, "at": Instant, "facts": sa.JSON}
    table = sa.table("case_timeline", *(sa.column(name, types.get(name)) for name in ENTRY))
    rows = op.get_bind().execute(sa.select(table).order_by("case_id", "position"))
    latest: dict[Any, datetime] = {}
    placed = []
    for row in rows.mappings():
        at = latest[row["case_id"]] = max(row["at"], latest.get(row["case_id"], row["at"]))
        placed.append((at, row["case_id"], row["position"], dict(row)))
    return [entry for *_, entry in sorted(placed, key=lambda one: one[:3])]


def _chain_by_clinic(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give each entry its place and digest. Returns the end of each clinic's chain."""
    ends: dict[Any, tuple[int, str]] = defaultdict(lambda: (0, BEGINNING))
    for entry in entries:
        place, before = ends[entry["clinic_id"]]
        told = [
            before, str(entry["clinic_id"]), place + 1, str(entry["case_id"]), entry["position"],
            _instant(entry["at"]), entry["what"], entry["by"], entry["facts"],
        ]  # fmt: skip
        said = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        entry |= {"place": place + 1, "digest": hashlib.sha256(said.encode()).hexdigest()}
        ends[entry["clinic_id"]] = (place + 1, entry["digest"])
    return [{"clinic_id": c, "place": end[0], "digest": end[1]} for c, end in ends.items()]


def _chain_by_case(entries: Iterable[dict[str, Any]]) -> dict[Any, str]:
    """Give each entry an id and a digest as before. Returns the end of each case's chain."""
    ends: dict[Any, str] = defaultdict(lambda: BEGINNING)
    for entry in entries:
        told = [
            ends[entry["case_id"]], str(entry["case_id"]), entry["position"],
            _instant(entry["at"]), entry["what"], entry["by"], entry["facts"],
        ]  # fmt: skip
        digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
        entry |= {"id": uuid7(), "digest": digest}
        ends[entry["case_id"]] = digest
    return ends


def _show_to_owner(table: str) -> None:
    """The owner sees no rows of any clinic while row-level security is forced."""
    if _on_postgresql():
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")


def _hide_from_owner(table: str) -> None:
    if _on_postgresql():
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _on_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _only_append(table: str) -> None:
    if _on_postgresql():
        op.execute(
            f"CREATE OR REPLACE FUNCTION {table}_is_append_only() RETURNS trigger LANGUAGE plpgsql"
            f" AS $$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION {table}_is_append_only()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table}"
            f" BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )
