"""A case is answered: somebody looks, says "I have it", speaks with the person, and says how it
stands; contact is kept after the day that is shown."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from evenkeel_ops.simulator.act import Act
from evenkeel_ops.simulator.people import Clinician, Participant, ref

TAKEN = ("already_acknowledged", "step_not_allowed", "not_the_next_contact")
"""Somebody who watches may be quicker than the plan; then the case is theirs, for as long as they
do the next thing in time."""


def answered_case(
    one: Participant, responder: Clinician, opened_at: datetime, minutes: tuple[int, int, int],
    opens: str = "opens the page",
) -> Iterator[Act]:  # fmt: skip
    """How a case goes on that a participant's answer opened: after how many minutes it is
    acknowledged, contact is logged, and the assessment is concluded."""

    def act(
        after: int, step: str, says: str, method: str, path: str, part: str = "",
        loud: bool = True, **more: Any,
    ) -> Act:  # fmt: skip
        return Act(
            id=f"{step}{part}-{one.number}", at=opened_at + timedelta(minutes=after), step=step,
            about=one.number, says=f"{responder.name} {says}", role=responder.role,
            person=responder.id, clinic_id=one.clinic.id, method=method, path=path, loud=loud,
            **more,
        )  # fmt: skip

    acknowledged, contacted, concluded = minutes
    case = f"/crisis/cases/{ref(f'case-{one.number}', 'case_id')}"
    cases = f"/crisis/cases?clinic_id={one.clinic.id}&limit=500"
    yield act(acknowledged, "case", opens, "GET", cases, finds="items")
    yield act(
        acknowledged, "acknowledgement", f"has the case of {one.name}", "POST",
        f"{case}/acknowledgement", body={}, tolerates=TAKEN,
    )  # fmt: skip
    says = f"looks whether somebody has the case of {one.name}"
    yield act(
        contacted, "acknowledgement", says, "POST", f"{case}/acknowledgement", body={},
        tolerates=TAKEN, part="_again", loud=False,
    )  # fmt: skip
    says = f"speaks with {one.name}"
    yield act(contacted, "contact", says, "POST", f"{case}/contact", body={}, tolerates=TAKEN)
    body = {
        "disposition": "safety_plan_agreed", "safety_plan": "made", "licence": one.clinic.state,
        "follow_up": "standard",
    }  # fmt: skip
    says = f"agrees on a safety plan with {one.name}"
    path = f"{case}/conclusion"
    yield act(concluded, "conclusion", says, "POST", path, body=body, tolerates=TAKEN)


def kept_contact(one: Participant, responder: Clinician, at: datetime) -> Iterator[Act]:
    """The first contact of a follow-up, before it is overdue."""
    case = f"/crisis/cases/{ref(f'case-{one.number}', 'case_id')}"
    who: dict[str, Any] = {
        "at": at, "about": one.number, "role": responder.role, "person": responder.id,
        "clinic_id": one.clinic.id, "loud": True,
    }  # fmt: skip
    looks = f"look-{one.number}"
    says = f"{responder.name} looks when {one.name} is to be called"
    yield Act(id=looks, step="look", says=says, method="GET", path=case, **who)
    yield Act(
        id=f"follow_up-{one.number}", step="follow_up", method="POST", path=f"{case}/follow-up",
        says=f"{responder.name} calls {one.name} a day after", tolerates=TAKEN,
        body={"due_at": ref(looks, "next_due_at")}, **who,
    )  # fmt: skip
