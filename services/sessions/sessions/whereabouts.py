"""Where a participant is today, and how to call them back: said at every log-in, sealed.

Sessions owns it; crisis asks for it by its version when somebody has to be sent. The words lie in
the vault under the participant's key, and the row here only counts versions.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from catalogue.codec import instant
from chassis.database import OfClinic, insert_into
from chassis.database import Session as Db
from chassis.details import Vault
from sessions.tables import Base


class Whereabouts(Base, OfClinic):
    """The version of a participant's whereabouts, and when and at whose hand they were given."""

    __tablename__ = "whereabouts"
    participant_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    confirmed_at: Mapped[datetime]
    confirmed_by: Mapped[str] = mapped_column(sa.String(96))


def confirm(
    db: Db,
    vault: Vault,
    participant_id: UUID,
    said: dict[str, Any],
    *,
    clinic_id: UUID,
    by: str,
    at: datetime,
) -> int:
    """Seal what was said about where somebody is now. Returns its version."""
    version = _next_version(db, participant_id, clinic_id, by=by, at=at)
    content = {**said, "confirmed_at": instant(at)}
    vault.keep(
        db, participant_id, clinic_id=clinic_id, owner="sessions", version=version, content=content
    )
    return version


def _next_version(db: Db, participant_id: UUID, clinic_id: UUID, *, by: str, at: datetime) -> int:
    """Counted in SQL: two log-ins of one person at once get two versions."""
    first = {
        "participant_id": participant_id, "clinic_id": clinic_id, "version": 1,
        "confirmed_at": at, "confirmed_by": by,
    }  # fmt: skip
    insert = insert_into(db, Whereabouts).values(first)
    again = {
        "version": Whereabouts.version + 1,
        "confirmed_at": insert.excluded.confirmed_at,
        "confirmed_by": insert.excluded.confirmed_by,
    }
    counted = insert.on_conflict_do_update(index_elements=["participant_id"], set_=again)
    return db.execute(counted.returning(Whereabouts.version)).scalar_one()
