"""A programme day as the other services would have told it, and what people do in it."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import httpx
import sqlalchemy as sa

from catalogue.codec import decode
from catalogue.crisis import CaseOpened
from catalogue.event import Event
from catalogue.risk import RiskDetected
from catalogue.scheduling import (
    ClinicianRegistered,
    OccurrenceScheduled,
    SeatOffered,
    SeatReleased,
    SeatReleasedForDay,
)
from chassis import migrations
from chassis.clock import SimulatedClock
from chassis.database import Database
from chassis.details import Vault
from chassis.message import from_frames
from chassis.tables import event_log
from sessions import attendance, roster
from sessions.attendance import Attendance
from sessions.rules import Segment
from sessions.session import Session, leave, log_in

STARTS_AT = datetime(2027, 3, 12, 14, tzinfo=UTC)
"""Friday 09:00 in New York, two nights before the clock change."""

PARTS = (("check_in", 15), ("group", 60), ("break", 15), ("skills", 60), ("wrap_up", 30))
MINUTES = 165
"""What a whole day is worth: its segments without the break."""


ANN, BEN, CYD = uuid4(), uuid4(), uuid4()


@dataclass
class Day:
    """A dated day of a cohort in New York, with its facilitator."""

    starts_at: datetime = STARTS_AT
    zone: str = "America/New_York"
    parts: tuple[tuple[str, int], ...] = PARTS
    clinic_id: UUID = field(default_factory=uuid4)
    cohort_id: UUID = field(default_factory=uuid4)
    facilitator_id: UUID = field(default_factory=uuid4)
    occurrence_id: UUID = field(default_factory=uuid4)

    def after(self, minutes: float) -> datetime:
        return self.starts_at + timedelta(minutes=minutes)

    @property
    def segments(self) -> list[Segment]:
        found, at = [], 0
        for kind, minutes in self.parts:
            found.append(Segment(kind, self.after(at), self.after(at + minutes)))
            at += minutes
        return found

    @property
    def ends_at(self) -> datetime:
        return self.segments[-1].ends_at

    @property
    def day_on(self) -> date:
        return self.starts_at.astimezone(ZoneInfo(self.zone)).date()

    def scheduled(self) -> OccurrenceScheduled:
        return OccurrenceScheduled(
            clinic_id=self.clinic_id, occurrence_id=self.occurrence_id, cohort_id=self.cohort_id,
            facilitator_id=self.facilitator_id, day_on=self.day_on, zone=self.zone,
            starts_at=self.starts_at, ends_at=self.ends_at,
            segment_kinds=tuple(s.kind for s in self.segments),
            segment_starts_at=tuple(s.starts_at for s in self.segments),
            segment_ends_at=tuple(s.ends_at for s in self.segments),
        )  # fmt: skip

    def facilitator(self, *states: str) -> ClinicianRegistered:
        return ClinicianRegistered(
            clinic_id=self.clinic_id, clinician_id=self.facilitator_id, roles=("clinician",),
            states=states or ("NY", "NJ"), details_version=1, zone=self.zone,
        )  # fmt: skip

    def offered(self, person: UUID, first_starts_at: datetime | None = None) -> SeatOffered:
        return SeatOffered(
            clinic_id=self.clinic_id, seat_id=uuid4(), cohort_id=self.cohort_id,
            participant_id=person, episode_id=uuid4(),
            first_starts_at=first_starts_at or self.starts_at, occurrences=24,
        )  # fmt: skip


def case_of(day: Day, person: UUID, tier: str = "T1") -> CaseOpened:
    return CaseOpened(
        clinic_id=day.clinic_id, case_id=uuid4(), participant_id=person, risk_id=uuid4(), tier=tier
    )


def released(seat: SeatOffered) -> SeatReleased:
    return SeatReleased(
        clinic_id=seat.clinic_id, seat_id=seat.seat_id, cohort_id=seat.cohort_id,
        participant_id=seat.participant_id, reason="withdrawn",
    )  # fmt: skip


def cannot_come(seat: SeatOffered, occurrence_id: UUID) -> SeatReleasedForDay:
    return SeatReleasedForDay(
        clinic_id=seat.clinic_id, seat_id=seat.seat_id, cohort_id=seat.cohort_id,
        participant_id=seat.participant_id, occurrence_id=occurrence_id, reason="cannot_come",
    )  # fmt: skip


class Books:
    """The service's own database, without anything around it."""

    def __init__(self, urls: Any) -> None:
        migrations.upgrade("sessions", urls.owner)
        self.clock = SimulatedClock(STARTS_AT)
        self.vault = Vault(bytes(32))
        self.database = Database(
            "sessions", http_url=urls.http, work_url=urls.work, clock=self.clock
        )

    def know(self, day: Day, *people: UUID) -> list[SeatOffered]:
        """Have heard of a day, its facilitator, and of people's seats."""
        seats = [day.offered(person) for person in people]
        with self.database.work() as db:
            roster.schedule(db, day.scheduled())
            roster.register(db, day.facilitator())
            for seat in seats:
                roster.offer_seat(db, seat)
        return seats

    def open(self, day: Day, at: datetime | None = None) -> UUID:
        with self.database.request([day.clinic_id]) as db:
            opened = Session.open(db, day.occurrence_id, by=day.facilitator_id, at=at or db.now)
        return opened.session_id

    def log_in(
        self, day: Day, session_id: UUID, person: UUID, at: datetime, *, private: bool = True,
        vouched: bool = False,
    ) -> str:  # fmt: skip
        said = {"state": "NY", "location": "12 Elm Street, Albany", "callback_number": "555"}
        with self.database.request([day.clinic_id]) as db:
            return log_in(
                db, self.vault, session_id, person, said, private=private, vouched=vouched,
                by=f"participant:{person}", at=at,
            ).state  # fmt: skip

    def leave(self, day: Day, session_id: UUID, person: UUID, at: datetime) -> str:
        with self.database.request([day.clinic_id]) as db:
            return leave(db, session_id, person, by=f"participant:{person}", at=at).state

    def hear(self, day: Day, session_id: UUID, person: UUID, at: datetime) -> None:
        with self.database.request([day.clinic_id]) as db:
            Attendance.find(db, session_id, person).hear(db, at=at)

    def wrap_up(self, day: Day, session_id: UUID, at: datetime) -> dict[UUID, int | None]:
        with self.database.request([day.clinic_id]) as db:
            session = Session.find(db, session_id, alone=True)
            rows = session.wrap_up(db, by=day.facilitator_id, at=at)
        return {row.participant_id: row.minutes for row in rows}

    def states(self, session_id: UUID) -> dict[UUID, str]:
        with self.database.work() as db:
            rows = attendance.of_session(db, session_id)
        return {row.participant_id: row.state for row in rows}

    def announced(self, kind: type[Event]) -> list[Any]:
        with self.database.look() as connection:
            rows = connection.execute(sa.select(event_log.c.frames).order_by(event_log.c.seq))
            messages = [from_frames(bytes(row.frames)) for row in rows]
        events = [decode(message.type, message.body) for message in messages]
        return [event for event in events if isinstance(event, kind)]


class Room:
    """A day in a started house, and everybody who does something in it."""

    def __init__(self, house: Any, day: Day) -> None:
        self.house, self.day = house, day
        self.session_id = ""

    def hear(self, *events: Event) -> None:
        for event in events:
            publisher = event.type.split(".")[1]
            self.house.hear("sessions", event, source=publisher)

    def prepare(self, *people: UUID) -> None:
        """The day, its facilitator and people's seats are known."""
        seats = [self.day.offered(person) for person in people]
        self.hear(self.day.scheduled(), self.day.facilitator(), *seats)

    def staff(self, method: str, path: str, json: Any = None, **options: Any) -> httpx.Response:
        """The facilitator asks."""
        return self._call(method, path, "clinician", self.day.facilitator_id, json, **options)

    def own(self, person: UUID, path: str, json: Any, method: str = "POST") -> httpx.Response:
        """A participant asks."""
        return self._call(method, path, "participant", person, json)

    def open(self) -> httpx.Response:
        path = f"/sessions/occurrences/{self.day.occurrence_id}/session"
        answer = self.staff("POST", path, {})
        self.session_id = answer.json().get("session_id", self.session_id)
        return answer

    def log_in(self, person: UUID, **other: Any) -> httpx.Response:
        return self.own(person, self.at("log-ins"), log_in_of(person, **other))

    def leave(self, person: UUID) -> httpx.Response:
        return self.own(person, self.at("leaves"), {"participant_id": str(person)})

    def check_in(self, person: UUID, **other: Any) -> httpx.Response:
        answers = {"mood": 6, "urge": 1, "sleep_hours": 7, "substance": False, "safe": True}
        body = {"participant_id": str(person), **answers, **other}
        return self.own(person, self.at("check-ins"), body)

    def start(self, position: int) -> httpx.Response:
        return self.staff("POST", self.at("segments"), {"position": position})

    def check_body(self, person: UUID, **answers: Any) -> httpx.Response:
        body = {"participant_id": str(person), "more_than_prescribed": False, **answers}
        return self.own(person, self.at("body-checks"), body)

    def panic(self, person: UUID) -> httpx.Response:
        return self.staff("POST", self.at("panic"), {"participant_id": str(person)})

    def hear_heart(self, person: UUID) -> httpx.Response:
        return self.own(person, self.at("heartbeats"), {"participant_id": str(person)})

    def assign(self, **other: Any) -> httpx.Response:
        body = {"template": "thought_record", "due_on": "2027-03-14", "due_local": "20:00"}
        return self.staff("POST", self.at("homework"), {**body, **other})

    def wrap_up(self) -> httpx.Response:
        return self.staff("POST", self.at("wrap-up"), {})

    def seen(self, person: UUID) -> dict[str, Any]:
        """How the facilitator sees a person's day."""
        rows = self.staff("GET", self.at("")).json()["attendances"]
        return next(row for row in rows if row["participant_id"] == str(person))

    def announced(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.house.announced("sessions") if isinstance(event, kind)]

    def dangers(self) -> list[tuple[UUID, str, str]]:
        """Whom crisis was told of, how urgent, and why."""
        risks = self.announced(RiskDetected)
        return [(risk.participant_id, risk.tier, risk.trigger) for risk in risks]

    def at(self, what: str) -> str:
        return f"/sessions/sessions/{self.session_id}/{what}".rstrip("/")

    def _call(
        self, method: str, path: str, role: str, person: UUID, json: Any, **options: Any
    ) -> httpx.Response:
        body = {} if json is None else {"json": json}
        clinics = options.pop("clinics", [self.day.clinic_id])
        return self.house.call(
            method, path, role=role, clinics=clinics, person=person, **body, **options
        )


def log_in_of(person: UUID, **other: Any) -> dict[str, Any]:
    said = {
        "state": "NY", "location": "12 Elm Street, Albany", "callback_number": "+1 518 555 0100",
        "private": True,
    }  # fmt: skip
    return {"participant_id": str(person), **said, **other}
