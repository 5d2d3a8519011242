"""The two roads an event takes: the broker, fast, and the log, surely."""

import json
from dataclasses import replace

import eventlet
import pika
import pytest
import sqlalchemy as sa

from catalogue.event import LANES
from chassis import producers
from chassis.backbone import Parts
from chassis.broker import PublishFailed
from chassis.log import frames_after
from chassis.migrations import fingerprint
from chassis.tables import lanes, lives
from chassis.tables import producers as producers_table
from chassis.topology import exchange_of
from libs.chassis.tests.builders import (
    TOPOLOGY,
    Threads,
    announce_all,
    aside_of,
    effects,
    risk,
    submitted,
    until,
)

NO_LOG_ROAD = Parts(log_road=False)


def test_an_announced_event_becomes_an_effect_in_another_service(runtime_of):
    sessions, crisis = runtime_of("sessions"), runtime_of("crisis")
    for runtime in (sessions, crisis):
        runtime.backbone.start(Threads())
    announce_all(sessions.database, [risk() for _ in range(3)])
    until(lambda: effects(crisis.database) == [1, 1, 1])


def test_the_broker_alone_brings_everything_in_order(runtime_of):
    sessions = runtime_of("sessions", parts=NO_LOG_ROAD)
    hearing = runtime_of("notifications", parts=NO_LOG_ROAD)
    for runtime in (sessions, hearing):
        runtime.backbone.start(Threads())
    homework = submitted()
    for _ in range(20):
        announce_all(sessions.database, [homework] * 5)
    until(lambda: len(effects(hearing.database)) == 100)
    assert aside_of(hearing.database) == []


def test_the_log_alone_brings_everything(runtime_of):
    sessions = runtime_of("sessions")
    hearing = runtime_of("notifications")
    sessions.backbone.start(Threads())
    announce_all(sessions.database, [submitted() for _ in range(600)])
    until(lambda: confirmed(sessions.database) == 600)
    purge(hearing)
    hearing.backbone.start(Threads())
    until(lambda: len(effects(hearing.database)) == 600)
    until(lambda: position(hearing.database) == 600)


def test_the_last_event_of_a_subject_is_found_though_nothing_follows_it(runtime_of):
    """The broker forgot it, and no later event shows a gap: only the log can tell."""
    sessions, crisis = runtime_of("sessions"), runtime_of("crisis")
    sessions.backbone.start(Threads())
    announce_all(sessions.database, [risk()])
    until(lambda: confirmed(sessions.database) == 1)
    purge(crisis)
    crisis.backbone.start(Threads())
    until(lambda: effects(crisis.database) == [1])


def test_a_gap_has_the_log_asked_at_once(runtime_of):
    sessions, hearing = runtime_of("sessions"), runtime_of("notifications")
    hearing.backbone.start(Threads())
    sessions.backbone.start(Threads())
    homework = submitted()
    announce_all(sessions.database, [homework])
    until(lambda: effects(hearing.database) == [1])
    for consumer in hearing.backbone.consumers:
        consumer.receiver.receive = lambda messages: None
    announce_all(sessions.database, [homework])
    until(lambda: confirmed(sessions.database) == 2)
    eventlet.sleep(0.3)
    for consumer in hearing.backbone.consumers:
        del consumer.receiver.receive
    announce_all(sessions.database, [homework])
    until(lambda: effects(hearing.database) == [1, 2, 3], seconds=15)


def test_an_event_of_a_life_that_nobody_reconciled_waits_for_a_human(runtime_of):
    sessions, crisis = runtime_of("sessions"), runtime_of("crisis")
    for runtime in (sessions, crisis):
        runtime.backbone.start(Threads())
    announce_all(sessions.database, [risk()])
    until(lambda: effects(crisis.database) == [1])
    until(lambda: known_epoch(crisis.database) == {"sessions": 1})
    sessions.backbone.stop()
    with sessions.database.work() as db:
        life = {"epoch": 2, "fingerprint": fingerprint(db.connection()), "begun_at": db.now}
        db.execute(sa.insert(lives).values(life))
    again = runtime_of_same(sessions)
    again.backbone.start(Threads())
    announce_all(again.database, [risk()])
    until(lambda: [row[2] for row in aside_of(crisis.database)] == ["epoch_not_reconciled"])
    again.backbone.stop()


def test_a_relay_that_stops_leaves_nothing_unpublished(runtime_of):
    sessions = runtime_of("sessions")
    sessions.backbone.start(Threads())
    announce_all(sessions.database, [submitted() for _ in range(300)])
    sessions.backbone.stop()
    assert confirmed(sessions.database) == 300


def test_two_relays_have_one_leader(runtime_of):
    sessions = runtime_of("sessions")
    sessions.backbone.start(Threads())
    until(lambda: sessions.backbone.relay.leading)
    second = runtime_of_same(sessions)
    second.backbone.start(Threads())
    announce_all(sessions.database, [submitted() for _ in range(50)])
    until(lambda: confirmed(sessions.database) == 50)
    assert not second.backbone.relay.leading
    sessions.backbone.stop()
    until(lambda: second.backbone.relay.leading)
    second.backbone.stop()


@pytest.mark.parametrize("pair", ["rabbitmq+postgresql"])
def test_an_unroutable_event_fails_its_batch_instead_of_vanishing(runtime_of):
    sessions = runtime_of("sessions")
    sessions.backbone.start(Threads())
    announce_all(sessions.database, [submitted()])
    until(lambda: confirmed(sessions.database) == 1)
    publisher = sessions.broker.publisher("sessions")
    with sessions.broker.connect() as connection:
        queue = sessions.broker.topology.queue("notifications", "routine")
        queue.bind(connection.default_channel).delete()
    with sessions.database.look() as connection:
        frames = [one for _, one in frames_after(connection, "routine", 0, 100)]
    with pytest.raises(PublishFailed, match="no queue is bound for homework"):
        publisher.publish(frames)
    publisher.close()


@pytest.mark.parametrize("pair", ["rabbitmq+postgresql"])
def test_a_plain_amqp_consumer_reads_our_events(runtime_of, broker_url):
    sessions = runtime_of("sessions")
    connection = pika.BlockingConnection(pika.URLParameters(broker_url))
    channel = connection.channel()
    exchange = exchange_of("sessions")
    channel.exchange_declare(exchange.name, "topic", durable=True)
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.queue_bind(queue, exchange.name, "homework.#")
    sessions.backbone.start(Threads())
    homework = submitted()
    announce_all(sessions.database, [homework])
    method, properties, body = until(lambda: first_of(channel, queue))
    assert method.routing_key == "homework.homework_submitted.v1"
    assert properties.headers["cloudEvents_subject"] == homework.subject
    assert json.loads(body)["homework_id"] == str(homework.homework_id)
    connection.close()


def first_of(channel, queue):
    method, properties, body = channel.basic_get(queue, auto_ack=True)
    return (method, properties, body) if method else None


def purge(runtime) -> None:
    """Have the broker forget what it holds for a service."""
    with runtime.broker.connect() as connection:
        channel = connection.default_channel
        for lane in LANES:
            if not TOPOLOGY.sources(runtime.service, lane):
                continue
            runtime.broker.topology.queue(runtime.service, lane).bind(channel).purge()


def runtime_of_same(runtime):
    """A second process of the same service, as far as the database and the broker can tell."""
    return replace(runtime)


def confirmed(database) -> int:
    with database.look() as connection:
        return connection.execute(sa.select(sa.func.sum(lanes.c.confirmed))).scalar_one()


def position(database) -> int:
    """Up to where the log of sessions has been read."""
    with database.work() as db:
        return producers.position(db, "sessions", "routine", {"attendance", "homework", "session"})


def known_epoch(database) -> dict[str, int]:
    table = producers_table.c
    known = sa.select(table.source, sa.func.max(table.epoch)).group_by(table.source)
    with database.look() as connection:
        return dict(connection.execute(known).all())
