"""Events and people for the tests of notifications."""

import inspect
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa

from catalogue.codec import decode, encode
from catalogue.event import Event
from catalogue.intake import (
    ConsentGiven,
    ParticipantAdmitted,
    ParticipantDetailsChanged,
    ParticipantDischarged,
    ReferralClosed,
)
from catalogue.scheduling import (
    OccurrenceCancelled,
    OccurrenceScheduled,
    SeatOffered,
    SeatReleased,
)
from catalogue.sessions import HomeworkAssigned, HomeworkSubmitted
from channels.carrier_url import email
from channels.channel import Channel
from channels.outgoing import EMAIL
from channels.smtp import MailServer
from chassis.announce import uuid7
from chassis.clock import Clock
from chassis.database import Database
from chassis.details import Vault
from chassis.entrypoints import Hears
from chassis.message import Message as Envelope
from chassis.message import from_frames
from chassis.receive import Handlers, Receiver
from chassis.tables import cursors, event_log, set_aside
from notifications.messages import Matter, Message, plan
from notifications.service import Notifications
from notifications.templates import TEMPLATES

CLINIC = UUID("0190a000-0000-7000-8000-000000000001")
NEW_YORK = "America/New_York"
SENDER = "hello@lantern.example"
STARTS_AT = datetime(2026, 12, 1, 14, 0, tzinfo=UTC)
"""Nine in the morning in New York, a week after the tests' clock."""


def by_mail(clock: Clock, urls: str) -> dict[str, Channel]:
    """E-mail by these servers, and no other channel."""
    servers = [MailServer(at, SENDER) for at in email(urls)]
    return {EMAIL: Channel(servers, clock=lambda: clock.now().timestamp())}


class Person:
    """A participant with an episode and a seat; each method is something that was announced."""

    def __init__(
        self, *, zone: str = NEW_YORK, cohort_id: UUID | None = None, language: str = "en"
    ) -> None:
        self.id = uuid4()
        self.episode_id = uuid4()
        self.seat_id = uuid4()
        self.cohort_id = cohort_id or uuid4()
        self.zone, self.language = zone, language
        self.address = f"{self.id.hex[:8]}@post.example"
        self.number = f"+1202555{self.id.int % 10_000:04}"

    def consents(self, *messages: str, **other: Any) -> ConsentGiven:
        return ConsentGiven(**self._of_episode(other), version="2026-01", messages=messages)

    def is_admitted(self) -> ParticipantAdmitted:
        return ParticipantAdmitted(
            **self._of_episode({}), state="NY", zone=self.zone, admitted_by=uuid4()
        )

    def is_discharged(self) -> ParticipantDischarged:
        return ParticipantDischarged(
            **self._of_episode({}), reason="completed", discharged_by=uuid4()
        )

    def is_not_admitted(self) -> ReferralClosed:
        return ReferralClosed(
            **self._of_episode({}), outcome="referred_out", reason="licence", decided_by=uuid4()
        )

    def changes_details(self, version: int = 1, **other: Any) -> ParticipantDetailsChanged:
        mine = {"zone": self.zone, "language": self.language, **other}
        return ParticipantDetailsChanged(**self._of_episode(mine), details_version=version)

    def is_seated(self, first_starts_at: datetime = STARTS_AT, **other: Any) -> SeatOffered:
        return SeatOffered(
            **self._of_seat(other),
            episode_id=self.episode_id,
            first_starts_at=first_starts_at,
            occurrences=1,
        )

    def gives_seat_up(self, **other: Any) -> SeatReleased:
        return SeatReleased(**self._of_seat(other), reason="moved")

    def gets_homework(self, due_at: datetime, homework_id: UUID) -> HomeworkAssigned:
        return HomeworkAssigned(
            clinic_id=CLINIC,
            homework_id=homework_id,
            session_id=uuid4(),
            participant_id=self.id,
            template="thought_record",
            due_at=due_at,
        )

    def hands_in(self, homework_id: UUID) -> HomeworkSubmitted:
        return HomeworkSubmitted(clinic_id=CLINIC, homework_id=homework_id, participant_id=self.id)

    def _of_episode(self, other: dict[str, Any]) -> dict[str, Any]:
        mine = {"episode_id": self.episode_id, "participant_id": self.id}
        return {"clinic_id": CLINIC, **mine, **other}

    def _of_seat(self, other: dict[str, Any]) -> dict[str, Any]:
        mine = {"seat_id": self.seat_id, "participant_id": self.id, "cohort_id": self.cohort_id}
        return {"clinic_id": CLINIC, **mine, **other}


def day(
    cohort_id: UUID, starts_at: datetime = STARTS_AT, occurrence_id: UUID | None = None
) -> OccurrenceScheduled:
    ends_at = starts_at + timedelta(hours=3)
    return OccurrenceScheduled(
        clinic_id=CLINIC,
        occurrence_id=occurrence_id or uuid4(),
        cohort_id=cohort_id,
        facilitator_id=uuid4(),
        day_on=starts_at.date(),
        zone=NEW_YORK,
        starts_at=starts_at,
        ends_at=ends_at,
        segment_kinds=("group",),
        segment_starts_at=(starts_at,),
        segment_ends_at=(ends_at,),
    )


def cancellation(scheduled: OccurrenceScheduled) -> OccurrenceCancelled:
    return OccurrenceCancelled(
        clinic_id=CLINIC,
        occurrence_id=scheduled.occurrence_id,
        cohort_id=scheduled.cohort_id,
        reason="weather",
    )


def hear(database: Database, *events: Event) -> None:
    """Each event through the real receive step, as if it had come alone. None may be parked."""
    receiver = Receiver(database, _handlers(), "routine")
    for event in events:
        receiver.receive([_message(database, event)])
        with database.look() as connection:
            assert connection.execute(sa.select(set_aside.c.reason)).all() == []


def _handlers() -> Handlers:
    """What the service class says it hears."""
    handlers, service = Handlers(), Notifications()
    for name, method in inspect.getmembers(Notifications, inspect.isfunction):
        for entrypoint in getattr(method, "nameko_entrypoints", ()):
            if isinstance(entrypoint, Hears):
                handlers.by_type[entrypoint.event.type] = getattr(service, name)
                handlers.prepare[entrypoint.event.type] = entrypoint.prepare
    return handlers


def _message(database: Database, event: Event) -> Envelope:
    heard = sa.select(cursors.c.version).where(cursors.c.subject == event.subject)
    with database.look() as connection:
        last = connection.execute(heard).scalar() or 0
    event_id = uuid7()
    return Envelope(
        id=event_id,
        source="elsewhere",
        type=event.type,
        subject=event.subject,
        version=last + 1,
        time=database.clock.now(),
        clinic_id=event.clinic_id,
        privacy=event.privacy,
        correlation_id=event_id,
        body=encode(event),
    )


def reachable(database: Database, vault: Vault, person: Person) -> None:
    """Somebody who consented and whose address has arrived."""
    hear(database, person.consents("email"), person.changes_details())
    keep_address(database, vault, person)


def keep_address(database: Database, vault: Vault, person: Person, version: int = 1) -> None:
    """Their details have been fetched."""
    with database.work() as db:
        vault.keep(
            db, person.id, clinic_id=CLINIC, owner="intake", version=version,
            content={"given_name": "Wilhelmina", "email": person.address},
        )  # fmt: skip


def keep_details(
    database: Database, vault: Vault, person: Person, version: int = 1, **known: Any
) -> None:
    """Their details have been fetched, number and all; `known` is otherwise."""
    content = {"email": person.address, "phone": person.number, **known}
    with database.work() as db:
        vault.keep(
            db, person.id, clinic_id=CLINIC, owner="intake", version=version, content=content
        )


def queue(
    database: Database, person: Person, template: str = "day_begins", about_at: datetime = STARTS_AT
) -> UUID:
    """One planned message; returns its id."""
    about = uuid4()
    with database.work() as db:
        matter = Matter(person.id, about, about_at)
        plan(db, TEMPLATES[template], [matter], clinic_id=CLINIC, by=uuid4())
    return next(m.message_id for m in messages(database) if m.about_id == about)


def messages(database: Database, person: Person | None = None) -> list[Message]:
    """Every message, or those of one person, in the order of what they are about."""
    with database.work() as db:
        found = db.query(Message).order_by(Message.about_at, Message.template).all()
        return [m for m in found if person is None or m.recipient_id == person.id]


def message(database: Database, message_id: UUID) -> Message:
    with database.work() as db:
        return db.get_one(Message, message_id)


def announced(database: Database) -> list[Event]:
    """What was announced, in the order of the log."""
    with database.look() as connection:
        rows = connection.execute(sa.select(event_log.c.frames).order_by(event_log.c.seq))
        told = [from_frames(bytes(row.frames)) for row in rows]
    return [decode(one.type, one.body) for one in told]


def states(database: Database, person: Person) -> list[tuple[str, str, str | None]]:
    return [(m.template, m.state, m.reason) for m in messages(database, person)]
