"""`./evenkeel serve crisis --watchdog`: looks once a second, without nameko, broker and sender.

One thread looks, and may hang with the database; one a bell calls out, and may hang with a mail
server; the main thread judges, and waits for neither.
"""

import os
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from chassis import logs
from chassis.database import Instant
from chassis.logs import log, where
from chassis.settings import WrongSettings
from crisis.processes import PortInUse, show_metrics, stop_at_sigterm
from crisis.watchdog import metrics
from crisis.watchdog.bells import Bell, bells_of
from crisis.watchdog.settings import Settings
from crisis.watchdog.watch import MEANS, Alarm, Seen, Watch

SERVICE = "crisis"
LOOK_SECONDS = 1.0

_cases = sa.table("cases", sa.column("next_due_at", Instant))
_sweepers = sa.table("sweepers", sa.column("beat_at", Instant))
OLDEST = sa.select(sa.func.min(_cases.c.next_due_at)).scalar_subquery()
NEWEST = sa.select(sa.func.max(_sweepers.c.beat_at)).scalar_subquery()

_PATIENCE = {
    "connect_timeout": 3,
    "tcp_user_timeout": 3000,
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "application_name": "crisis watchdog",
    "options": "-c default_transaction_read_only=on -c statement_timeout=3000",
}


def engine_of(url: str) -> sa.Engine:
    """A new connection for each look, since being let in is part of what is looked at. It cannot
    write, whatever its role may."""
    found = make_url(url)
    if found.get_backend_name() == "postgresql":
        return sa.create_engine(found, poolclass=NullPool, connect_args=_PATIENCE)
    read_only = found.set(database=f"file:{found.database}").update_query_dict(
        {"mode": "ro", "uri": "true"}
    )
    return sa.create_engine(read_only, poolclass=NullPool)


def look(engine: sa.Engine) -> Seen:
    """One look. Raises SQLAlchemyError when the database does not answer as it should."""
    with engine.connect() as connection:
        oldest, newest = connection.execute(sa.select(OLDEST, NEWEST)).one()
        if engine.dialect.name == "postgresql":
            at = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
        else:
            at = datetime.now(UTC)
    return Seen(at, oldest, newest)


def run_watchdog(settings: Settings, stop: threading.Event | None = None) -> None:
    """Watch until told to stop by SIGTERM or the event.

    Ends by itself only when a part of it failed: then the supervisor starts it anew. Raises
    PortInUse.
    """
    stop = stop or stop_at_sigterm()
    show_metrics(settings.watchdog_host, settings.watchdog_port)
    watch = Watch(time.monotonic())
    engine = engine_of(settings.watchdog_database_url)
    failures: list[Exception] = []

    def part(run: Callable[[], None]) -> None:
        threading.Thread(target=_run, args=(run, stop, failures), daemon=True).start()

    part(lambda: _keep_looking(engine, watch, stop))
    for bell in bells_of(settings):
        part(lambda bell=bell: _keep_ringing(bell, watch, stop))
    log.info("watchdog_started", service=SERVICE)
    before: dict[str, Alarm] = {}
    while not stop.wait(LOOK_SECONDS):
        now = watch.judge(time.monotonic(), datetime.now(UTC))
        _tell(before, now)
        before = now
    if failures:
        raise failures[0]


def main() -> None:
    """The process. What it refuses to start with is said in a line each."""
    logs.configure()
    try:
        run_watchdog(Settings.read(SERVICE, os.environ))
    except WrongSettings as wrong:
        for mistake in wrong.mistakes:
            print(f"evenkeel: {mistake}", file=sys.stderr)
        raise SystemExit(2) from None
    except PortInUse as refused:
        raise SystemExit(f"evenkeel: {refused}") from None


def _run(run: Callable[[], None], stop: threading.Event, failures: list[Exception]) -> None:
    try:
        run()
    except Exception as failure:  # noqa: BLE001 - raised by run_watchdog, which then ends
        failures.append(failure)
        stop.set()


def _keep_looking(engine: sa.Engine, watch: Watch, stop: threading.Event) -> None:
    while not stop.wait(LOOK_SECONDS):
        try:
            watch.answered(look(engine), time.monotonic())
            metrics.LOOKED.set_to_current_time()
        except SQLAlchemyError as failure:
            log.warning("watchdog_sees_nothing", service=SERVICE, error=where(failure))


def _keep_ringing(bell: Bell, watch: Watch, stop: threading.Event) -> None:
    """Call out each alarm once; one that nobody took, again for as long as it is on."""
    rung: set[Alarm] = set()
    while not stop.wait(LOOK_SECONDS):
        on = set(watch.on.values())
        rung &= on
        for alarm in sorted(on - rung):
            if bell.ring(alarm):
                rung.add(alarm)
            else:
                log.error("watchdog_not_heard", alarm=alarm.code, channel=bell.name)


def _tell(before: dict[str, Alarm], now: dict[str, Alarm]) -> None:
    for code in MEANS:
        metrics.ALARM.labels(code).set(code in now)
        if code in now and code not in before:
            log.error("watchdog_alarm", service=SERVICE, alarm=code)
        elif code in before and code not in now:
            log.info("watchdog_alarm_over", service=SERVICE, alarm=code)


if __name__ == "__main__":
    main()
