"""Synthetic people, numbered and never named; the same seed makes the same people."""

from dataclasses import dataclass, field
from datetime import date
from random import Random
from typing import Protocol
from uuid import UUID

PLACES = (
    ("NY", "America/New_York"),
    ("IL", "America/Chicago"),
    ("CA", "America/Los_Angeles"),
)
GROUP = 8
STARTS = ("09:00", "13:00")
ON_CALL = ("on_call", "backup", "supervisor", "crisis_lead")
OFFICE = ("scheduler", "clinic_admin", "auditor")
ROLE_OF = {"supervisor": "supervisor", "crisis_lead": "crisis_lead"}

NOT_SAFE, URGE, ITEM_9 = "not_safe", "urge", "item_9"
"""Who will be in danger: says so at the check-in, has a strong urge, answers item 9 of PHQ-9 and
then yes to the first item of the suicide screen that this asks for."""


def ref(act_id: str, member: str) -> str:
    """Stands for what the answer to an earlier act will say."""
    return f"{{{act_id}.{member}}}"


class Person(Protocol):
    """Somebody who acts."""

    @property
    def id(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def clinic(self) -> "Clinic": ...


@dataclass(frozen=True, kw_only=True)
class Clinic:
    """A clinic, with the ids of those in its office by their role."""

    number: int
    id: str
    state: str
    zone: str
    office: dict[str, str] = field(compare=False)

    def staff(self, role: str) -> "OfficeStaff":
        """Who works in the office in this role."""
        return OfficeStaff(id=self.office[role], role=role, clinic=self)


@dataclass(frozen=True, kw_only=True)
class OfficeStaff:
    """Somebody who is not licensed and whom no service registers."""

    id: str
    role: str
    clinic: Clinic

    @property
    def name(self) -> str:
        return f"{self.role.replace('_', ' ')} of clinic {self.clinic.number}"


@dataclass(frozen=True, kw_only=True)
class Clinician:
    """A member of the staff: leads a group, or stands on the rota."""

    number: int
    clinic: Clinic
    post: str

    @property
    def role(self) -> str:
        return ROLE_OF.get(self.post, "clinician")

    @property
    def id(self) -> str:
        return ref(f"clinician-{self.number}", "clinician_id")

    @property
    def name(self) -> str:
        return f"{self.post.replace('_', ' ')} {self.number}"


@dataclass(frozen=True, kw_only=True)
class Participant:
    """Somebody in care, and how their day will go. Minutes count from the start of the group."""

    number: int
    clinic: Clinic
    born_on: date
    answers: dict[str, dict[str, int]] = field(repr=False)
    danger: str | None
    comes_at: int | None
    leaves_at: int | None
    mood: int
    urge: int
    sleep_hours: int
    hands_in_after: int | None
    role: str = "participant"

    @property
    def id(self) -> str:
        return ref(f"referral-{self.number}", "participant_id")

    @property
    def name(self) -> str:
        return f"participant {self.number}"


@dataclass(frozen=True, kw_only=True)
class Cohort:
    """A group, its facilitator, and when its days begin on the clinic's clocks."""

    number: int
    clinic: Clinic
    facilitator: Clinician
    members: tuple[Participant, ...]
    starts_local: str


class Cast:
    """Everybody who plays in a day."""

    def __init__(self, seed: int, clinics: int, participants: int) -> None:
        self._random = Random(seed)
        self.clinics = [self._clinic(number) for number in range(1, clinics + 1)]
        self.participants = [self._participant(n) for n in range(1, participants + 1)]
        self.clinicians: list[Clinician] = []
        self.on_call = {clinic.number: self._staff(clinic, *ON_CALL) for clinic in self.clinics}
        self.cohorts: list[Cohort] = []
        for clinic in self.clinics:
            self._group(clinic)

    def _id(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))

    def _clinic(self, number: int) -> Clinic:
        state, zone = PLACES[(number - 1) % len(PLACES)]
        office = {role: self._id() for role in OFFICE}
        return Clinic(number=number, id=self._id(), state=state, zone=zone, office=office)

    def _danger(self, number: int) -> str | None:
        """The first of the middle clinic, the first of the first, and the third of each."""
        clinics = len(self.clinics)
        first = {clinics // 2 + 1: NOT_SAFE, (2 if clinics == 1 else 1): URGE}
        return first.get(number, ITEM_9 if 2 * clinics < number <= 3 * clinics else None)

    def _participant(self, number: int) -> Participant:
        random, danger = self._random, self._danger(number)
        calm = danger is None
        late, absent, leaves = (random.random() for _ in range(3))
        comes_at = random.choice((4, 8)) if late < 0.12 else -random.choice((2, 5, 10))
        return Participant(
            number=number,
            clinic=self.clinics[(number - 1) % len(self.clinics)],
            born_on=date(random.randint(1962, 2006), random.randint(1, 12), random.randint(1, 28)),
            answers=self._answers(danger),
            danger=danger,
            comes_at=None if absent < 0.06 and calm else comes_at,
            leaves_at=random.choice((30, 45, 60)) if leaves < 0.2 and calm else None,
            mood=random.randint(2, 9),
            urge=8 if danger == URGE else random.randint(0, 4),
            sleep_hours=random.randint(4, 9),
            hands_in_after=None if random.random() < 0.15 else 15 * random.randint(2, 15),
        )

    def _answers(self, danger: str | None) -> dict[str, dict[str, int]]:
        """Moderately severe, so that an IOP fits; no suicide screen says more than LOW."""
        phq = {f"phq9_{item}": 2 for item in range(1, 9)}
        phq[f"phq9_{self._random.randint(1, 8)}"] = self._random.choice((1, 3))
        phq["phq9_9"] = 1 if danger == ITEM_9 else 0
        gad = {f"gad7_{item}": self._random.randint(1, 3) for item in range(1, 8)}
        if danger == ITEM_9:
            return {"PHQ-9": phq, "GAD-7": gad, "C-SSRS": {"q1": 1, "q2": 0, "q6": 0}}
        return {"PHQ-9": phq, "GAD-7": gad, "ASQ": {f"asq_{item}": 0 for item in range(1, 5)}}

    def _staff(self, clinic: Clinic, *posts: str) -> list[Clinician]:
        first = len(self.clinicians) + 1
        new = [Clinician(number=n, clinic=clinic, post=post) for n, post in enumerate(posts, first)]
        self.clinicians += new
        return new

    def _group(self, clinic: Clinic) -> None:
        members = [one for one in self.participants if one.clinic is clinic]
        for place, first in enumerate(range(0, len(members), GROUP)):
            cohort = Cohort(
                number=len(self.cohorts) + 1,
                clinic=clinic,
                facilitator=self._staff(clinic, "facilitator")[0],
                members=tuple(members[first : first + GROUP]),
                starts_local=STARTS[place % len(STARTS)],
            )
            self.cohorts.append(cohort)
