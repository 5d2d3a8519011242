"""Who people are, for the board: staff by name; participants by name where one may see it."""

from collections.abc import Iterable
from uuid import UUID

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag

from chassis.database import Session
from chassis.details import Details, Vault
from chassis.logs import log, where
from crisis.case import Case
from crisis.paging.page import DESK
from crisis.participant import Participant
from crisis.tables import ENGINE

NOBODYS_NAME = {str(DESK): "the desk", ENGINE: "the ladder"}


def names(db: Session, vault: Vault, people: Iterable[UUID | None]) -> dict[str, str]:
    """Names by id as text. Whose details have not come is known by the beginning of their id."""
    wanted = {person for person in people if person}
    known = _opened(db, vault, wanted)
    called = {str(p): full_name(known.get(p)) or f"staff {str(p)[-6:]}" for p in wanted}
    return {**called, **NOBODYS_NAME}


def author(by: str, called: dict[str, str]) -> str:
    """Who wrote something, as `by` has it."""
    role, _, who = by.partition(":")
    return called.get(by) or called.get(who) or (who if role == "service" else "somebody")


def authors(bys: Iterable[str]) -> set[UUID]:
    """The people among those who wrote."""
    found = (by.partition(":")[2] for by in bys if not by.startswith("service:"))
    return {UUID(who) for who in found if len(who) == len(str(DESK))}


def participant(db: Session, vault: Vault, participant_id: UUID) -> dict[str, str | None]:
    """Name and number of somebody in care, as far as they are known here."""
    known = _opened(db, vault, {participant_id}).get(participant_id)
    return {"name": full_name(known), "phone": (known or {}).get("phone")}


def to_choose_from(db: Session, vault: Vault) -> list[tuple[str, str]]:
    """The participants of one's clinics by name, with the code of a case that is open."""
    ids = db.scalars(sa.select(Participant.id)).all()
    cases = sa.select(Case.participant_id, Case.code).where(Case.state != "closed")
    codes = {row.participant_id: row.code for row in db.execute(cases)}
    known = _opened(db, vault, set(ids))
    listed = [(str(one), _listed(one, known.get(one), codes.get(one))) for one in ids]
    return sorted(listed, key=lambda one: one[1])


def full_name(details: Details | None) -> str | None:
    """Given and family name, as far as they are known."""
    parts = [(details or {}).get(part) for part in ("given_name", "family_name")]
    return " ".join(filter(None, parts)) or None


def _listed(one: UUID, details: Details | None, code: str | None) -> str:
    name = full_name(details) or f"name not known yet, {str(one)[-6:]}"
    return f"{name} (case {code} is open)" if code else name


def _opened(db: Session, vault: Vault, people: set[UUID]) -> dict[UUID, Details]:
    """Details; where they do not open the board goes on without them."""
    try:
        return vault.open_all(db, people)
    except InvalidTag as failure:
        log.error("details_do_not_open", error=where(failure))
        return {}
