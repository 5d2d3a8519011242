"""Crisis as a process of its own, with a clinic in it whose clock stands until somebody moves it.

EVENKEEL_SMTP_URL=smtp://… python -P tests/browser/clinic_server.py PORT DIRECTORY
"""

import eventlet

eventlet.monkey_patch()

import os  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402
from datetime import timedelta  # noqa: E402
from itertools import chain  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402
from uuid import UUID  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from werkzeug.wrappers import Request, Response  # noqa: E402

from catalogue.intake import ParticipantDetailsChanged  # noqa: E402
from catalogue.scheduling import ClinicianRegistered  # noqa: E402
from chassis.announce import uuid7  # noqa: E402
from chassis.clock import SimulatedClock  # noqa: E402
from crisis import rota  # noqa: E402
from evenkeel_ops.house import House  # noqa: E402
from services.crisis.tests.builders import START  # noqa: E402
from tests.browser.staff import CARED_FOR, NORTH, RUNGS, STAFF  # noqa: E402

ZONE = "America/New_York"


class Clinic:
    """The clinic's people as crisis has heard of them, and the hands of its clock."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.runtime = house.runtime("crisis")

    def open(self) -> None:
        for one in chain(*RUNGS):
            self._knows(one.id, one.name, owner="scheduling", email=f"{one.id}@staff.example")
            self._hear(
                "scheduling", ClinicianRegistered, clinician_id=one.id, roles=(one.role,),
                states=("NY",), details_version=1, zone=ZONE,
            )  # fmt: skip
        for number in CARED_FOR:
            one = UUID(int=number)
            self._knows(one, f"Participant {number}", owner="intake", phone=f"+1555020{number:04}")
            self._hear(
                "intake", ParticipantDetailsChanged, episode_id=uuid7(), participant_id=one,
                details_version=1, zone=ZONE,
            )  # fmt: skip
        with self.runtime.database.work() as db:
            layers = rota.Rota.of_rungs([[one.id for one in people] for people in RUNGS]).layers
            by = "crisis_lead:test"
            rota.publish(db, NORTH, layers, can_reach=lambda _: True, by=by, at=db.now)

    def later(self, environ: dict[str, Any], start_response: Any) -> Any:
        """`POST /clock?seconds=90` moves the clock, case by case as they fall due."""
        seconds = float(Request(environ).args["seconds"])
        self.house.advance(timedelta(seconds=seconds))
        return Response(status=204)(environ, start_response)

    def _hear(self, source: str, event: Any, **facts: Any) -> None:
        self.house.hear("crisis", event(clinic_id=NORTH, **facts), source=source)

    def _knows(self, person_id: UUID, name: str, *, owner: str, **more: str) -> None:
        given, _, family = name.rpartition(" ")
        content = {"given_name": given, "family_name": family, **more}
        with self.runtime.database.work() as db:
            self.runtime.vault.keep(
                db, person_id, clinic_id=NORTH, owner=owner, version=1, content=content
            )


def main(port: int, directory: Path) -> None:
    settings = {
        "EVENKEEL_SMTP_URL": os.environ["EVENKEEL_SMTP_URL"],
        "EVENKEEL_SENDER": "crisis@evenkeel.example",
        "EVENKEEL_CRISIS_DESK": "desk@evenkeel.example",
    }
    clock = SimulatedClock(START)
    house = House.embedded(
        directory, ["crisis"], clock=clock, port=port, settings=settings, people=lambda: STAFF
    )
    house.migrate()
    house.start()
    clinic = Clinic(house)
    clinic.open()
    house.process.front.mount("clock", clinic.later)
    stopping = eventlet.event.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.send())
    stopping.wait()
    house.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
