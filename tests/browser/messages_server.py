"""Notifications as a process of its own, with a participant in it whose day is about to begin.

EVENKEEL_SMTP_URL=smtp://… EVENKEEL_SMS_URL=twilio+http://… \
    python -P tests/browser/messages_server.py PORT DIRECTORY
"""

import eventlet

eventlet.monkey_patch()

import os  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402
from datetime import timedelta  # noqa: E402
from pathlib import Path  # noqa: E402
from uuid import uuid4  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from channels.callbacks import Reply  # noqa: E402
from chassis.clock import SimulatedClock  # noqa: E402
from evenkeel_ops.house import House  # noqa: E402
from notifications import numbers, replies  # noqa: E402
from services.notifications.tests.builders import (  # noqa: E402
    CLINIC,
    SENDER,
    STARTS_AT,
    Person,
    cancellation,
    day,
    keep_details,
)
from tests.browser.letterbox import PARTICIPANT, STAFF  # noqa: E402

AGREED = ("days.sms", "days.email", "homework.email")


def live_through(house: House) -> None:
    """One person of the browser's tests and two others, up to the beginning of a programme day."""
    people = [Person() for _ in range(3)]
    people[0].id = PARTICIPANT.id
    first, second = (day(people[0].cohort_id, STARTS_AT + timedelta(days=n)) for n in range(2))
    for event in (first, second):
        house.hear("notifications", event, source="scheduling")
    for one in people:
        one.cohort_id = people[0].cohort_id
        agreed = AGREED if one is people[0] else ("days.sms",)
        for event in (one.consents(*agreed), one.is_admitted(), one.changes_details()):
            house.hear("notifications", event, source="intake")
        runtime = house.runtime("notifications")
        keep_details(runtime.database, runtime.vault, one)
        house.hear("notifications", one.is_seated(first.starts_at), source="scheduling")
    due_at = STARTS_AT + timedelta(minutes=115)
    house.hear("notifications", people[0].gets_homework(due_at, uuid4()), source="sessions")
    house.settle()
    _write_back(house, people[1], "lalala")
    house.hear("notifications", cancellation(second), source="scheduling")
    _write_back(house, people[2], "stop")
    house.advance(STARTS_AT - timedelta(minutes=5))
    _write_back(house, people[0], "lalala")


def _write_back(house: House, person: Person, text: str) -> None:
    runtime = house.runtime("notifications")
    with runtime.database.work() as db:
        key = runtime.settings.details_key
        heard = Reply(f"SM{uuid4().hex}", person.number, "", text)
        replies.take(db, heard, numbers.whose(db, person.number, key))


def main(port: int, directory: Path) -> None:
    settings = {
        "EVENKEEL_SMTP_URL": os.environ["EVENKEEL_SMTP_URL"],
        "EVENKEEL_SMS_URL": os.environ["EVENKEEL_SMS_URL"],
        "EVENKEEL_ORIGIN": f"http://127.0.0.1:{port}",
        "EVENKEEL_SENDER": SENDER,
    }
    clock = SimulatedClock(STARTS_AT - timedelta(minutes=70))
    people = [PARTICIPANT, STAFF]
    house = House.embedded(
        directory, ["notifications"], clock=clock, port=port, settings=settings,
        people=lambda: people,
    )  # fmt: skip
    house.migrate()
    house.start()
    assert PARTICIPANT.clinics == (CLINIC,)
    live_through(house)
    house.process.front.mount("ready", _ready)
    stopping = eventlet.event.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.send())
    stopping.wait()
    house.stop()


def _ready(_environ, start_response):
    start_response("204 No Content", [])
    return []


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
