"""A small real service behind a real server, over a real SQLite database."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import UUID, uuid4

import eventlet
import httpx
import jwt
import marshmallow as ma
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from jwt.algorithms import RSAAlgorithm
from nameko.containers import ServiceContainer
from sqlalchemy import orm
from werkzeug.wrappers import Response

from chassis.clock import Clock, SystemClock
from chassis.database import COLUMN_TYPES, NAMING, Database, OfClinic, Session
from chassis.details import Vault, hand_out
from chassis.refusals import Conflict, Forbidden, Invalid, NotFound
from chassis.tables import METADATA
from web.between import Between
from web.callers import Callers, Issuer
from web.fields import Choice, Day, Flag, Id, Instant, Text, Whole
from web.keys import ServiceKey, StaticKeys
from web.routes import route
from web.server import Front

NORTH, SOUTH = UUID(int=1), UUID(int=2)
CANARY = "canary-7f3a"
ISSUER = "https://sign-in.example"
STAFF = ("clinician", "supervisor")


class Row(orm.DeclarativeBase):
    metadata = sa.MetaData(naming_convention=NAMING)
    type_annotation_map = COLUMN_TYPES


class Referral(OfClinic, Row):
    __tablename__ = "referral"
    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True)
    reason: orm.Mapped[str] = orm.mapped_column(unique=True)
    by: orm.Mapped[str]


class ReferralBody(ma.Schema):
    reason = Text(200, required=True)
    clinic_id = Id()
    sessions_a_week = Whole(3, 5)
    begins_on = Day(allow_none=True)
    called_at = Instant()
    urgent = Flag()
    track = Choice("day", "evening")


class ReferralAnswer(ma.Schema):
    id = ma.fields.UUID(required=True)
    clinic_id = ma.fields.UUID(required=True)
    reason = ma.fields.String(required=True)


class ReferralQuery(ma.Schema):
    id = ma.fields.UUID()
    reason = Text(200)


class Desk(Between):
    """The service of these tests."""

    name = "desk"
    gate: ClassVar[Any] = None
    failures: ClassVar[list[Exception]] = []

    @route("POST", "/desk/referrals", body=ReferralBody, returns=ReferralAnswer, allow=STAFF)
    def take_referral(self, call):
        """Take a referral."""
        row = Referral(id=uuid4(), clinic_id=call.clinic_id, reason=call.body["reason"], by=call.by)
        call.db.add(row)
        if Desk.failures:
            raise Desk.failures.pop()
        call.db.flush()
        return row

    @route(
        "GET",
        "/desk/referrals",
        query=ReferralQuery,
        returns=ReferralAnswer(many=True),
        allow=STAFF,
        clinical=True,
    )
    def list_referrals(self, call):
        """List the referrals of the caller's clinics."""
        return call.db.scalars(sa.select(Referral).filter_by(**call.query)).all()

    @route(
        "GET",
        "/desk/referrals/<uuid:referral_id>",
        returns=ReferralAnswer,
        allow=STAFF,
        clinical=True,
    )
    def show_referral(self, call, referral_id):
        """Show one referral."""
        row = call.db.scalars(sa.select(Referral).filter_by(id=referral_id)).one_or_none()
        if row is None:
            raise NotFound("referral_not_found", referral_id=str(referral_id))
        return row

    @route("DELETE", "/desk/referrals/<uuid:referral_id>", answers=204, allow=STAFF)
    def withdraw(self, call, referral_id):
        """Withdraw a referral."""
        call.db.execute(sa.delete(Referral).where(Referral.id == referral_id))

    @route("GET", "/desk/people/<uuid:person_id>", allow=("participant", *STAFF), clinical=True)
    def show_person(self, call, person_id):
        """Show what somebody may see of themselves."""
        call.caller.must_be(person_id)
        return {"person_id": person_id, "at": call.now, "clinic_id": call.clinic_id}

    @route("POST", "/desk/people/<uuid:person_id>/visits", allow=STAFF, clinical=True)
    def receive(self, call, person_id):
        """Write that somebody came, and answer with what is known of them."""
        return {"person_id": person_id, "clinic_id": call.clinic_id}

    @route("POST", "/desk/refusals/<string:kind>", allow=STAFF)
    def refuse(self, call, kind):
        """Refuse in a chosen way."""
        raise {
            "missing": NotFound("seat_not_found", seat_id="7"),
            "taken": Conflict("seat_taken", free=0),
            "wrong": Invalid(begins_on="Must be a Monday."),
            "forbidden": Forbidden("not_licensed_there"),
        }.get(kind, RuntimeError(CANARY))

    @route("POST", "/desk/check-ins", body=ReferralBody, allow=STAFF, in_danger=True)
    def check_in(self, call):
        """Refuse somebody who may be in danger."""
        raise Conflict("closed", free=0)

    @route("GET", "/desk/slow", allow=STAFF, transaction=False)
    def wait(self, call):
        """Wait until the test lets go."""
        Desk.gate.wait()
        return {"waited": True}

    @route("GET", "/desk/board", open=True)
    def board(self, call):
        """Show a page anyone may see."""
        return Response("<h1>Desk</h1>", content_type="text/html; charset=utf-8")

    @route("GET", "/desk/totals", answers=200, allow=("service", "auditor"))
    def totals(self, call):
        """Count the referrals the caller may see."""
        return {"referrals": len(call.db.scalars(sa.select(Referral)).all())}


PEOPLE_KEY = generate_private_key(public_exponent=65537, key_size=2048)
OTHER_RSA_KEY = generate_private_key(public_exponent=65537, key_size=2048)
OTHER_ED_KEY = Ed25519PrivateKey.generate()
INTAKE_KEY = ServiceKey.generate("intake")


def people_jwks() -> dict[str, Any]:
    jwk = json.loads(RSAAlgorithm.to_jwk(PEOPLE_KEY.public_key()))
    return {"keys": [{**jwk, "kid": "people-1", "alg": "RS256", "use": "sig"}]}


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    usual = {
        "iss": ISSUER,
        "sub": str(UUID(int=7)),
        "aud": "evenkeel",
        "role": "clinician",
        "clinics": [str(NORTH)],
        "iat": now,
        "nbf": now,
        "exp": now + 300,
        "jti": uuid4().hex,
    }
    return {name: value for name, value in {**usual, **changes}.items() if value is not None}


def signed(content: dict[str, Any], **headers: Any) -> str:
    headers = {"kid": "people-1", "typ": "at+jwt", **headers}
    return jwt.encode(content, PEOPLE_KEY, algorithm="RS256", headers=headers)


def bearer(**changes: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {signed(claims(**changes))}"}


def callers() -> Callers:
    return Callers(
        [
            Issuer(ISSUER, StaticKeys(people_jwks())),
            Issuer.of_service("intake", INTAKE_KEY.public_jwk()),
        ]
    )


@dataclass
class Runtime:
    service: str
    database: Database
    clock: Clock
    environment: str = "test"
    vault: Vault = field(default_factory=lambda: Vault(bytes(32)))

    def hand_out(self, db: Session, person_id: UUID, *, to: str) -> tuple[int, dict[str, Any]]:
        return hand_out(db, self.vault, person_id, to=to)


def until(fact: Callable[[], Any], seconds: float = 5) -> None:
    """Wait for a fact, with a deadline."""
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, "it did not become true"
        eventlet.sleep(0)


class House:
    """The desk, or another small service, served on free ports until closed."""

    def __init__(
        self, url: str, service: type = Desk, believed: Callers | None = None, **front: Any
    ) -> None:
        name = service.name
        self.database = Database(name, http_url=url, work_url=url, clock=SystemClock())
        METADATA.create_all(self.database.work_engine)
        Row.metadata.create_all(self.database.work_engine)
        Desk.gate, Desk.failures = eventlet.event.Event(), []
        self.front = Front(**{"port": 0, **front})
        self.runtime = Runtime(name, self.database, self.database.clock)
        config = {
            "runtime": self.runtime,
            "front": self.front,
            "callers": believed or callers(),
        }
        self.container = ServiceContainer(service, config)
        self.container.start()
        self.front.start()
        self.url = f"http://127.0.0.1:{self.front.port}"
        self.internal_url = f"http://127.0.0.1:{self.front.internal_port}"
        self.client = httpx.Client(base_url=self.url, timeout=10, headers=bearer())

    def close(self) -> None:
        if not Desk.gate.ready():
            Desk.gate.send()
        self.client.close()
        self.front.stop(deadline=2)
        self.container.stop()
        self.database.close()

    @property
    def busy_workers(self) -> int:
        return len(self.container._worker_threads)

    def count(self, table: Any, **where: Any) -> int:
        with self.database.work() as db:
            return len(db.execute(sa.select(table).filter_by(**where)).all())

    def refer(self, **options: Any) -> httpx.Response:
        body = {"reason": uuid4().hex, **options.pop("body", {})}
        return self.client.post("/desk/referrals", json=body, **options)
