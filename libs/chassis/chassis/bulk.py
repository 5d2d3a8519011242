"""Many rows of one mapped class in one statement, for whoever knows a whole batch of them at once.

PostgreSQL is handed them as one JSON text: no round trip and no parameter a row. SQLite, which
has no round trips, runs its own statement for each.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from chassis.database import Session
from chassis.refusals import Forbidden

Row = Mapping[str, Any]


def insert_all(db: Session, mapped: Any, rows: Iterable[Row]) -> None:
    """Insert rows, completed by the defaults of their columns; all must name the same columns.

    Raises Forbidden for a row of a clinic that the session does not see.
    """
    table: sa.Table = mapped.__table__
    complete = _completed(table, rows)
    if not complete:
        return
    if db.clinics is not None and not {row.get("clinic_id") for row in complete} <= db.clinics:
        raise Forbidden("other_clinic")
    if not _is_postgresql(db):
        db.connection().execute(sa.insert(table), complete)
        return
    names = ", ".join(f'"{name}"' for name in complete[0])
    statement = f"INSERT INTO {table.name} ({names}) SELECT {names} FROM {{new}}"
    _hand_over(db, statement, complete, table)


def update_all(db: Session, mapped: Any, rows: Sequence[Row]) -> None:
    """Update rows by their `id`, in a transaction of the service itself that holds their locks; all
    must name the same columns."""
    assert db.clinics is None
    table: sa.Table = mapped.__table__
    if not rows:
        return
    if not _is_postgresql(db):
        by_id = sa.update(table).where(table.c.id == sa.bindparam("_id"))
        named = [{"_id" if name == "id" else name: row[name] for name in row} for row in rows]
        db.connection().execute(by_id, named)
        return
    assigned = ", ".join(f'"{name}" = new."{name}"' for name in rows[0] if name != "id")
    statement = f"UPDATE {table.name} SET {assigned} FROM {{new}} WHERE {table.name}.id = new.id"
    _hand_over(db, statement, rows, table)


def _completed(table: sa.Table, rows: Iterable[Row]) -> list[Row]:
    defaults: dict[str, Any] = {c.name: c.default for c in table.columns if c.default is not None}
    same = {name: one.arg for name, one in defaults.items() if one.is_scalar}
    made = {name: one.arg for name, one in defaults.items() if one.is_callable}
    return [{**same, **{name: make(None) for name, make in made.items()}, **row} for row in rows]


def _hand_over(db: Session, statement: str, rows: Sequence[Row], table: sa.Table) -> None:
    dialect = db.connection().dialect
    columns = ", ".join(f'"{n}" {table.c[n].type.compile(dialect=dialect)}' for n in rows[0])
    new = f"json_to_recordset(CAST(:rows AS json)) AS new ({columns})"
    written = json.dumps(rows, default=str)
    db.connection().execute(sa.text(statement.format(new=new)), {"rows": written})


def _is_postgresql(db: Session) -> bool:
    return db.connection().dialect.name == "postgresql"
