"""Details of people: names, birth dates, numbers and addresses, encrypted wherever they are kept.

Each is owned by one service and never rides on an event. An event says that a detail changed and
its version; a service that must be able to call somebody wants a copy, fetches it from the owner
outside any handler, and keeps it under a key of that person, whose destruction erases them.
"""

import json
import os
from collections.abc import Collection
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chassis.announce import uuid7
from chassis.database import Database, Session, insert_into
from chassis.logs import log
from chassis.metrics import DETAILS
from chassis.peers import Peers, PeerUnreachable
from chassis.refusals import NotFound
from chassis.tables import details, person_keys, reads

NONCE_BYTES = 12
FETCH_SECONDS = 1.0
FETCH_LIMIT = 50

Details = dict[str, Any]


class Vault:
    """Seals and opens details with the service's key-encryption key of 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._wrapping = AESGCM(key)

    def keep(
        self, db: Session, person_id: UUID, *, clinic_id: UUID, owner: str, version: int,
        content: Details,
    ) -> None:  # fmt: skip
        """Store a version of somebody's details, unless a newer one is here already."""
        key = self._key(db, person_id, clinic_id)
        bound_to = _bound_to(person_id, clinic_id, owner, version)
        row = {
            "person_id": person_id,
            "clinic_id": clinic_id,
            "owner": owner,
            "version": version,
            "wanted_version": version,
            "sealed": _seal(AESGCM(key), json.dumps(content).encode(), bound_to),
        }
        insert = insert_into(db, details).values(row)
        db.connection().execute(
            insert.on_conflict_do_update(
                index_elements=["person_id"],
                set_={name: insert.excluded[name] for name in ("version", "sealed")},
                where=details.c.version < version,
            )
        )

    def open(self, db: Session, person_id: UUID) -> Details | None:
        """Somebody's details, or None where there are none yet or they have been erased."""
        return self.open_all(db, [person_id]).get(person_id)

    def open_all(self, db: Session, people: Collection[UUID]) -> dict[UUID, Details]:
        """The details of those of whom there are any, in one query."""
        rows = db.execute(
            sa.select(details, person_keys.c.wrapped)
            .join(person_keys, person_keys.c.person_id == details.c.person_id)
            .where(details.c.person_id.in_(people), details.c.sealed.is_not(None))
            .where(*_of_own_clinics(db))
        )
        return {row.person_id: self._opened(row) for row in rows}

    def _opened(self, row: Any) -> Details:
        key = _unseal(self._wrapping, row.wrapped, row.person_id.bytes)
        bound_to = _bound_to(row.person_id, row.clinic_id, row.owner, row.version)
        return json.loads(_unseal(AESGCM(key), row.sealed, bound_to))

    def erase(self, db: Session, person_id: UUID) -> None:
        """Destroy a person's key: what was sealed with it is gone, backups included."""
        db.connection().execute(sa.delete(person_keys).where(person_keys.c.person_id == person_id))

    def seal(
        self, db: Session, person_id: UUID, content: Details, *, clinic_id: UUID, what: str,
        version: int,
    ) -> bytes:  # fmt: skip
        """Content for a column of one's own, under the person's key, bound to what it is of."""
        key = AESGCM(self._key(db, person_id, clinic_id))
        bound_to = _bound_to(person_id, clinic_id, what, version)
        return _seal(key, json.dumps(content).encode(), bound_to)

    def unseal(
        self, db: Session, person_id: UUID, sealed: bytes, *, clinic_id: UUID, what: str,
        version: int,
    ) -> Details | None:  # fmt: skip
        """What `seal` sealed, or None once the person has been erased."""
        kept = sa.select(person_keys.c.wrapped).where(person_keys.c.person_id == person_id)
        wrapped = db.connection().execute(kept).scalar_one_or_none()
        if wrapped is None:
            return None
        key = AESGCM(_unseal(self._wrapping, wrapped, person_id.bytes))
        return json.loads(_unseal(key, sealed, _bound_to(person_id, clinic_id, what, version)))

    def _key(self, db: Session, person_id: UUID, clinic_id: UUID) -> bytes:
        fresh = AESGCM.generate_key(256)
        wrapped = _seal(self._wrapping, fresh, person_id.bytes)
        row = {"person_id": person_id, "clinic_id": clinic_id, "wrapped": wrapped}
        connection = db.connection()
        connection.execute(insert_into(db, person_keys).values(row).on_conflict_do_nothing())
        kept = sa.select(person_keys.c.wrapped).where(person_keys.c.person_id == person_id)
        return _unseal(self._wrapping, connection.execute(kept).scalar_one(), person_id.bytes)


def want(db: Session, person_id: UUID, *, clinic_id: UUID, owner: str, version: int) -> None:
    """Say that this service needs a copy of somebody's details, at least of this version."""
    row = {
        "person_id": person_id,
        "clinic_id": clinic_id,
        "owner": owner,
        "version": 0,
        "wanted_version": version,
    }
    insert = insert_into(db, details).values(row)
    db.connection().execute(
        insert.on_conflict_do_update(
            index_elements=["person_id"],
            set_={"wanted_version": version},
            where=details.c.wanted_version < version,
        )
    )


def hand_out(db: Session, vault: Vault, person_id: UUID, *, to: str) -> tuple[int, Details]:
    """Version and details for another service, audited. Raises NotFound."""
    version = db.execute(
        sa.select(details.c.version, details.c.clinic_id).where(details.c.person_id == person_id)
    ).one_or_none()
    content = vault.open(db, person_id)
    if version is None or content is None:
        raise NotFound("details", person_id=str(person_id))
    db.connection().execute(
        sa.insert(reads).values(
            id=uuid7(),
            clinic_id=version.clinic_id,
            at=db.now,
            by=f"service:{to}",
            role="service",
            operation="hand_out_details",
            subject=f"person/{person_id}",
        )
    )
    return version.version, content


class Fetcher:
    """Fetches wanted details from their owners, outside any handler."""

    def __init__(self, database: Database, vault: Vault, peers: Peers) -> None:
        self.database = database
        self.vault = vault
        self.peers = peers

    def fetch_wanted(self) -> bool:
        """Fetch what is wanted now, in any order: nobody waits for ever behind somebody whose
        owner is silent or has forgotten them. Returns whether any arrived."""
        with self.database.work() as db:
            wanted = db.execute(
                sa.select(details.c.person_id, details.c.clinic_id, details.c.owner)
                .where(details.c.version < details.c.wanted_version)
                .order_by(sa.func.random())
                .limit(FETCH_LIMIT)
            ).all()
        arrived, silent = 0, set[str]()
        for person_id, clinic_id, owner in wanted:
            if owner not in silent:
                arrived += self._fetch(person_id, clinic_id, owner, silent)
        return arrived > 0

    def _fetch(self, person_id: UUID, clinic_id: UUID, owner: str, silent: set[str]) -> bool:
        service = self.database.service
        try:
            version, content = self.peers.details(owner, person_id)
        except (PeerUnreachable, NotFound) as failure:
            log.warning("details_not_fetched", service=service, source=owner, reason=str(failure))
            DETAILS.labels(service, "failed").inc()
            if isinstance(failure, PeerUnreachable):
                silent.add(owner)
            return False
        with self.database.work() as db:
            self.vault.keep(
                db, person_id, clinic_id=clinic_id, owner=owner, version=version, content=content
            )
        DETAILS.labels(service, "fetched").inc()
        return True


def _of_own_clinics(db: Session) -> list[sa.ColumnElement[bool]]:
    """SQLite has no row-level security; Core statements repeat the session's filter."""
    return [] if db.clinics is None else [details.c.clinic_id.in_(db.clinics)]


def _bound_to(person_id: UUID, clinic_id: UUID, owner: str, version: int) -> bytes:
    return f"{clinic_id}/{person_id}/{owner}/{version}".encode()


def _seal(key: AESGCM, plain: bytes, bound_to: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + key.encrypt(nonce, plain, bound_to)


def _unseal(key: AESGCM, sealed: bytes, bound_to: bytes) -> bytes:
    return key.decrypt(bytes(sealed[:NONCE_BYTES]), bytes(sealed[NONCE_BYTES:]), bound_to)
