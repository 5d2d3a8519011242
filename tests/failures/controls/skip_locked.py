"""A wrong relay: two workers, each takes the oldest rows that the other has not locked.

They are made to take turns as badly as two real workers can: the one that took the older rows
publishes them after the other has published the newer ones.
"""

import signal

import eventlet
import sqlalchemy as sa

from chassis.backbone import Parts
from chassis.message import stamp
from chassis.tables import event_log
from evenkeel_ops.drills.ground import Ground
from evenkeel_ops.drills.tables import PRODUCER

BATCH = 4
_TAKE = (
    sa.select(event_log.c.seq, event_log.c.frames)
    .where(event_log.c.position.is_(None))
    .order_by(event_log.c.seq)
    .limit(BATCH)
    .with_for_update(skip_locked=True)
)


def run(ground: dict[str, str]) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    addresses = Ground.of(ground)
    runtime = addresses.runtime(PRODUCER, Parts())
    publisher = runtime.broker.publisher(PRODUCER)
    engine = runtime.database.work_engine
    while True:
        with engine.begin() as older, engine.begin() as newer:
            rows_of_one, rows_of_the_other = older.execute(_TAKE).all(), newer.execute(_TAKE).all()
            _publish(publisher, newer, rows_of_the_other)
            _publish(publisher, older, rows_of_one)
        eventlet.sleep(0.01)


def _publish(publisher, connection, rows) -> None:
    if rows:
        publisher.publish([stamp(row.frames, epoch=1, position=row.seq) for row in rows])
        taken = sa.update(event_log).where(event_log.c.seq.in_([row.seq for row in rows]))
        connection.execute(taken.values(position=event_log.c.seq, epoch=1))
