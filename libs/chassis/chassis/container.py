"""nameko's container, with a stop that ends."""

import eventlet
from nameko.containers import ServiceContainer

WORKERS_SECONDS = 30.0
POLL_SECONDS = 0.02


class _Patient:
    """A worker pool whose `waitall` polls: eventlet's own loses its wake-up when the pool empties
    while spawners wait, and then SIGTERM hangs for ever."""

    def __init__(self, pool: eventlet.GreenPool) -> None:
        self._pool = pool

    def __getattr__(self, name: str):
        return getattr(self._pool, name)

    def waitall(self) -> None:
        with eventlet.Timeout(WORKERS_SECONDS, False):
            while self._pool.running() or self._pool.waiting():
                eventlet.sleep(POLL_SECONDS)


class Container(ServiceContainer):
    """Hosts one service in one process."""

    def __init__(self, service_cls: type, config: dict) -> None:
        super().__init__(service_cls, config)
        self._worker_pool = _Patient(self._worker_pool)
