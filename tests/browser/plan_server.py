"""Crisis as a process of its own, with a participant who has a plan and an open case.

python -P tests/browser/plan_server.py PORT DIRECTORY
"""

import eventlet

eventlet.monkey_patch()

import signal  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from chassis.clock import SystemClock  # noqa: E402
from crisis.packet import call_centre  # noqa: E402
from crisis.participant import Participant  # noqa: E402
from crisis.plan import plan  # noqa: E402
from crisis.plan.wording import CODES  # noqa: E402
from evenkeel_ops.house import House  # noqa: E402
from services.crisis.tests.builders import Clinic  # noqa: E402
from services.crisis.tests.test_packet import DETAILS  # noqa: E402
from tests.browser.people import ANN, CASE_FILE, NORTH  # noqa: E402

SETTINGS = {
    "EVENKEEL_SMTP_URL": "smtp://127.0.0.1:9",
    "EVENKEEL_SENDER": "crisis@evenkeel.example",
}
STEPS = {code: f"What helps me, {code}." for code in CODES}


def main(port: int, directory: Path) -> None:
    house = House.embedded(directory, ["crisis"], port=port, settings=SETTINGS)
    house.migrate()
    house.start()
    (directory / CASE_FILE).write_text(str(_case_of_ann(house)))
    stopping = eventlet.event.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.send())
    stopping.wait()
    house.stop()


def _case_of_ann(house: House) -> object:
    runtime = house.runtime("crisis")
    clinic = Clinic(runtime.database, SystemClock(), NORTH)  # pyright: ignore[reportArgumentType]
    clinic.publish([[clinic.hire()], [clinic.hire(), clinic.hire()]])
    with runtime.database.work() as db:
        db.add(Participant(id=ANN, clinic_id=NORTH, zone="America/New_York"))
        runtime.vault.keep(db, ANN, clinic_id=NORTH, owner="intake", version=1, content=DETAILS)
        call_centre.enter(db, NORTH, "NY", "+1 212 555 0199", by="clinic_admin:x", at=db.now)
        db.flush()
        how = {"together": True, "replaces": 0, "by": "clinician:x", "at": db.now}
        plan.write(db, runtime.vault, ANN, STEPS, **how)
    return clinic.raises("T2", participant_id=ANN)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
