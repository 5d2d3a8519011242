"""People who are referred, answers they give, and facts a clinician states."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import sqlalchemy as sa

from catalogue.crisis import CaseClosed, CaseOpened
from catalogue.event import Event
from catalogue.risk import RiskDetected
from chassis.database import Database
from chassis.details import Vault
from intake.episode import OVER, Episode
from intake.instruments import INSTRUMENTS
from intake.participant import Participant
from intake.screen import Screen

START = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
CANARY = "Zebulon-Quixote"

CALM_CSSRS = {"q1": 0, "q2": 0, "q6": 0}
HIGH_CSSRS = {"q1": 1, "q2": 1, "q3": 1, "q4": 1, "q5": 0, "q6": 0}


def details(**changes: Any) -> dict[str, Any]:
    return {
        "given_name": CANARY,
        "family_name": "Example",
        "birth_on": "1990-02-28",
        "email": "zebulon@example.org",
        "phone": "+1 202 555 0143",
        "address": "1 Example Street, Helena",
        "state": "MT",
        "zone": "America/Denver",
        "language": "en",
        **changes,
    }


def phq9(total: int = 18, item_9: int = 0) -> dict[str, int]:
    """Answers that come to a total, with item 9 as given."""
    answers, left = {"phq9_9": item_9}, total - item_9
    for i in range(1, 9):
        answers[f"phq9_{i}"] = min(3, left)
        left -= answers[f"phq9_{i}"]
    assert left == 0
    return answers


def good_facts() -> dict[str, Any]:
    """Nothing against an online IOP, and everything known."""
    return {
        "danger_now": dict.fromkeys(
            ("attempt_in_progress", "overdose", "loss_of_consciousness",
             "means_in_hand_no_agreement", "violent_intent"), False),
        "acute": dict.fromkeys(
            ("command_hallucinations_to_harm", "grave_self_neglect", "needs_24h_observation",
             "psychosis_or_mania_without_insight", "no_safe_home"), False),
        "medical": dict.fromkeys(
            ("withdrawal_risk", "unstable_medical", "eating_disorder_signs", "delirium"), False),
        "prior_care": {"weekly_therapy_insufficient": True, "iop_failed": False},
        "marked_functional_loss": False,
        "needs_daily_medical_oversight": False,
        "can_take_part_in_groups": True,
        "private_space": "ok",
        "device": "own",
        "network_mbit_s": 10,
        "accepts_video": True,
        "payer": {"virtual_allowed": True},
        "licensed_facilitator_available": True,
        "safety_plan_workable": True,
    }  # fmt: skip


@dataclass
class Desk:
    """Intake as its clinic sees it: one clinician, one clinic, one participant at a time."""

    house: Any
    clinic: UUID
    clinician: UUID
    episode: str = ""
    participant: str = ""

    @classmethod
    def of(cls, house: Any) -> "Desk":
        return cls(house, uuid4(), uuid4())

    def ask(self, method: str, path: str, json: Any = None, **who: Any) -> httpx.Response:
        who = {"role": "clinician", "clinics": [self.clinic], "person": self.clinician, **who}
        return self.house.call(method, f"/intake/{path}", json=json, **who)

    def ok(self, method: str, path: str, json: Any = None, **who: Any) -> Any:
        answer = self.ask(method, path, json, **who)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    @property
    def myself(self) -> dict[str, Any]:
        """The participant as a caller."""
        return {"role": "participant", "person": UUID(self.participant)}

    def refer(self, kind: str = "self", **changes: Any) -> "Desk":
        body = {"clinic_id": str(self.clinic), "kind": kind, "participant": details(), **changes}
        made = self.ok("POST", "referrals", body)
        self.episode, self.participant = made["episode_id"], made["participant_id"]
        return self

    def open_screen(self, instrument: str, **who: Any) -> str:
        put = self.ok("POST", f"episodes/{self.episode}/screens", {"instrument": instrument}, **who)
        return put["screen_id"]

    def answer(self, screen: str, answers: dict[str, int], **who: Any) -> Any:
        return self.ok("POST", f"screens/{screen}/answers", {"answers": answers}, **who)

    def screen(self, instrument: str, answers: dict[str, int] | None = None) -> str:
        """An instrument from its first question to its score; all zeros by default."""
        screen = self.open_screen(instrument)
        self.answer(screen, answers or dict.fromkeys(INSTRUMENTS[instrument].items, 0))
        self.ok("POST", f"screens/{screen}/completion")
        return screen

    def recommend(self, **changes: Any) -> Any:
        facts = {**good_facts(), **changes}
        return self.ok("POST", f"episodes/{self.episode}/recommendation", {"facts": facts})

    def level(self, level: str = "IOP", **more: Any) -> httpx.Response:
        return self.ask("POST", f"episodes/{self.episode}/level", {"level": level, **more})

    def consent(self, **who: Any) -> httpx.Response:
        given = {"version": "2026-01", "messages": ["email"]}
        return self.ask("POST", f"episodes/{self.episode}/consents", given, **who)

    def admission(self) -> httpx.Response:
        return self.ask("POST", f"episodes/{self.episode}/admission", {})

    def assess(self) -> "Desk":
        """As far as a recommendation of an online IOP."""
        self.refer()
        self.screen("PHQ-9", phq9(18))
        self.screen("C-SSRS", CALM_CSSRS)
        assert self.recommend()["level"] == "IOP"
        return self

    def admit(self) -> "Desk":
        """The whole way, for somebody who needs an online IOP and is in no danger."""
        self.assess()
        for answer in (self.level(), self.consent(), self.admission()):
            assert answer.is_success, answer.text
        return self

    def state(self) -> str:
        return self.ok("GET", f"episodes/{self.episode}")["state"]

    def announced(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.house.announced("intake") if isinstance(event, kind)]

    def risks(self) -> list[tuple[str, str]]:
        return [(risk.tier, risk.trigger) for risk in self.announced(RiskDetected)]

    def hear(self, event: Event, source: str = "crisis") -> None:
        self.house.hear("intake", event, source=source)

    def take_case(self, tier: str = "T2", risk_id: UUID | None = None) -> UUID:
        """Crisis opens a case for a risk, the last one announced by default."""
        risk_id = risk_id or self.announced(RiskDetected)[-1].risk_id
        case_id = uuid4()
        self.hear(
            CaseOpened(
                clinic_id=self.clinic, case_id=case_id, participant_id=UUID(self.participant),
                risk_id=risk_id, tier=tier,
            )
        )  # fmt: skip
        return case_id

    def close_case(self, case_id: UUID) -> None:
        self.hear(
            CaseClosed(
                clinic_id=self.clinic, case_id=case_id, participant_id=UUID(self.participant),
                disposition="assessed", closed_by=uuid4(),
            )
        )  # fmt: skip


class Given:
    """Rows of one clinic, made by the nouns themselves."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self.database = database
        self.vault = vault
        self.clinic, self.clinician = uuid4(), uuid4()

    def episode(self, kind: str = "self", state: str = "referred", **columns: Any) -> UUID:
        """An episode in any state of the table."""
        with self.database.work() as db:
            who = {**details(), "birth_on": date(1990, 2, 28)}
            person = Participant.enter(db, self.vault, self.clinic, who, by="test")
            one = Episode.refer(
                db, person, kind, hospital_left_on=columns.pop("left_on", None), by="test",
                at=db.now,
            )  # fmt: skip
            db.flush()
            ended = {"decided_by": self.clinician} if state in OVER else {}
            changes = {"state": state, **ended, **columns}
            db.execute(sa.update(Episode).where(Episode.id == one.id).values(changes))
            return one.id

    def screen(self, episode_id: UUID, instrument: str = "C-SSRS") -> UUID:
        with self.database.work() as db:
            episode = Episode.find(db, episode_id)
            return Screen.put(db, episode, instrument, by="test", at=db.now).id

    def write(self, statement: sa.Executable) -> None:
        """Past every noun, as another writer would."""
        with self.database.work() as db:
            db.execute(statement)
