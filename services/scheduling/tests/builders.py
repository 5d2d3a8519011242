"""What tests of scheduling start from: a clinic, people in it, and the bodies of requests."""

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from uuid import UUID, uuid4

import eventlet
import sqlalchemy as sa

from catalogue.codec import decode
from catalogue.intake import ParticipantAdmitted
from chassis.announce import uuid7
from chassis.details import Vault
from chassis.message import from_frames
from chassis.tables import event_log
from scheduling import clinician, cohort, programme, seat
from scheduling.occurrence import Booking

NOW = datetime(2027, 2, 22, 15, tzinfo=UTC)
BY = "scheduler:0190a0a0-0000-7000-8000-000000000000"
VAULT = Vault(b"k" * 32)
WAIT_SECONDS = 20

PERSON = {
    "given_name": "Wilhelmina",
    "family_name": "Quartermaine",
    "email": "wilhelmina@quartermaine.example",
    "phone": "+1 212 555 0144",
}
WEEK = ["MO", "WE", "FR"]
SEGMENTS = [
    {"kind": "check_in", "minutes": 15},
    {"kind": "group", "minutes": 75},
    {"kind": "break", "minutes": 15},
    {"kind": "skills", "minutes": 60},
    {"kind": "wrap_up", "minutes": 15},
]
LICENCE = {"state": "NY", "number": "086-771", "expires_on": date(2028, 6, 30)}


@dataclass
class Clinic:
    """A clinic whose clinicians, cohorts and admitted participants are made by our own nouns."""

    database: object
    id: UUID = field(default_factory=uuid4)

    @contextmanager
    def work(self):
        with self.database.work() as db:
            yield db

    @contextmanager
    def request(self, *clinics):
        with self.database.request(clinics or [self.id]) as db:
            yield db

    def clinician(self, licences=(LICENCE,), **given):
        with self.work() as db:
            return self.clinician_in(db, licences, **given)

    def clinician_in(self, db, licences=(LICENCE,), **given):
        made = clinician.register(
            db,
            VAULT,
            self.id,
            licences=[dict(licence) for licence in licences],
            by=BY,
            at=NOW,
            **({"roles": ["clinician"], "zone": "America/New_York"} | PERSON | given),
        )
        db.flush()
        return made.id

    def programme(self, **given):
        with self.work() as db:
            content = {
                "code": f"day-{uuid4().hex}",
                "zone": "America/New_York",
                "weekdays": WEEK,
                "starts_local": time(9),
                "segments": SEGMENTS,
            } | given
            return programme.publish(db, self.id, by=BY, at=NOW, **content).id

    def cohort(self, *, capacity=12, first_on=date(2027, 3, 1), count=24, **given):
        """A cohort on a new programme with a new facilitator, unless they are given."""
        programme_id = given.get("programme_id") or self.programme()
        facilitator_id = given.get("facilitator_id") or self.clinician()
        with self.work() as db:
            made, days = cohort.open_cohort(
                db,
                self.id,
                programme_id=programme_id,
                facilitator_id=facilitator_id,
                capacity=capacity,
                first_on=first_on,
                count=count,
                by=BY,
                at=NOW,
            )
            return made.id, days

    def participant(self, *, state="NY", zone="America/New_York"):
        """Somebody whom intake admitted."""
        event = admitted(self.id, state=state, zone=zone)
        with self.work() as db:
            seat.admit(db, event, at=NOW)
        return event.participant_id

    def seated(self, cohort_id, participant_id=None, *, at=NOW):
        with self.work() as db:
            participant_id = participant_id or self.participant_in(db)
            return seat.offer(db, cohort_id, participant_id, by=BY, at=at)[0]

    def participant_in(self, db):
        event = admitted(self.id)
        seat.admit(db, event, at=NOW)
        db.flush()
        return event.participant_id

    def bookings(self, person_id):
        with self.work() as db:
            mine = sa.select(Booking).where(Booking.person_id == person_id)
            return list(db.scalars(mine.order_by(Booking.starts_at)))

    def announced(self):
        """What was announced about this clinic, in the order of the log."""
        with self.database.look() as connection:
            mine = sa.select(event_log.c.frames).where(event_log.c.clinic_id == self.id)
            rows = connection.execute(mine.order_by(event_log.c.seq)).all()
        messages = [from_frames(bytes(row.frames)) for row in rows]
        return [decode(message.type, message.body) for message in messages]

    def announced_of(self, event):
        return [one for one in self.announced() if isinstance(one, event)]


def admitted(clinic_id, *, participant_id=None, state="NY", zone="America/New_York"):
    """What intake announces when it admits somebody."""
    return ParticipantAdmitted(
        clinic_id=clinic_id,
        episode_id=uuid7(),
        participant_id=participant_id or uuid7(),
        state=state,
        zone=zone,
        admitted_by=uuid4(),
    )


def all_at_once(tasks):
    """Run every task in a green thread; what each returned or raised, in order."""
    pool = eventlet.GreenPool(len(tasks))
    return list(pool.imap(_outcome, tasks))


def while_undecided(clinic, first, second):
    """Run `second` beside `first`, whose transaction stays open until the other waits for it.

    Returns the outcome of `second`, and the statement in which it waited.
    """
    written = eventlet.event.Event()

    def follow():
        written.wait()
        with clinic.work() as db:
            return second(db)

    follower = eventlet.spawn(_outcome, follow)
    with clinic.work() as db:
        first(db)
        db.flush()
        written.send()
        waited_in = until_somebody_waits(clinic.database)
    return follower.wait(), waited_in


def _outcome(task):
    try:
        return task()
    except Exception as failure:  # noqa: BLE001 - the outcome is what the test looks at
        return failure


def until_somebody_waits(database):
    """Return the statement that waits for another's lock; on SQLite it waits for the file."""
    if not database.postgres:
        eventlet.sleep(0)
        return "the file"
    waiting = sa.text(
        "SELECT query FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with eventlet.Timeout(WAIT_SECONDS):
        while True:
            with database.look() as connection:
                if query := connection.execute(waiting).scalar():
                    return query
            eventlet.sleep(0.01)


def clinician_body(clinic_id, **given):
    licence = LICENCE | {"expires_on": LICENCE["expires_on"].isoformat()}
    return {
        "clinic_id": str(clinic_id),
        "roles": ["clinician"],
        "zone": "America/New_York",
        "licences": [licence],
        **PERSON,
    } | given


def programme_body(clinic_id, **given):
    return {
        "clinic_id": str(clinic_id),
        "code": "day-9",
        "zone": "America/New_York",
        "weekdays": WEEK,
        "starts_local": "09:00",
        "segments": SEGMENTS,
    } | given


def cohort_body(clinic_id, programme_id, facilitator_id, **given):
    return {
        "clinic_id": str(clinic_id),
        "programme_id": str(programme_id),
        "facilitator_id": str(facilitator_id),
        "capacity": 12,
        "first_on": "2027-03-01",
        "count": 24,
    } | given
