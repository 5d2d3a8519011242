"""Crisis as a process of its own, with a participant and a clinician; its pages reach nobody.

python -P tests/browser/help_server.py PORT DIRECTORY
"""

import eventlet

eventlet.monkey_patch()

import signal  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from catalogue.intake import ParticipantDetailsChanged  # noqa: E402
from catalogue.scheduling import ClinicianRegistered  # noqa: E402
from chassis.announce import uuid7  # noqa: E402
from evenkeel_ops.house import House  # noqa: E402
from libs.web.tests.desk import NORTH  # noqa: E402
from libs.web.tests.lobby import PEOPLE  # noqa: E402

SETTINGS = {"EVENKEEL_SMTP_URL": "smtp://127.0.0.1:9", "EVENKEEL_SENDER": "a@b.example"}


def main(port: int, directory: Path) -> None:
    house = House.embedded(
        directory, ["crisis"], port=port, settings=SETTINGS, people=lambda: PEOPLE
    )
    house.migrate()
    house.start()
    somewhere = {"clinic_id": NORTH, "details_version": 1, "zone": "America/New_York"}
    participant = ParticipantDetailsChanged(
        **somewhere, episode_id=uuid7(), participant_id=PEOPLE[-1].id
    )
    house.hear("crisis", participant, source="intake")
    clinician = ClinicianRegistered(
        **somewhere, clinician_id=PEOPLE[0].id, roles=("clinician",), states=("NY",)
    )
    house.hear("crisis", clinician, source="scheduling")
    stopping = eventlet.event.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.send())
    stopping.wait()
    house.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
