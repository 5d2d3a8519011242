"""D6: a producer whose database was restored has forgotten what others acted on. It is refused
until it is reconciled; then everything flows and nothing happens twice.

A restore from a base backup with recovery begins a new timeline, and the service itself refuses to
start. A plain copy of the data directory shows no difference from within: there its hearers see
that its log ends before what they have read.
"""

import shutil
import subprocess

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from typer.testing import CliRunner

from chassis import lives, producers
from chassis.clock import SystemClock
from chassis.database import Database, connect
from chassis.lives import NotReconciled
from chassis.migrations import create_chassis
from chassis.tables import cursors
from chassis.tables import producers as known_producers
from evenkeel_ops.cli import app
from evenkeel_ops.drills import oracles
from evenkeel_ops.drills.tables import CLINIC, CONSUMER, PRODUCER
from evenkeel_ops.machine import Lacking
from evenkeel_ops.postgres import Postgres
from evenkeel_ops.provision import SERVICES, create_roles
from evenkeel_ops.reconcile import begin_new_life


@pytest.fixture
def own_server():
    """The producer's own PostgreSQL; its last setting counts in recovery only."""
    with Postgres(fsync=True, settings={"restore_command": "false"}) as server:
        create_roles(server.connect())
        yield server


@pytest.mark.parametrize("way", ["plain copy", "recovery"])
def test_a_restored_producer_is_refused_until_it_is_reconciled(own_server, drill_of, way):
    drill = drill_of(producer_on=own_server)
    drill.start_all()
    backup = back_up(drill, own_server)
    have_more_events(drill, 60)
    restore(own_server, backup, begins_timeline=way == "recovery")
    drill.until(lambda: not is_in_recovery(own_server))
    producer = drill.ground.database(PRODUCER)
    if way == "recovery":
        with pytest.raises(NotReconciled):
            lives.refuse_restored(producer)
    drill.until(lambda: accepted_epoch(drill) == 0)

    before = drill.books.effects()
    change_and_relay(drill)
    assert drill.books.effects() == before

    hearer = drill.ground.database(CONSUMER)
    with pytest.raises(Lacking, match="still runs"):
        begin_new_life(producer, [hearer])
    assert drill.stop("relayer") == [0]
    marked = len(drill.books.ledger())
    done = begin_new_life(producer, [hearer])
    assert (done.epoch, accepted_epoch(drill)) == (2, 2)
    assert done.forgotten
    lives.refuse_restored(producer)

    drill.start("relayer")
    drill.start("announcer")
    drill.until(lambda: len(drill.books.ledger()) > marked + 60)
    drill.stop("announcer")
    drill.until(lambda: drill.books.unconfirmed() == 0)
    new = drill.books.ledger()[marked:]
    drill.until(lambda: not oracles.lost(new, drill.books.effects()[len(before) :]))
    effects = [one._replace(n=one.version) for one in drill.books.effects()]
    assert oracles.doubled(effects, drill.books.counters()) == []
    assert oracles.out_of_order(effects) == []
    for database in (producer, hearer):
        database.close()


def test_the_command_reconciles_a_service_with_all_that_hear_it(tmp_path):
    urls = {service: f"sqlite:///{tmp_path / service}.db" for service in SERVICES}
    for service, url in urls.items():
        lay_out(service, url)
    environment = {f"EVENKEEL_{s.upper()}_WORK_DATABASE_URL": url for s, url in urls.items()}
    done = CliRunner().invoke(app, ["reconcile", "sessions"], env=environment)
    assert done.exit_code == 0, done.output
    assert "sessions is in epoch 2" in done.output
    assert "crisis" in done.output
    assert "notifications" in done.output


def test_a_hearer_that_lags_does_not_wait_for_what_nobody_can_send_any_more(tmp_path):
    url = f"sqlite:///{tmp_path / 'crisis.db'}"
    lay_out("crisis", url)
    subject = "risk/00000000-0000-4000-8000-000000000001"
    engine = connect(url)
    with engine.begin() as connection:
        row = {"source": "sessions", "subject": subject, "clinic_id": CLINIC, "version": 3}
        connection.execute(sa.insert(cursors).values(**row, last_ids=b"x" * 16, set_aside=False))
    crisis = Database("crisis", http_url=url, work_url=url, clock=SystemClock())
    with crisis.work() as db:
        producers.accept_epoch(db, "sessions", 2, {subject: 5})
    with crisis.work() as db:
        assert lives.versions_handled(db, "sessions")[subject].version == 5
    engine.dispose()
    crisis.close()


def back_up(drill, server):
    """A copy of the data directory, taken in a quiet moment; the programs live through it."""
    drill.come_to_rest()
    server.stop()
    backup = server.directory / "backup"
    subprocess.run(["cp", "-a", server.data, backup], check=True)
    server.start()
    return backup


def restore(server, backup, *, begins_timeline):
    server.kill()
    shutil.rmtree(server.data)
    backup.rename(server.data)
    if begins_timeline:
        signal = server.data / "recovery.signal"
        signal.touch()
        shutil.chown(signal, server.data.owner(), server.data.group())
    server.start()


def is_in_recovery(server):
    cursor = server.connect().cursor()
    cursor.execute("SELECT pg_is_in_recovery()")
    return cursor.fetchone()[0]


def have_more_events(drill, count):
    """Announce, and wait until the consumer has read as far in the log."""
    done = len(drill.books.ledger())
    drill.start("announcer")
    drill.until(lambda: len(drill.books.ledger()) > done + count)
    assert drill.come_to_rest()
    drill.until(lambda: read_upto(drill) == drill.books.head("urgent"))


def change_and_relay(drill):
    """The restored producer goes on as if nothing had happened."""
    done = len(drill.books.ledger())
    drill.start("announcer")
    drill.until(lambda: len(drill.books.ledger()) > done + 20)
    drill.stop("announcer")
    drill.until(lambda: drill.books.unconfirmed() == 0)
    drill.until(lambda: drill.books.set_aside())
    drill.until(lambda: not any(map(any, drill.nodes.rabbitmq.queues(drill.vhost).values())))


def known(drill, column):
    """What the consumer knows of the producer's urgent lane."""
    wanted = sa.select(column).where(known_producers.c.lane == "urgent")
    engine = connect(drill.ground.consumer_url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        return connection.execute(wanted).scalar()


def read_upto(drill):
    return known(drill, known_producers.c.position)


def accepted_epoch(drill):
    return known(drill, known_producers.c.epoch)


def lay_out(service, url):
    """A database with nothing but the chassis."""
    engine = connect(url)
    with engine.begin() as connection:
        create_chassis(Operations(MigrationContext.configure(connection)), service)
    engine.dispose()
