"""Checkpoints: each minute the end of every chain that has grown is signed, so that whoever can
write to the database still cannot rewrite what was chained, nor cut it off, without being found.

A checkpoint is a row, and a line in the log of the process, which is kept elsewhere.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from catalogue.codec import instant
from chassis.database import Database, OfClinic, Session, insert_into
from chassis.logs import log
from crisis.record.signing import SigningKey
from crisis.tables import Base
from crisis.timeline import Head

FORMAT = "evenkeel.crisis.checkpoint.v1"
EVERY = timedelta(minutes=1)
LOOK_SECONDS = 10.0


class Checkpoint(OfClinic, Base):
    """The digest at a place of a clinic's chain, signed."""

    __tablename__ = "case_timeline_checkpoints"

    clinic_id: Mapped[UUID] = mapped_column(primary_key=True)
    place: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    digest: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    key_id: Mapped[str] = mapped_column(String(64))
    signature: Mapped[str] = mapped_column(String(128))

    @property
    def said(self) -> list[Any]:
        """What the signature is over."""
        return [FORMAT, str(self.clinic_id), self.place, self.digest, instant(self.at)]


def sign_ends(database: Database, key: SigningKey | None) -> bool:
    """Sign the end of each chain that has grown for a minute or longer since its last checkpoint.

    Any number of processes may: of two that sign the same end, one has the row. Returns whether
    anything was signed.
    """
    if key is None:
        return False
    with database.work() as db:
        signed = [_signed(head, key, db.now) for head in _unsigned_ends(db)]
        for one in signed:
            _put(db, one)
    for one in signed:
        log.info(
            "timeline_checkpoint", clinic_id=str(one.clinic_id), position=one.place,
            digest=one.digest, at=instant(one.at), key_id=one.key_id, signature=one.signature,
        )  # fmt: skip
    return bool(signed)


def _unsigned_ends(db: Session) -> Sequence[Head]:
    place, at = _newest(Checkpoint.place), _newest(Checkpoint.at)
    grown = Head.place > sa.func.coalesce(place, 0)
    return db.scalars(
        sa.select(Head).where(grown, sa.or_(at.is_(None), at <= db.now - EVERY))
    ).all()


def _newest(column: Any) -> sa.ScalarSelect[Any]:
    """This column of the newest checkpoint of a chain, by the primary key."""
    of_chain = sa.select(column).where(Checkpoint.clinic_id == Head.clinic_id)
    return of_chain.order_by(Checkpoint.place.desc()).limit(1).correlate(Head).scalar_subquery()


def _signed(head: Head, key: SigningKey, at: datetime) -> Checkpoint:
    one = Checkpoint(
        clinic_id=head.clinic_id, place=head.place, digest=head.digest, at=at, key_id=key.id
    )
    one.signature = key.sign(one.said)
    return one


def _put(db: Session, one: Checkpoint) -> None:
    row = {column.name: getattr(one, column.name) for column in Checkpoint.__table__.columns}
    insert = insert_into(db, Checkpoint).values(row)
    db.connection().execute(insert.on_conflict_do_nothing())
