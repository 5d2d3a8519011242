"""A small service of screens: a live list that one acknowledges, a form, and a form for anyone."""

from typing import Any, ClassVar
from uuid import UUID, uuid4

import marshmallow as ma
import sqlalchemy as sa
from sqlalchemy import orm
from werkzeug.wrappers import Response

from chassis.database import OfClinic
from chassis.refusals import Conflict, Forbidden, Invalid, NotFound
from evenkeel_ops.issuer import AT, DemoDoor, DemoIssuer, Somebody
from libs.web.tests.desk import CANARY, NORTH, SOUTH, House, Row
from web.callers import Callers, Door, Issuer
from web.fields import Choice, Day, Flag, Text, Whole
from web.keys import StaticKeys
from web.pages import page
from web.routes import route

STAFF = ("clinician", "crisis_lead")
PEOPLE = [
    Somebody(name="Clinician 1", role="clinician", id=UUID(int=11), clinics=(NORTH,)),
    Somebody(name="Clinician 2", role="clinician", id=UUID(int=12), clinics=(SOUTH,)),
    Somebody(name="Crisis lead 1", role="crisis_lead", id=UUID(int=13), clinics=(NORTH,)),
    Somebody(
        name="Participant 17",
        role="participant",
        id=UUID(int=17),
        clinics=(NORTH,),
        listed_under="Participants",
    ),
]


class Arrival(OfClinic, Row):
    __tablename__ = "arrival"
    id: orm.Mapped[UUID] = orm.mapped_column(primary_key=True)
    code: orm.Mapped[str] = orm.mapped_column(unique=True)
    taken_by: orm.Mapped[str | None]


class ArrivalBody(ma.Schema):
    code = Text(20, required=True)


class PlanBody(ma.Schema):
    reason = Text(50, required=True)
    hours = Whole(1, 8, required=True)
    begins_on = Day()
    track = Choice("day", "evening", required=True)
    reminded = Flag()
    days = ma.fields.List(Whole(1, 7))


class Lobby:
    """The service of these tests."""

    name = "lobby"
    stream: ClassVar[Any] = None
    arrived: ClassVar[list[dict[str, Any]]] = []

    @page("GET", "/lobby/board", "board.html", allow=STAFF)
    def board(self, call):
        """Who is here, live."""
        return {"arrivals": arrivals(call.db)}

    @page(
        "GET", "/lobby/fragments/arrivals", "arrivals.html", allow=STAFF, live=True, clinical=True
    )
    def arrivals(self, call):
        """The list alone."""
        return {"arrivals": arrivals(call.db)}

    @page(
        "GET", "/lobby/fragments/arrival/<uuid:arrival_id>", "arrival.html",
        allow=STAFF, live=True, clinical=True,
    )  # fmt: skip
    def arrival(self, call, arrival_id):
        """One of them alone."""
        return {"one": found(call.db, arrival_id)}

    @page("GET", "/lobby/fragments/side", "side.html", allow=("crisis_lead",))
    def side(self, call):
        """A part that only some may see."""
        return {}

    @page("GET", "/lobby/fragments/mine", "mine.html", allow=("participant",), live=True, own=True)
    def mine(self, call):
        """What only one person sees."""
        return {"person_id": call.caller.person_id}

    @page("POST", "/lobby/arrivals/<uuid:arrival_id>/acknowledgement", allow=STAFF)
    def acknowledge(self, call, arrival_id):
        """Take somebody who waits."""
        one = found(call.db, arrival_id)
        if one.taken_by:
            raise Conflict("already_taken", taken_by=one.taken_by)
        one.taken_by = call.by
        return "/lobby/board"

    @page("GET", "/lobby/plan", "plan.html", allow=("participant",))
    def plan(self, call):
        """A form."""
        return {}

    @page("POST", "/lobby/plan", body=PlanBody, allow=("participant",))
    def take_plan(self, call):
        """Take the form."""
        if call.body["reason"] == "unwanted":
            raise Invalid(reason="Say something else.")
        Lobby.arrived.append(call.body)
        return "/lobby/plan"

    @page("GET", "/lobby/hello", "hello.html", open=True)
    def hello(self, call):
        """A form for anyone."""
        return {"role": call.caller.role}

    @page("POST", "/lobby/hello", body=ArrivalBody, open=True, in_danger=True)
    def take_hello(self, call):
        """Refuse anyone."""
        raise Conflict("closed")

    @page("GET", "/lobby/refusals/<string:kind>", "plan.html", allow=STAFF)
    def refuse(self, call, kind):
        """Refuse in a chosen way."""
        raise {
            "missing": NotFound("seat_not_found"),
            "taken": Conflict("seat_taken", free=0),
            "forbidden": Forbidden("not_licensed_there"),
        }.get(kind, RuntimeError(CANARY))

    @page("GET", "/lobby/numbers", "numbers.html", open=True, refused_as="numbers.html")
    def show_numbers(self, call):
        """A page that stays the same whatever happens."""
        raise RuntimeError(CANARY)

    @page("GET", "/lobby/file", "plan.html", open=True)
    def file(self, call):
        """Something that is no template."""
        return Response("as it is", content_type="text/plain")

    @route("POST", "/lobby/arrivals", body=ArrivalBody, allow=STAFF)
    def arrive(self, call):
        """Somebody comes, as a program says it."""
        call.db.add(Arrival(id=uuid4(), clinic_id=call.clinic_id, code=call.body["code"]))
        return {}

    @route("GET", "/lobby/streams", open=True, transaction=False)
    def count_streams(self, call):
        """How many streams are open."""
        return {"streams": len(Lobby.stream._clients)}


def found(db, arrival_id):
    one = db.scalars(sa.select(Arrival).filter_by(id=arrival_id)).one_or_none()
    if one is None:
        raise NotFound("arrival_not_found")
    return one


def arrivals(db):
    return db.scalars(sa.select(Arrival).order_by(Arrival.code)).all()


def lobby(url: str, issuer: DemoIssuer, **front: Any) -> House:
    """The lobby behind a front that has the demo's issuer."""
    said = issuer.trusted()
    keys = StaticKeys(said["jwks"])
    door = Door(**said["sign_in"])
    believed = Callers([Issuer(said["name"], keys, algorithm=said["algorithm"], door=door)])
    house = House(url, Lobby, believed, **front)
    Lobby.stream = stream_of(house)
    house.front.mount(AT.strip("/"), DemoDoor(issuer, lambda: PEOPLE))
    return house


def stream_of(house: House) -> Any:
    """What answers the lobby's stream."""
    paths = house.front._apps["lobby"]._paths
    return next(one.endpoint for one in paths.iter_rules() if one.rule == "/lobby/stream")
