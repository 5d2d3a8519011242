"""What a person who calls emergency services, or the emergency contact, needs before them.

All of it is here already: nothing is asked of another service, and what could not be had is named
as missing instead of being waited for. Calling is a person's decision; nobody is called by opening
a packet, and to whom it was read out, on what basis, is said by that person afterwards.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag

from chassis.database import Session
from chassis.details import Details, Vault
from chassis.logs import log, where
from chassis.refusals import NotFound
from crisis import case as cases
from crisis.case import Case, Risk
from crisis.packet import call_centre, whereabouts
from crisis.plan import plan
from crisis.timeline import record

OLD_AFTER = timedelta(hours=4)
"""A place that was confirmed longer ago is shown as old. Domain page I13 of this project."""

TOLD_TO = ("emergency_services", "emergency_contact")

NEEDED = ("name", "birth_on", "phone", "place", "callback_number", "emergency_contact",
          "call_centre", "plan")  # fmt: skip
"""What is named as missing where it is not known."""


def packet(db: Session, vault: Vault, case_id: UUID) -> dict[str, Any]:
    """The packet of a case. Raises NotFound."""
    case = db.get(Case, case_id)
    if case is None:
        raise NotFound("case", case_id=str(case_id))
    person = _opened(lambda: vault.open(db, case.participant_id)) or {}
    place = _opened(lambda: whereabouts.latest(db, vault, case.participant_id)) or {}
    written = _opened(lambda: plan.newest(db, vault, case.participant_id))
    state = place.get("state") or person.get("state")
    told = {
        **_about(case),
        "risks": _risks(db, case_id),
        **_who(person),
        **_where(place, db.now),
        "plan": written,
        "call_centre_state": state,
        "call_centre": call_centre.number_of(db, case.clinic_id, state),
    }
    return {**told, "missing": [name for name in NEEDED if not told[name]]}


def tell(db: Session, case_id: UUID, *, to: str, basis: str, by: str, at: datetime) -> Case:
    """Say to whom the packet was read out, and on what basis."""
    case = cases.locked(db, case_id)
    record(db, case, "packet_told", by=by, at=at, to=to, basis=basis)
    return case


def _opened(open_: Any) -> Details | None:
    """What cannot be opened is missing, and holds up nothing else."""
    try:
        return open_()
    except InvalidTag as failure:
        log.error("details_do_not_open", error=where(failure))
        return None


def _about(case: Case) -> dict[str, Any]:
    return {
        "case_id": case.id,
        "clinic_id": case.clinic_id,
        "participant_id": case.participant_id,
        "code": case.code,
        "tier": case.tier,
        "state": case.state,
        "opened_at": case.opened_at,
    }


def _risks(db: Session, case_id: UUID) -> list[dict[str, Any]]:
    found = sa.select(Risk).where(Risk.case_id == case_id).order_by(Risk.noticed_at.desc())
    return [
        {"tier": risk.tier, "trigger": risk.trigger, "noticed_at": risk.noticed_at}
        for risk in db.scalars(found)
    ]


def _who(person: Details) -> dict[str, Any]:
    names = [person.get(name) for name in ("given_name", "family_name")]
    return {
        "name": " ".join(filter(None, names)) or None,
        "birth_on": person.get("birth_on"),
        "phone": person.get("phone"),
        "home_address": person.get("address"),
        "emergency_contact": person.get("emergency_contact"),
    }


def _where(place: Details, now: datetime) -> dict[str, Any]:
    confirmed_at = place.get("confirmed_at")
    age = now - confirmed_at if confirmed_at else None
    return {
        "place": place.get("location"),
        "place_state": place.get("state"),
        "callback_number": place.get("callback_number"),
        "present": place.get("present", []),
        "confirmed_at": confirmed_at,
        "place_age_minutes": int(age.total_seconds() // 60) if age else None,
        "place_is_old": bool(age and age > OLD_AFTER),
    }
