"""Threads that are killed while they connect to a database that never answers."""

import gc
from collections.abc import Iterator

import eventlet
import pytest

from chassis.database import connect
from chassis.wake import Wake, hear_others


@pytest.fixture
def no_collection() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


def through_a_pool(url):
    with connect(url).connect():
        pass


def as_a_listener(url):
    hear_others(connect(url).url, Wake())


@pytest.mark.parametrize("way", [through_a_pool, as_a_listener])
def test_who_is_killed_while_connecting_leaves_nothing_half_open(no_collection, way):
    server = eventlet.listen(("127.0.0.1", 0))
    url = f"postgresql+psycopg2://any@127.0.0.1:{server.getsockname()[1]}/any"
    thread = eventlet.spawn(way, url)
    with eventlet.Timeout(5):
        connection, _ = server.accept()
        assert connection.recv(64)
        thread.kill()
        assert connection.recv(64) == b""
