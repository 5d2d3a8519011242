"""A wrong announcer: the state is committed, then its event is published separately."""

from chassis.announce import announce
from chassis.crash_points import reached
from evenkeel_ops.drills import announcer
from evenkeel_ops.drills.tables import change

BETWEEN = "control.between"


def run(ground: dict[str, str], **arguments) -> None:
    announcer._Writer._write = _write
    announcer.run(ground, **arguments)


def _write(writer: announcer._Writer) -> None:
    subject = writer.chance.choice(writer.subjects)
    with writer.runtime.database.work() as db:
        event = change(db, subject)
    reached(BETWEEN)
    with writer.runtime.database.work() as db:
        announce(db, event)
