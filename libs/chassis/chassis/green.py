"""psycopg2 in green threads that may be killed, or run out of time, while they connect.

The frames of what ended a thread stay until garbage is collected, and with them a connection that
was half open. A PostgreSQL that shuts down waits a minute for such a one.
"""

from typing import Any

from eventlet.support.psycopg2_patcher import eventlet_wait_callback
from psycopg2 import extensions

CONNECTING = 20
"""psycopg2's CONN_STATUS_CONNECTING, which it does not export. Later it holds its own lock while
it waits, closes by itself, and must not be asked to."""


def close_what_is_interrupted() -> None:
    """Have psycopg2, where eventlet made it green, close at once what nobody waits for any more."""
    if extensions.get_wait_callback() is eventlet_wait_callback:
        extensions.set_wait_callback(_wait)


def _wait(connection: Any) -> None:
    try:
        eventlet_wait_callback(connection)
    except BaseException:
        if connection.status == CONNECTING:
            connection.close()
        raise
