"""A real sending process for the tests to kill: sends what is due, once, at a given instant.

Arguments: the work database's URL, the details key in hex, the mail server's URL, the
instant.
"""

import eventlet

eventlet.monkey_patch()

import sys  # noqa: E402
from datetime import datetime  # noqa: E402

from chassis.clock import SimulatedClock  # noqa: E402
from chassis.database import Database  # noqa: E402
from chassis.details import Vault  # noqa: E402
from notifications.sending import send_due  # noqa: E402
from services.notifications.tests.builders import by_mail  # noqa: E402


def main(url: str, key: str, smtp_url: str, now: str) -> None:
    clock = SimulatedClock(datetime.fromisoformat(now))
    database = Database("notifications", http_url=url, work_url=url, clock=clock)
    send_due(database, Vault(bytes.fromhex(key)), by_mail(clock, smtp_url))
    database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
