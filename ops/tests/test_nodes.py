"""The private PostgreSQL and RabbitMQ nodes: they come back from a kill and outlive nobody."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pika
import psycopg2
import pytest

from evenkeel_ops.postgres import Postgres
from evenkeel_ops.rabbitmq import Queue, RabbitMQ

QUORUM = {"x-queue-type": "quorum"}
PERSISTENT = pika.BasicProperties(delivery_mode=2)

ABANDONED = """
import sys, time
from evenkeel_ops.postgres import Postgres
from evenkeel_ops.rabbitmq import RabbitMQ
nodes = [Postgres(fsync=False), RabbitMQ()]
for node in nodes:
    node.start()
print(*[node.directory for node in nodes], flush=True)
time.sleep(60)
"""


def until(fact, seconds=10):
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def processes_in(directory) -> list[str]:
    """The command lines of those that run in a node's directory or were started with its name."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (process / "cmdline").read_text(errors="replace")
            environment = (process / "environ").read_text(errors="replace")
            if str(directory) in f"{command} {environment} {os.readlink(process / 'cwd')}":
                found.append(command)
    return found


@pytest.fixture(scope="module")
def server():
    with Postgres() as server:
        yield server


@pytest.fixture(scope="module")
def node():
    with RabbitMQ() as node:
        yield node


def query(server, statement):
    cursor = server.connect().cursor()
    cursor.execute(statement)
    return cursor.fetchall() if cursor.description else []


def test_a_killed_server_leaves_no_process_and_serves_again_with_what_was_committed(server):
    query(server, "CREATE TABLE kept AS SELECT 1 AS number")
    waiting = server.connect().cursor()
    server.kill()
    assert processes_in(server.data) == []
    with pytest.raises(psycopg2.OperationalError):
        waiting.execute("SELECT 1")
    server.start()
    assert query(server, "SELECT number FROM kept") == [(1,)]


def test_a_stopped_server_serves_again(server):
    server.stop()
    with pytest.raises(psycopg2.OperationalError):
        server.connect()
    server.start()
    assert query(server, "SELECT 1") == [(1,)]


def test_settings_are_the_callers():
    with Postgres(settings={"wal_level": "logical", "autovacuum": False}) as server:
        assert query(server, "SHOW wal_level") == [("logical",)]
        assert query(server, "SHOW autovacuum") == [("off",)]
        assert query(server, "SHOW fsync") == [("on",)]
        assert query(server, "SHOW data_checksums") == [("on",)]


def test_a_server_that_cannot_start_shows_its_log():
    server = Postgres(settings={"shared_buffers": "much"})
    with pytest.raises(RuntimeError, match=r'(?s)invalid value.*"shared_buffers"'):
        server.start()
    server.__exit__()


def test_two_fresh_databases_are_two(fresh_database):
    assert fresh_database("intake") != fresh_database("intake")


def test_a_fresh_database_is_gone_afterwards_even_when_somebody_is_connected(postgres):
    with postgres.database("intake") as url:
        name = url.rpartition("/")[2]
        postgres.connect(name)
    with pytest.raises(psycopg2.OperationalError, match="does not exist"):
        postgres.connect(name)


def test_a_killed_node_leaves_no_process_and_serves_again_with_what_it_confirmed(node):
    with node.vhost("kept") as url:
        publish(node, url, messages=3)
        node.settle()
        node.kill()
        assert processes_in(node.directory) == []
        node.start()
        until(lambda: node.queues(url.rpartition("/")[2]) == {"kept": Queue(3, 0)})


def publish(node, url, messages):
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        channel.queue_declare("kept", durable=True, arguments=QUORUM)
        for _ in range(messages):
            channel.basic_publish("", "kept", b"{}", properties=PERSISTENT, mandatory=True)


def test_a_second_delivery_is_counted(node):
    with node.vhost("counted") as url:
        publish(node, url, messages=2)
        before = node.redelivered()
        with pika.BlockingConnection(pika.URLParameters(url)) as connection:
            channel = connection.channel()
            first, _, _ = channel.basic_get("kept")
            channel.basic_nack(first.delivery_tag, requeue=True)
            until(lambda: channel.basic_get("kept")[0].redelivered)
        assert node.redelivered() == before + 1


def test_a_stopped_node_serves_again(node):
    node.stop()
    node.start()
    assert node.control("list_vhosts", "--silent").split() == ["/"]


def test_an_erlang_mistake_is_an_error(node):
    with pytest.raises(RuntimeError, match="badarith"):
        node.evaluate("1 / 0")


def test_killing_twice_or_before_a_start_does_no_harm():
    with Postgres() as other:
        other.kill()
        other.kill()
    Postgres().__exit__()


def test_killed_owners_leave_no_process_and_their_directories_go_when_the_next_are_made():
    owner = subprocess.Popen([sys.executable, "-c", ABANDONED], stdout=subprocess.PIPE, text=True)
    directories = [Path(name) for name in owner.stdout.readline().split()]
    assert all(processes_in(directory) for directory in directories)
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    until(lambda: not any(processes_in(directory) for directory in directories))
    for make in (Postgres, RabbitMQ):
        make().__exit__()
    assert not any(directory.exists() for directory in directories)
