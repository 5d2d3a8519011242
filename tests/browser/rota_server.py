"""Crisis as a process of its own, with a clinic that has a rota: for the rota's browser tests.

python -P tests/browser/rota_server.py PORT DIRECTORY
"""

import eventlet

eventlet.monkey_patch()

import signal  # noqa: E402
import sys  # noqa: E402
from datetime import date, time  # noqa: E402
from pathlib import Path  # noqa: E402
from uuid import UUID  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from catalogue.scheduling import ClinicianRegistered  # noqa: E402
from chassis.clock import SimulatedClock  # noqa: E402
from crisis import rota  # noqa: E402
from crisis.rota.shifts import Rota, Rotation  # noqa: E402
from evenkeel_ops.house import House  # noqa: E402
from libs.web.tests.desk import NORTH  # noqa: E402
from services.crisis.tests.builders import START  # noqa: E402

ZONE = "America/New_York"
STAFF = [(UUID(int=100 + n), f"Clinician {n}") for n in range(1, 6)]
MAIL = {"EVENKEEL_SMTP_URL": "smtp://127.0.0.1:9", "EVENKEEL_SENDER": "crisis@evenkeel.example"}


def open_clinic(house: House) -> None:
    """Five people on call, two of them in turns."""
    runtime = house.runtime("crisis")
    for person, name in STAFF:
        given, family = name.split()
        known = {"given_name": given, "family_name": family, "email": f"{person}@staff.example"}
        registered = ClinicianRegistered(
            clinic_id=NORTH, clinician_id=person, roles=("clinician",), states=("NY",),
            details_version=1, zone=ZONE,
        )  # fmt: skip
        house.hear("crisis", registered, source="scheduling")
        with runtime.database.work() as db:
            runtime.vault.keep(
                db, person, clinic_id=NORTH, owner="scheduling", version=1, content=known
            )
    first, second, third, fourth, fifth = (person for person, _ in STAFF)
    weekly = Rotation(((first,), (second,)), ZONE, date(2026, 11, 16), None, time(8), time(8))
    layers = ((weekly,), *Rota.of_rungs([[third], [fourth, fifth]]).layers)
    with runtime.database.work() as db:
        by = "crisis_lead:test"
        rota.publish(db, NORTH, layers, can_reach=lambda _: True, by=by, at=db.now)


def main(port: int, directory: Path) -> None:
    house = House.embedded(
        directory, ("crisis",), clock=SimulatedClock(START), port=port, settings=MAIL
    )
    house.migrate()
    house.start()
    open_clinic(house)
    (directory / "opened").touch()
    stopping = eventlet.event.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.send())
    stopping.wait()
    house.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
