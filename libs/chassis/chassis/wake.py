"""Waking whoever waits for new rows: in this process at once, in another by NOTIFY.

A wake only shortens a wait. Whoever waits also looks by itself every so often.
"""

import eventlet
import psycopg2
import sqlalchemy as sa
from eventlet.event import Event
from eventlet.hubs import trampoline

CHANNEL = "evenkeel_announced"
RECONNECT_SECONDS = 1.0


class Wake:
    """A bell that remembers one ring."""

    def __init__(self) -> None:
        self._rung = Event()

    def ring(self) -> None:
        if not self._rung.ready():
            self._rung.send()

    def wait(self, timeout: float) -> bool:
        """Wait for a ring, `timeout` seconds at most. Returns whether there was one."""
        with eventlet.Timeout(timeout, False):
            self._rung.wait()
        rung, self._rung = self._rung.ready(), Event()
        return rung


def tell_others(url: sa.URL, wake: Wake) -> None:
    """For ever: after each ring send one NOTIFY, on a connection of its own."""
    while True:
        try:
            connection = _connection(url, "-c synchronous_commit=off")
            while True:
                if wake.wait(60):
                    connection.cursor().execute(f"NOTIFY {CHANNEL}")
        except psycopg2.Error:
            eventlet.sleep(RECONNECT_SECONDS)


def hear_others(url: sa.URL, wake: Wake) -> None:
    """For ever: ring at every NOTIFY of any replica."""
    while True:
        try:
            connection = _connection(url)
            connection.cursor().execute(f"LISTEN {CHANNEL}")
            while True:
                trampoline(connection.fileno(), read=True)
                connection.poll()
                if connection.notifies:
                    connection.notifies.clear()
                    wake.ring()
        except psycopg2.Error:
            eventlet.sleep(RECONNECT_SECONDS)


def _connection(url: sa.URL, options: str = ""):
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    connection = psycopg2.connect(plain, options=options)
    connection.autocommit = True
    return connection
