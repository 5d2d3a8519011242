"""A program: changes the producer's state under load and announces it, until SIGTERM.

Each transaction changes one to three subjects, now and then one of them twice; one in twenty is
rolled back. What a lost database leaves undecided is not repeated: the ledger knows.
"""

import random

import eventlet
from sqlalchemy.exc import SQLAlchemyError

from chassis.backbone import Parts, Runtime
from chassis.database import retryable
from evenkeel_ops.drills.ground import Ground, Threads
from evenkeel_ops.drills.tables import PRODUCER, change_and_announce

AT_ONCE = 3
ROLLED_BACK = 0.05


class Forgotten(Exception):
    """A transaction that was not meant to last."""


def run(ground: dict[str, str], subjects: list[str], seed: int, pause: float) -> None:
    """`pause` is the longest one, in seconds, that each of three writers makes."""
    runtime = Ground.of(ground).runtime(PRODUCER, Parts(lanes=(), relay=False, timers=False))
    threads = Threads()
    runtime.backbone.start(threads)
    writers = [
        _Writer(runtime, subjects, random.Random(f"{seed}/{n}"), pause) for n in range(AT_ONCE)
    ]
    running = [threads.spawn_managed_thread(writer.run) for writer in writers]
    threads.until_told()
    for writer in writers:
        writer.stopping = True
    for thread in running:
        thread.wait()
    runtime.backbone.stop()


class _Writer:
    def __init__(
        self, runtime: Runtime, subjects: list[str], chance: random.Random, pause: float
    ) -> None:
        self.runtime = runtime
        self.subjects = subjects
        self.chance = chance
        self.pause = pause
        self.stopping = False

    def run(self) -> None:
        while not self.stopping:
            try:
                self._write()
            except Forgotten:
                pass
            except SQLAlchemyError as failure:
                if not retryable(failure):
                    raise
                eventlet.sleep(0.05)
            eventlet.sleep(self.chance.uniform(0, self.pause))

    def _write(self) -> None:
        chosen = self.chance.choices(self.subjects, k=self.chance.randint(1, 3))
        with self.runtime.database.work() as db:
            for subject in sorted(chosen):
                change_and_announce(db, subject)
            if self.chance.random() < ROLLED_BACK:
                raise Forgotten
