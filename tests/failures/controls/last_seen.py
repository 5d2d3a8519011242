"""A wrong relay: publishes what has a higher number than the last it has seen."""

import signal

import eventlet
import sqlalchemy as sa

from chassis.backbone import Parts
from chassis.message import stamp
from chassis.tables import event_log
from evenkeel_ops.drills.ground import Ground
from evenkeel_ops.drills.tables import PRODUCER


def run(ground: dict[str, str]) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    runtime = Ground.of(ground).runtime(PRODUCER, Parts())
    publisher = runtime.broker.publisher(PRODUCER)
    last_seen = 0
    while True:
        with runtime.database.look() as connection:
            newer = sa.select(event_log.c.seq, event_log.c.frames).order_by(event_log.c.seq)
            rows = connection.execute(newer.where(event_log.c.seq > last_seen)).all()
        if rows:
            publisher.publish([stamp(row.frames, epoch=1, position=row.seq) for row in rows])
            last_seen = rows[-1].seq
        eventlet.sleep(0.01)
