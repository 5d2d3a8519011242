"""What every service answers to other services: its log, and the details it owns.

class Intake(Between):
    name = "intake"
"""

from typing import Any
from uuid import UUID

import marshmallow as ma
from marshmallow import validate

from catalogue.event import LANES
from chassis import log
from chassis.peers import answer_of
from web.call import Call
from web.routes import route


class LogQuery(ma.Schema):
    lane = ma.fields.String(required=True, validate=validate.OneOf(LANES))
    after = ma.fields.Integer(required=True, validate=validate.Range(0))
    streams = ma.fields.String(required=True, validate=validate.Regexp(r"^[a-z_]+(,[a-z_]+)*$"))


class LogPage(ma.Schema):
    epoch = ma.fields.Integer(required=True)
    upto = ma.fields.Integer(required=True)
    events = ma.fields.List(ma.fields.Dict(), required=True)


class HandedOut(ma.Schema):
    version = ma.fields.Integer(required=True)
    content = ma.fields.Dict(required=True)


class Between:
    """A service that other services may ask. The answers are what `chassis.peers` reads."""

    runtime: Any

    @route("GET", "/{service}/log", query=LogQuery, returns=LogPage, allow=("service",))
    def read_log(self, call: Call) -> dict[str, Any]:
        """Read a lane of this service's log after a position."""
        streams = call.query["streams"].split(",")
        return answer_of(log.read(call.db, call.query["lane"], call.query["after"], streams))

    @route("GET", "/{service}/details/<uuid:person_id>", returns=HandedOut, allow=("service",))
    def hand_out_details(self, call: Call, person_id: UUID) -> dict[str, Any]:
        """Hand out the details of somebody that this service owns."""
        version, content = self.runtime.hand_out(call.db, person_id, to=str(call.caller.id))
        return {"version": version, "content": content}
