"""Where a participant said to be at today's log-in: a sealed copy, so that sessions is not needed
when somebody must be sent there."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from catalogue.sessions import ParticipantLoggedIn
from chassis.backbone import Runtime
from chassis.database import OfClinic, Session, insert_into
from chassis.details import Details, Vault
from chassis.logs import log
from chassis.peers import PeerUnreachable
from chassis.refusals import NotFound
from crisis.tables import Base

OWNER = "sessions"
FETCH_SECONDS = 1.0
FETCH_LIMIT = 50


class Whereabouts(OfClinic, Base):
    """The newest whereabouts that were announced, and what has been fetched of them."""

    __tablename__ = "whereabouts"

    participant_id: Mapped[UUID] = mapped_column(primary_key=True)
    wanted_version: Mapped[int]
    version: Mapped[int] = mapped_column(default=0)
    sealed: Mapped[bytes | None]


def ask(db: Session, said: ParticipantLoggedIn) -> None:
    """Say that this version is wanted."""
    row = {
        "participant_id": said.participant_id,
        "clinic_id": said.clinic_id,
        "wanted_version": said.whereabouts_version,
        "version": 0,
    }
    insert = insert_into(db, Whereabouts).values(row)
    newer = insert.on_conflict_do_update(
        index_elements=["participant_id"],
        set_={"wanted_version": said.whereabouts_version},
        where=Whereabouts.wanted_version < said.whereabouts_version,
    )
    db.connection().execute(newer)


def fetch(runtime: Runtime) -> bool:
    """Fetch what is wanted, in any order, so that nobody waits behind another for ever. Returns
    whether any arrived."""
    with runtime.database.work() as db:
        wanted = db.execute(
            sa.select(Whereabouts.participant_id, Whereabouts.clinic_id)
            .where(Whereabouts.version < Whereabouts.wanted_version)
            .order_by(sa.func.random())
            .limit(FETCH_LIMIT)
        ).all()
    arrived = 0
    for participant_id, clinic_id in wanted:
        try:
            version, content = runtime.peers.details(OWNER, participant_id)
        except (PeerUnreachable, NotFound) as failure:
            log.warning("details_not_fetched", source=OWNER, reason=str(failure))
            return arrived > 0
        with runtime.database.work() as db:
            keep(db, runtime.vault, participant_id, clinic_id, version, content)
        arrived += 1
    return arrived > 0


def keep(
    db: Session, vault: Vault, participant_id: UUID, clinic_id: UUID, version: int, content: Details
) -> None:
    """Keep a version, unless a newer one is here already."""
    about = {"clinic_id": clinic_id, "what": OWNER, "version": version}
    sealed = vault.seal(db, participant_id, content, **about)
    newer = (Whereabouts.participant_id == participant_id) & (Whereabouts.version < version)
    db.execute(sa.update(Whereabouts).where(newer).values(version=version, sealed=sealed))


def latest(db: Session, vault: Vault, participant_id: UUID) -> dict[str, Any] | None:
    """What is known of where somebody is, and since when; None where nothing is."""
    row = db.get(Whereabouts, participant_id)
    if row is None or row.sealed is None:
        return None
    said = vault.unseal(
        db, participant_id, row.sealed, clinic_id=row.clinic_id, what=OWNER, version=row.version
    )
    if said is None:
        return None
    return {**said, "confirmed_at": datetime.fromisoformat(said["confirmed_at"])}
