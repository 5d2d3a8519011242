"""Work that a service repeats outside any handler, such as sending what is due to a provider."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from chassis.database import Session, retryable
from chassis.logs import log
from chassis.wake import Wake

NextDue = Callable[[Session], datetime | None]
"""When a loop will next have something to do; a simulated clock stops there."""


class Loop:
    """Calls a step until told to stop: again at once while it returns True, else after a pause."""

    def __init__(
        self, step: Callable[[], bool], seconds: float, service: str, next_due: NextDue | None
    ) -> None:
        self.step = step
        self.seconds = seconds
        self.service = service
        self.next_due = next_due
        self.wake = Wake()
        self.rests = 0
        self._stopping = False

    def run(self) -> None:
        while not self._stopping:
            try:
                more = self.step()
            except SQLAlchemyError as failure:
                if not retryable(failure):
                    raise
                log.warning("loop_waits_for_database", service=self.service)
                more = False
            if not more:
                self.rests += 1
                self.wake.wait(self.seconds)

    def stop(self) -> None:
        self._stopping = True
        self.wake.ring()
