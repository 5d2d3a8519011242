"""Notifications as a process of its own, with two people who are reminded of a day.

python -P tests/browser/reminder_server.py PORT DIRECTORY
"""

import eventlet

eventlet.monkey_patch()

import json  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import sqlalchemy as sa  # noqa: E402

from chassis.clock import SimulatedClock  # noqa: E402
from evenkeel_ops.house import House  # noqa: E402
from notifications.links import Links  # noqa: E402
from notifications.messages import Message  # noqa: E402
from services.notifications.tests.builders import SENDER, STARTS_AT, Person, day  # noqa: E402

SETTINGS = {
    "EVENKEEL_SMTP_URL": "smtp://127.0.0.1:9",
    "EVENKEEL_SENDER": SENDER,
    "EVENKEEL_ORIGIN": "http://127.0.0.1",
}


def link_of(house: House, person: Person) -> str:
    """The path of the link in the person's reminder."""
    one = day(person.cohort_id)
    house.hear("notifications", person.is_admitted(), source="intake")
    house.hear("notifications", person.changes_details(), source="intake")
    for event in (one, person.is_seated()):
        house.hear("notifications", event, source="scheduling")
    runtime = house.runtime("notifications")
    of_day = sa.select(Message.message_id).where(
        Message.about_id == one.occurrence_id, Message.template == "day_begins"
    )
    with runtime.database.work() as db:
        link = Links.of(runtime.settings).to_absence(db.scalars(of_day).one())
    return str(link).removeprefix(SETTINGS["EVENKEEL_ORIGIN"])


def main(port: int, directory: Path) -> None:
    clock = SimulatedClock(STARTS_AT.replace(hour=0))
    house = House.embedded(directory, ["notifications"], clock=clock, port=port, settings=SETTINGS)
    house.migrate()
    house.start()
    links = {one: link_of(house, Person(language=one)) for one in ("en", "es")}
    (directory / "links.json").write_text(json.dumps(links))
    stopping = eventlet.event.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.send())
    stopping.wait()
    house.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
