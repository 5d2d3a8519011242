"""Who works in the clinic of the browser's tests, and who is in its care."""

from uuid import UUID

from evenkeel_ops.issuer import Somebody

NORTH = UUID(int=1)


def _member(number: int, name: str, role: str) -> Somebody:
    return Somebody(name=f"{name} {number}", role=role, id=UUID(int=100 + number), clinics=(NORTH,))


ON_CALL, BACKUP, SUPERVISOR, LEAD, AUDITOR, SCHEDULER = STAFF = [
    _member(1, "On call", "clinician"),
    _member(2, "Backup", "clinician"),
    _member(3, "Supervisor", "supervisor"),
    _member(4, "Crisis lead", "crisis_lead"),
    _member(5, "Auditor", "auditor"),
    _member(6, "Scheduler", "scheduler"),
]
RUNGS = ([ON_CALL], [BACKUP], [SUPERVISOR, LEAD])
CARED_FOR = range(17, 77)
