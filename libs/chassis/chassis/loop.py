"""Work that a service repeats outside any handler, such as sending what is due to a provider."""

from collections.abc import Callable
from datetime import datetime

import eventlet
from sqlalchemy.exc import SQLAlchemyError

from chassis.database import Session, retryable
from chassis.logs import log
from chassis.wake import Wake

NextDue = Callable[[Session], datetime | None]
"""When a loop will next have something to do; a simulated clock stops there."""


class Loop:
    """Calls a step until told to stop: again at once while it returns True, else after a pause."""

    def __init__(
        self,
        step: Callable[[], bool],
        seconds: float,
        service: str,
        next_due: NextDue | None = None,
    ) -> None:
        self.step = step
        self.seconds = seconds
        self.service = service
        self.next_due = next_due
        self.wake = Wake()
        self.begun = 0
        self.rested = 0
        """The last step, counted by `begun`, that left nothing to do."""
        self._stopping = False

    def run(self) -> None:
        while not self._stopping:
            self.begun += 1
            if self._has_more():
                eventlet.sleep(0)
            else:
                self.wake.wait(self.seconds)

    def stop(self) -> None:
        self._stopping = True
        self.wake.ring()

    def _has_more(self) -> bool:
        try:
            if self.step():
                return True
            self.rested = self.begun
        except SQLAlchemyError as failure:
            if not retryable(failure):
                raise
            log.warning("loop_waits_for_database", service=self.service)
        return False
