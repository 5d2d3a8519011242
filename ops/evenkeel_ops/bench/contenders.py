"""The contenders, each a process: ours, the stock way, and the raw parts.

Started as `python -m evenkeel_ops.bench.contenders WHAT`; the first line of standard input holds
the arguments, each further one an instruction.
"""

import warnings

warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")

import eventlet  # noqa: E402

eventlet.monkey_patch()

import gc  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from typing import Any  # noqa: E402
from uuid import UUID  # noqa: E402

import sqlalchemy as sa  # noqa: E402
from eventlet import tpool  # noqa: E402
from nameko.containers import ServiceContainer  # noqa: E402
from nameko.events import EventHandler  # noqa: E402
from sqlalchemy.dialects import postgresql  # noqa: E402
from sqlalchemy.orm import Session  # noqa: E402

from catalogue.codec import schema_of  # noqa: E402
from catalogue.event import ROUTINE  # noqa: E402
from chassis import aside, logs  # noqa: E402
from chassis.announce import announce  # noqa: E402
from chassis.broker import Broker  # noqa: E402
from chassis.clock import SystemClock  # noqa: E402
from chassis.consume import LaneConsumer  # noqa: E402
from chassis.database import Database, connect  # noqa: E402
from chassis.message import CHANNEL, from_frames, headers_of  # noqa: E402
from chassis.receive import Handlers, Receiver  # noqa: E402
from chassis.relay import Relay  # noqa: E402
from chassis.wake import Wake, tell_others  # noqa: E402
from evenkeel_ops.bench import stage  # noqa: E402
from evenkeel_ops.bench.event import (  # noqa: E402
    HEARER,
    PRODUCER,
    TOPOLOGY,
    Inbox,
    Outbox,
    Person,
    RoutineHappened,
    UrgentHappened,
    handle,
    load_people,
)
from evenkeel_ops.serve import ROUTINE_NICENESS  # noqa: E402

STOCK_WORKERS = 10


def hear() -> Any:
    return json.loads(tpool.execute(sys.stdin.readline) or "null")


def say(content: Any) -> None:
    print(json.dumps(content), flush=True)


def database(arguments: dict[str, Any], service: str) -> Database:
    url = arguments["urls"][service]
    heard = TOPOLOGY.heard_by_anyone(service)
    return Database(service, http_url=url, work_url=url, clock=SystemClock(), heard=heard)


def receiver(arguments: dict[str, Any], lane: str, timed: bool = False) -> Receiver:
    """Our receive step with the shared handler; `timed` says when each effect was committed."""

    def run(work: Any, event: Any) -> None:
        handle(work.db, event)

    handlers = Handlers(
        {RoutineHappened.type: run, UrgentHappened.type: run}, {RoutineHappened.type: load_people}
    )
    ours = Receiver(database(arguments, HEARER), handlers, lane)
    if timed:
        receive = ours.receive

        def receive_and_tell(messages: Any) -> None:
            receive(messages)
            at = time.monotonic()
            for message in messages:
                say({"id": json.loads(message.body)["effect_id"], "at": at})

        ours.receive = receive_and_tell
    return ours


def receive_ours(arguments: dict[str, Any]) -> None:
    """Our consumer of one lane, until killed."""
    aside.RETRY_AFTER = (aside.RETRY_AFTER[-1],)
    lane = arguments.get("lane", "routine")
    if lane == ROUTINE:
        os.nice(ROUTINE_NICENESS)
    ours = receiver(arguments, lane, arguments.get("timed", False))
    with ours.database.look() as connection:
        connection.exec_driver_sql("SELECT 1")
    consumer = LaneConsumer(ours, Broker(arguments["broker_url"], TOPOLOGY), arguments["batch"])
    say("ready")
    hear()
    consumer.run()


def receive_stock(arguments: dict[str, Any]) -> None:
    """A stock nameko service with an inbox table and a commit a message, until killed."""
    engine = connect(arguments["urls"][HEARER], pool_size=STOCK_WORKERS)
    schema = schema_of(RoutineHappened)
    is_new: Any = postgresql.insert(Inbox).on_conflict_do_nothing()

    class Quorum(EventHandler):
        def setup(self) -> None:
            super().setup()
            self.queue.queue_arguments = {"x-queue-type": "quorum"}

    class Stock:
        name = "stock"

        @Quorum.decorator(PRODUCER, RoutineHappened.routing_key)
        def happened(self, payload: dict[str, Any]) -> None:
            values: Any = schema.load(payload)
            event = RoutineHappened(**values)
            with Session(engine) as db:
                if db.connection().execute(is_new, {"id": event.effect_id}).rowcount:
                    handle(db, event)
                    db.commit()

    config = {"AMQP_URI": arguments["broker_url"], "max_workers": STOCK_WORKERS}
    container = ServiceContainer(Stock, config)
    say("ready")
    hear()
    container.start()
    container.wait()


def relay_ours(arguments: dict[str, Any]) -> None:
    """Our relay, until killed."""
    ours = database(arguments, PRODUCER)
    with ours.look() as connection:
        connection.exec_driver_sql("SELECT 1")
    say("ready")
    hear()
    Relay(ours, Broker(arguments["broker_url"], TOPOLOGY)).run()


def relay_one_by_one(arguments: dict[str, Any]) -> None:
    """Read one row, publish it with a confirm, mark it, commit."""
    engine = connect(arguments["urls"][PRODUCER])
    connection = Broker(arguments["broker_url"], TOPOLOGY).connect()
    parts: Any = connection.connection
    channel = parts.channel(CHANNEL)
    TOPOLOGY.declare_to_publish(channel, PRODUCER)
    channel.confirm_select()
    acked: list[int] = []
    channel.events["basic_ack"].add(lambda tag, multiple: acked.append(tag))
    oldest = sa.select(Outbox.seq, Outbox.frames).where(~Outbox.published).order_by(Outbox.seq)
    say("ready")
    hear()
    while True:
        with engine.begin() as db:
            row = db.execute(oldest.limit(1)).one_or_none()
            if row is None:
                break
            message = from_frames(bytes(row.frames))
            channel.basic_publish(
                _amqp_message(message), message.exchange, message.routing_key, mandatory=True
            )
            acked.clear()
            while not acked:
                connection.drain_events(timeout=5)
            db.execute(sa.update(Outbox).where(Outbox.seq == row.seq).values(published=True))
    say("done")
    hear()


def _amqp_message(message: Any) -> Any:
    import amqp

    return amqp.Message(
        message.body,
        content_type="application/json",
        content_encoding="utf-8",
        application_headers=headers_of(message),
        delivery_mode=2,
    )


def announcer(arguments: dict[str, Any]) -> None:
    """A replica that does not lead: commits events as told, and says when each was committed."""
    ours = database(arguments, PRODUCER)
    wake = Wake()
    ours.after_commit.append(wake.ring)
    eventlet.spawn(tell_others, ours.work_engine.url, wake)
    make = {"routine": stage.routine, "urgent": stage.urgent}[arguments["lane"]]
    people = [UUID(one) for one in arguments["people"]]
    say("ready")
    for told in iter(hear, None):
        for n in range(told["count"]):
            event = make(people[n % len(people)])
            with ours.work() as db:
                announce(db, event)
            say({"id": str(event.effect_id), "at": time.monotonic()})
            eventlet.sleep(told["pause"])
        say("done")


def reference(arguments: dict[str, Any]) -> None:
    """The raw parts of a hop: one broker round trip on a quorum queue, and two commits."""
    engine = connect(arguments["urls"][HEARER])
    broker = Broker(arguments["broker_url"], TOPOLOGY)
    publisher = broker.publisher(PRODUCER)
    consuming = broker.connect()
    arrived: list[Any] = []
    queue = TOPOLOGY.queue(HEARER, "routine").bind(consuming.default_channel)
    consumer = consuming.Consumer([queue], on_message=arrived.append, auto_declare=False)
    consumer.consume()
    people = [UUID(one) for one in arguments["people"]]
    say("ready")
    for told in iter(hear, None):
        seconds = []
        for frames in stage.ready_frames(stage.messages(people, told["count"])):
            started = time.monotonic()
            _commit(engine, people[0])
            publisher.publish([frames])
            while not arrived:
                consuming.drain_events(timeout=5)
            _commit(engine, people[1])
            seconds.append(time.monotonic() - started)
            arrived.pop().ack()
            eventlet.sleep(told["pause"])
        say(seconds)


def _commit(engine: sa.Engine, person: UUID) -> None:
    with engine.begin() as db:
        db.execute(sa.update(Person).where(Person.id == person).values(handled=0))


def one_process(arguments: dict[str, Any]) -> None:
    """The embedded pair."""
    from evenkeel_ops.bench.embedded import measure

    say(measure(arguments["count"]))


CONTENDERS = {
    "embedded": one_process,
    "receive_ours": receive_ours,
    "receive_stock": receive_stock,
    "relay_ours": relay_ours,
    "relay_one_by_one": relay_one_by_one,
    "announcer": announcer,
    "reference": reference,
}


if __name__ == "__main__":
    logs.configure(level=40)
    gc.freeze()  # as `serve` does
    CONTENDERS[sys.argv[1]](hear())
