"""One participant's way through the five services, over their public HTTP interfaces.

Every free text and every contact that somebody may write holds a canary: a string that must turn
up nowhere but in the sealed details and the letter that is addressed with it.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx

from evenkeel_ops.house import House

MONDAY = date(2027, 3, 1)
NINE = datetime(2027, 3, 1, 14, tzinfo=UTC)
"""Nine o'clock in New York on the first day of the series."""

DAWN = NINE - timedelta(hours=3)
ZONE = "America/New_York"
PHONE = "+1 555 0100 7391"

SEGMENTS = [
    {"kind": "check_in", "minutes": 15},
    {"kind": "group", "minutes": 60},
    {"kind": "break", "minutes": 15},
    {"kind": "skills", "minutes": 60},
    {"kind": "wrap_up", "minutes": 30},
]
GROUP = 1
PLAN = ("signs", "alone", "distraction", "people", "professionals", "space", "reasons")
"""The steps of a safety plan."""


class Canaries:
    """Strings that nobody else writes, one for each field."""

    def __init__(self) -> None:
        self.planted: dict[str, str] = {}

    def __call__(self, field: str) -> str:
        return self.planted.setdefault(field, f"Kanarie{len(self.planted)}x{uuid4().hex[:8]}")

    def email(self, field: str) -> str:
        local = self(field).lower()
        self.planted[field] = local
        return f"{local}@mail.example"


class Clinic:
    """A clinic with its staff, and what its people do. Each method is one act of somebody."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.id = uuid4()
        self.canary = Canaries()
        self.facilitator, self.backup = self._register("lead"), self._register("backup")
        house.settle()
        self._put(
            "/crisis/rotas",
            {
                "clinic_id": str(self.id),
                "rungs": [[self.facilitator], [self.facilitator, self.backup]],
            },
            role="crisis_lead",
        )
        house.settle()

    def call(
        self, method: str, path: str, body: Any = None, *, expect: int = 0, **who: Any
    ) -> httpx.Response:
        """Ask as somebody of this clinic; an unexpected status fails with the answer."""
        answer = self.house.call(method, path, json=body, clinics=[self.id], **who)
        wanted = (expect,) if expect else (200, 201, 204)
        assert answer.status_code in wanted, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer

    def post(self, path: str, body: Any = None, **who: Any) -> dict[str, Any]:
        answer = self.call("POST", path, {} if body is None else body, **who)
        return answer.json() if answer.content else {}

    def _put(self, path: str, body: Any, **who: Any) -> None:
        self.call("PUT", path, body, **who)

    def get(self, path: str, **who: Any) -> dict[str, Any]:
        return self.call("GET", path, **who).json()

    def _register(self, name: str) -> str:
        body = {
            "clinic_id": str(self.id),
            "roles": ["clinician", "supervisor"],
            "zone": ZONE,
            "licences": [
                {"state": "NY", "number": self.canary(f"{name}.number"), "expires_on": "2028-01-01"}
            ],
            "given_name": self.canary(f"{name}.given_name"),
            "family_name": self.canary(f"{name}.family_name"),
            "email": self.canary.email(f"{name}.email"),
            "phone": PHONE,
        }
        return self.post("/scheduling/clinicians", body, role="clinic_admin")["clinician_id"]

    def open_cohort(self, *, capacity: int = 8, count: int = 3) -> dict[str, Any]:
        programme = {
            "clinic_id": str(self.id),
            "code": "evening-a",
            "zone": ZONE,
            "weekdays": ["MO", "WE", "FR"],
            "starts_local": "09:00",
            "segments": SEGMENTS,
        }
        made = self.post("/scheduling/programmes", programme, role="clinic_admin")
        cohort = {
            "clinic_id": str(self.id),
            "programme_id": made["programme_id"],
            "facilitator_id": self.facilitator,
            "capacity": capacity,
            "first_on": MONDAY.isoformat(),
            "count": count,
        }
        return self.post("/scheduling/cohorts", cohort, role="scheduler")

    def refer(self) -> "Person":
        details = {
            "given_name": self.canary("given_name"),
            "family_name": self.canary("family_name"),
            "birth_on": "1990-02-03",
            "email": self.canary.email("email"),
            "phone": PHONE,
            "address": self.canary("address"),
            "emergency_contact": {
                "name": self.canary("name"),
                "phone": PHONE,
                "relation": self.canary("relation"),
            },
            "state": "NY",
            "zone": ZONE,
        }
        body = {"clinic_id": str(self.id), "kind": "self", "participant": details}
        return Person(self, self.post("/intake/referrals", body))

    def open_day(self) -> tuple["Person", str]:
        """Somebody who is seated, five minutes before their first day, and the open session."""
        cohort = self.open_cohort()
        person = self.refer()
        person.pass_intake()
        self.house.settle()
        person.sit(cohort["cohort_id"])
        person.write_plan()
        self.house.advance(NINE - timedelta(minutes=5))
        day = cohort["occurrences"][0]["occurrence_id"]
        facilitator = UUID(self.facilitator)
        opened = self.post(f"/sessions/occurrences/{day}/session", person=facilitator)
        return person, opened["session_id"]


class Person:
    """A participant of a clinic."""

    def __init__(self, clinic: Clinic, referred: dict[str, Any]) -> None:
        self.clinic = clinic
        self.id = referred["participant_id"]
        self.episode_id = referred["episode_id"]
        self.episode = f"/intake/episodes/{self.episode_id}"
        self.myself = {"role": "participant", "person": UUID(self.id)}

    def answer(self, instrument: str, answers: dict[str, int], *, complete: bool = True) -> Any:
        """Answer a screen. Returns what the last request said."""
        body = {"instrument": instrument}
        screen = self.clinic.post(f"{self.episode}/screens", body, **self.myself)["screen_id"]
        told = self.clinic.post(
            f"/intake/screens/{screen}/answers", {"answers": answers}, **self.myself
        )
        if not complete:
            return told
        return self.clinic.post(f"/intake/screens/{screen}/completion", {}, **self.myself)

    def pass_intake(self) -> None:
        """Screens without a sign of danger, a level, consent, admission."""
        self.answer("PHQ-9", {f"phq9_{n}": 2 for n in range(1, 9)} | {"phq9_9": 0})
        self.answer("GAD-7", {f"gad7_{n}": 2 for n in range(1, 8)})
        self.answer("ASQ", {f"asq_{n}": 0 for n in range(1, 5)})
        self.clinic.post(f"{self.episode}/recommendation", {"facts": FACTS})
        self.clinic.post(f"{self.episode}/level", {"level": "IOP"})
        consent = {"version": "2027-01", "messages": ["email"]}
        self.clinic.post(f"{self.episode}/consents", consent, **self.myself)
        self.clinic.post(f"{self.episode}/admission", {})

    def sit(self, cohort_id: str) -> dict[str, Any]:
        seat = {"participant_id": self.id}
        return self.clinic.post(f"/scheduling/cohorts/{cohort_id}/seats", seat, role="scheduler")

    def write_plan(self) -> None:
        """A safety plan, with a clinician."""
        steps = {code: self.clinic.canary(code) for code in PLAN}
        body = {**steps, "together": True, "replaces": 0}
        self.clinic.post(f"/crisis/participants/{self.id}/safety-plan", body)

    def log_in(self, session_id: str) -> dict[str, Any]:
        whereabouts = {
            "participant_id": self.id,
            "state": "NY",
            "location": self.clinic.canary("location"),
            "callback_number": self.clinic.canary("callback_number"),
            "private": True,
            "present": [self.clinic.canary("present")],
        }
        path = f"/sessions/sessions/{session_id}/log-ins"
        return self.clinic.post(path, whereabouts, **self.myself)

    def check_in(self, session_id: str, **answers: Any) -> dict[str, Any]:
        fine = {"safe": True, "urge": 1, "mood": 6, "sleep_hours": 7, "substance": False}
        body = {"participant_id": self.id, **fine, **answers}
        return self.clinic.post(f"/sessions/sessions/{session_id}/check-ins", body, **self.myself)


FACTS: dict[str, Any] = {
    "licensed_facilitator_available": True,
    "payer": {"virtual_allowed": True},
    "device": "own",
    "phone": True,
    "network_mbit_s": 10.0,
    "private_space": "ok",
    "accepts_video": True,
    "can_take_part_in_groups": True,
    "safety_plan_workable": True,
    "prior_care": {"weekly_therapy_insufficient": True},
}
