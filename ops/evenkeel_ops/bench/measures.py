"""What is measured. Each function plays one round of all its contenders, in a shuffled order."""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import sqlalchemy as sa

from chassis import backbone
from chassis.broker import Broker
from chassis.message import Message
from chassis.tables import lanes
from evenkeel_ops.bench import stage
from evenkeel_ops.bench.event import HEARER, PRODUCER, TOPOLOGY, Outbox
from evenkeel_ops.bench.stage import Child, Round, Stage

RECEIVED_OURS, RECEIVED_STOCK = 20_000, 4_000
RELAYED_OURS, RELAYED_ONE_BY_ONE = 30_000, 1_000
POISON_EACH = 1_000
BATCH = backbone.BATCH["alone"]
HOPS, HOP_PAUSE = 400, 0.02
WAITING, URGENT, URGENT_PAUSE = 50_000, 300, 0.02
APART = 300
GROWN = 1_000_000
EMBEDDED = 3_000

Figures = dict[str, float]


def receive(scene: Stage, seed: int) -> Figures:
    """Events a second from a filled queue to committed effects: ours, ours with poison, stock."""
    plays: dict[str, Callable[[], float]] = {
        "ours": lambda: _drain(scene, "receive_ours", RECEIVED_OURS),
        "poisoned": lambda: _drain(scene, "receive_ours", RECEIVED_OURS, POISON_EACH),
        "stock": lambda: _drain(scene, "receive_stock", RECEIVED_STOCK),
    }
    return _play(plays, seed)


def relay(scene: Stage, seed: int) -> Figures:
    """Events a second from the log to the broker's confirmation: ours, and one by one."""
    plays = {
        "ours": lambda: _relay_ours(scene, RELAYED_OURS),
        "one_by_one": lambda: _relay_one_by_one(scene),
    }
    return _play(plays, seed)


def hop(scene: Stage, seed: int) -> Figures:
    """Seconds from commit to committed effect at low load, and the raw parts of such a hop."""
    with scene.round() as round_:
        people = [str(p) for p in round_.people()]
        with (
            round_.child("relay_ours") as leader,
            round_.child("receive_ours", batch=BATCH, timed=True) as consumer,
            round_.child("announcer", lane="routine", people=people) as announcer,
        ):
            _start(leader, consumer)
            _ready(announcer)
            _until_under_way(announcer, consumer)
            ours = _hops(announcer, consumer, HOPS, HOP_PAUSE)
        with round_.child("reference", people=people) as raw:
            _ready(raw)
            raw.tell({"count": HOPS, "pause": HOP_PAUSE})
            reference = raw.hear()
    return {
        "ours_p50": percentile(ours, 50),
        "ours_p99": percentile(ours, 99),
        "reference_p50": percentile(reference, 50),
        "reference_p99": percentile(reference, 99),
    }


def urgent(scene: Stage, seed: int) -> Figures:
    """Seconds of an urgent event while 50,000 routine ones wait, in its own lane and in theirs."""
    plays = {
        "ours": lambda: _urgent_in_own_lane(scene),
        "shared": lambda: _urgent_in_shared_queue(scene),
    }
    return _play(plays, seed)


def growth(scene: Stage, seed: int) -> Figures:
    """Rates with a million rows in the log and in the cursors, and with none."""
    count = RECEIVED_OURS // 2
    plays = {
        "relay_empty": lambda: _relay_ours(scene, count),
        "relay_grown": lambda: _relay_ours(scene, count, GROWN),
        "receive_empty": lambda: _drain(scene, "receive_ours", count),
        "receive_grown": lambda: _drain(scene, "receive_ours", count, grown=GROWN),
    }
    return _play(plays, seed)


def embedded(_scene: Stage, _seed: int) -> Figures:
    """Hops a second on the in-memory broker and SQLite, in one process."""
    child = Child("embedded", {"count": EMBEDDED})
    try:
        return child.hear()
    finally:
        child.end()


def percentile(values: list[float], which: int) -> float:
    """By rank, the way a pager would count: no interpolation."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(which / 100 * len(ordered)))]


def _play(plays: dict[str, Callable[[], float]], seed: int) -> Figures:
    return {name: plays[name]() for name in stage.shuffled(list(plays), seed)}


def _ready(child: Child) -> None:
    if child.hear() != "ready":
        raise RuntimeError("a contender did not get ready")


def _start(*children: Child) -> None:
    for child in children:
        _ready(child)
        child.tell("go")


def _drain(scene: Stage, contender: str, count: int, poison_each: int = 0, grown: int = 0) -> float:
    with scene.round() as round_:
        sent = stage.messages(round_.people(), count, poison_each)
        good = [m for m in sent if not poison_each or not _is_behind_poison(m, sent, poison_each)]
        if grown:
            _grow_cursors(round_, grown)
        with round_.child(contender, batch=BATCH) as child:
            _ready(child)
            if contender == "receive_stock":
                _bind_stock(round_)
            _publish(round_, sent)
            child.tell("go")
            seconds = round_.until_effects(len(good))
        round_.check([m.id for m in good])
    return count / seconds


def _is_behind_poison(message: Message, sent: list[Message], poison_each: int) -> bool:
    """A parked event keeps its subject's later ones waiting: they have no effect yet."""
    first = {}
    for n in range(0, len(sent), poison_each):
        first.setdefault(sent[n].subject, sent[n].version)
    return message.version >= first.get(message.subject, message.version + 1)


def _publish(round_: Round, sent: list[Message]) -> None:
    publisher = Broker(round_.broker_url, TOPOLOGY).publisher(PRODUCER)
    frames = stage.ready_frames(sent)
    for start in range(0, len(frames), 500):
        publisher.publish(frames[start : start + 500])
    publisher.close()


def _bind_stock(round_: Round) -> None:
    """The queue that a stock handler declares by itself, filled before it starts."""
    with Broker(round_.broker_url, TOPOLOGY).connect() as connection:
        channel = connection.default_channel
        TOPOLOGY.declare_to_publish(channel, PRODUCER)
        queue = f"evt-{PRODUCER}-{'homework.routine_happened.v1'}--stock.happened"
        channel.queue_declare(
            queue, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"}
        )
        channel.queue_bind(queue, f"{PRODUCER}.events", "homework.routine_happened.v1")


def _relay_ours(scene: Stage, count: int, grown: int = 0) -> float:
    with scene.round() as round_:
        if grown:
            _grow_log(round_, grown)
        sent = stage.messages([UUID(int=1)], count)
        stage.fill_log(round_, sent)
        with round_.child("relay_ours") as child, round_.reader(PRODUCER) as reader:
            _start(child)
            seconds = stage.until(lambda: _confirmed(reader) >= count + grown)
        _check_wire(scene, round_, count)
    return count / seconds


def _relay_one_by_one(scene: Stage) -> float:
    with scene.round() as round_:
        sent = stage.messages([UUID(int=1)], RELAYED_ONE_BY_ONE)
        rows = [
            {"seq": n, "frames": frames, "published": False}
            for n, frames in enumerate(stage.ready_frames(sent), 1)
        ]
        with round_._connection(PRODUCER) as connection:
            connection.execute(sa.insert(Outbox), rows)
        with round_.child("relay_one_by_one") as child:
            _ready(child)
            started = time.monotonic()
            child.tell("go")
            child.hear()
            seconds = time.monotonic() - started
        _check_wire(scene, round_, RELAYED_ONE_BY_ONE)
    return RELAYED_ONE_BY_ONE / seconds


def _check_wire(scene: Stage, round_: Round, expected: int) -> None:
    vhost = round_.broker_url.rsplit("/", 1)[1]

    def arrived() -> int:
        return scene.rabbitmq.queues(vhost)[f"{HEARER}.routine"].ready

    stage.until(lambda: arrived() >= expected, 20)
    if arrived() != expected:
        raise stage.Unequal(f"{expected} announced, {arrived()} in the queue")


def _confirmed(reader: sa.Connection) -> int:
    routine = sa.select(lanes.c.confirmed).where(lanes.c.lane == "routine")
    return reader.execute(routine).scalar_one()


def _hops(announcer: Child, consumer: Child, count: int, pause: float) -> list[float]:
    announcer.tell({"count": count, "pause": pause})
    committed = {}
    while (said := announcer.hear()) != "done":
        committed[said["id"]] = said["at"]
    seconds = []
    while len(seconds) < count:
        said = consumer.hear()
        if said["id"] in committed:
            seconds.append(said["at"] - committed.pop(said["id"]))
    return seconds


def _until_under_way(announcer: Child, consumer: Child) -> None:
    """One hop that does not count: the leader leads by then, and every connection is made."""
    _hops(announcer, consumer, 1, 0.0)


def _urgent_in_own_lane(scene: Stage) -> float:
    """50,000 wait in the queue and another 50,000 in the log, with consumers at both lanes."""
    with _backlog(scene) as (round_, people):
        stage.fill_log(round_, stage.messages(people[:-APART], WAITING))
        with (
            round_.child("receive_ours", batch=BATCH) as routine,
            round_.child("receive_ours", batch=BATCH, lane="urgent", timed=True) as own,
            round_.child("relay_ours") as leader,
            round_.child("announcer", lane="urgent", people=_apart(people)) as announcer,
        ):
            _start(routine, own, leader)
            _ready(announcer)
            _until_under_way(announcer, own)
            return percentile(_hops(announcer, own, URGENT, URGENT_PAUSE), 99)


def _urgent_in_shared_queue(scene: Stage) -> float:
    """The same events behind 50,000 others in one queue."""
    with (
        _backlog(scene) as (round_, people),
        round_.child("receive_ours", batch=BATCH, timed=True) as shared,
        round_.child("relay_ours") as leader,
        round_.child("announcer", lane="routine", people=_apart(people)) as announcer,
    ):
        _start(shared, leader)
        _ready(announcer)
        return percentile(_hops(announcer, shared, URGENT, URGENT_PAUSE), 99)


@contextmanager
def _backlog(scene: Stage) -> Iterator[tuple[Round, list[UUID]]]:
    with scene.round() as round_:
        people = round_.people()
        _publish(round_, stage.messages(people[:-APART], WAITING))
        yield round_, people


def _apart(people: list[UUID]) -> list[str]:
    """Whom no routine event is about, so that no handler waits for another one's row."""
    return [str(person) for person in people[-APART:]]


def _grow_cursors(round_: Round, count: int) -> None:
    with round_._connection(HEARER) as connection:
        connection.exec_driver_sql(f"""
            INSERT INTO cursors (source, subject, clinic_id, version, last_ids, set_aside)
            SELECT '{PRODUCER}', 'homework/' || gen_random_uuid(), '{stage.CLINIC}', 3,
                decode(repeat('00', 48), 'hex'), false FROM generate_series(1, {count})
        """)
    _analyse(round_, HEARER, "cursors")


def _grow_log(round_: Round, count: int) -> None:
    """Old rows, all confirmed: the log as it is after months."""
    with round_._connection(PRODUCER) as connection:
        connection.exec_driver_sql(f"""
            INSERT INTO event_log (recorded_at, lane, position, epoch, stream, subject, version,
                event_id, type, clinic_id, occurred_at, correlation_id, frames)
            SELECT now() - interval '1 day', 'routine', n, 1, 'homework',
                'homework/' || gen_random_uuid(), 1, gen_random_uuid(),
                'evenkeel.event.routine_happened.v1', '{stage.CLINIC}', now(),
                gen_random_uuid(), decode(repeat('00', 600), 'hex')
            FROM generate_series(1, {count}) AS n
        """)
        connection.execute(
            sa.update(lanes)
            .where(lanes.c.lane == "routine")
            .values(position=count, confirmed=count)
        )
    _analyse(round_, PRODUCER, "event_log")


def _analyse(round_: Round, service: str, table: str) -> None:
    database = str(sa.make_url(round_.urls[service].work).database)
    connection = round_.stage.postgres.connect(database)
    connection.cursor().execute(f"VACUUM ANALYZE {table}")
    connection.close()


def median(values: list[float]) -> float:
    return statistics.median(values)
