"""The sweeper: whatever happens to broker, web and hub, every case climbs when it is due.

`python -m crisis.sweeper` is a process of its own, without nameko and broker, that sweeps once a
second and sends the pages; any number of them, here and there, are safe together.
"""

import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, mapped_column

from catalogue.streams import ANNOUNCES, HEARS
from chassis import lives, logs, migrations
from chassis.clock import SystemClock
from chassis.crash_points import reached
from chassis.database import Database, Session, insert_into, retryable
from chassis.details import Vault
from chassis.lives import NotReconciled
from chassis.logs import log, where
from chassis.migrations import NotMigrated
from chassis.settings import WrongSettings
from crisis import ladder, metrics
from crisis.case import CALLING, Case
from crisis.paging.sender import PAUSE_SECONDS, Sender
from crisis.processes import PortInUse, show_metrics, stop_at_sigterm
from crisis.record.checkpoint import LOOK_SECONDS, sign_ends
from crisis.rules import Lapse, Step
from crisis.settings import Settings
from crisis.tables import Base

SERVICE = "crisis"
INTERVAL_SECONDS = 1.0
CASES_A_TRANSACTION = 1000
FORGET_AFTER = timedelta(days=1)

_PATIENCE = {
    "connect_timeout": "3",
    "tcp_user_timeout": "5000",
    "application_name": "crisis sweeper",
}


class Sweeper(Base):
    """A heartbeat, for the watchdog: when this sweeper last got through. The newest counts."""

    __tablename__ = "sweepers"

    name: Mapped[str] = mapped_column(sa.String(96), primary_key=True)
    beat_at: Mapped[datetime]


def name_of_this_process() -> str:
    """Under which a sweeper's heartbeat is found."""
    return f"{socket.gethostname()}:{os.getpid()}"


def sweep(database: Database, name: str | None = None) -> int:
    """Climb every case that is due, until none is. Returns how many climbed.

    A case that cannot climb is found by halving, passed over this time, and counted; it never
    keeps back another.
    """
    name = name or name_of_this_process()
    climbed, stuck, limit = 0, [], CASES_A_TRANSACTION
    while True:
        due: list[UUID] = []
        try:
            steps, at = _climb_due(database, name, limit, stuck, due)
        except Exception as failure:
            if retryable(failure) or not due:
                raise
            limit = len(due) // 2
            if not limit:
                stuck += due
                limit = CASES_A_TRANSACTION
                metrics.STUCK.inc()
                log.error("case_stuck", case_id=str(due[0]), error=where(failure))
            continue
        metrics.count_steps(steps, at)
        if not due:
            metrics.HEARTBEAT.set(at.timestamp())
            return climbed
        climbed += len(due)


def _climb_due(
    database: Database, name: str, limit: int, stuck: list[UUID], due: list[UUID]
) -> tuple[list[Step | Lapse], datetime]:
    """One transaction. `due` tells whom it was about, also when it fails."""
    with database.work() as db:
        cases = ladder.due(db, limit=limit, at=db.now, passing_over=stuck)
        due += [case.id for case in cases]
        steps = ladder.climb_all(db, cases, at=db.now)
        _beat(db, name)
        if not due:
            _measure_oldest(db)
        reached("sweeper.before_commit", due)
    reached("sweeper.after_commit", due)
    return steps, db.now


def _beat(db: Session, name: str) -> None:
    """Replicas beat for the first time together, and those that are gone are forgotten."""
    connection = db.connection()
    beat = insert_into(db, Sweeper).values(name=name, beat_at=db.now)
    now = {"beat_at": beat.excluded.beat_at}
    connection.execute(beat.on_conflict_do_update(index_elements=["name"], set_=now))
    connection.execute(sa.delete(Sweeper).where(Sweeper.beat_at < db.now - FORGET_AFTER))


def _measure_oldest(db: Session) -> None:
    oldest = sa.select(Case.tier, sa.func.min(Case.raised_at)).where(
        Case.state.in_(CALLING), Case.drill_ends_at.is_(None)
    )
    since = {row[0]: row[1] for row in db.execute(oldest.group_by(Case.tier))}
    for tier, severity in metrics.SEVERITY.items():
        age = (db.now - since[tier]).total_seconds() if tier in since else 0.0
        metrics.OLDEST.labels(severity).set(age)


def run_sweeper(settings: Settings, stop: threading.Event | None = None) -> None:
    """Sweep and send until told to stop by SIGTERM or the event.

    Ends by itself only when a part of it failed for good: then the supervisor starts it anew.
    Raises NotMigrated, NotReconciled or PortInUse.
    """
    stop = stop or stop_at_sigterm()
    show_metrics(settings.internal_host, settings.internal_port)
    failures: list[Exception] = []

    def part(run: Callable[[], object], seconds: float) -> threading.Thread:
        return threading.Thread(target=_repeat, args=(run, seconds, stop, failures), daemon=True)

    ladders, pages = _database(settings), _database(settings)
    _refuse_wrong_database(ladders, stop)
    sender = Sender(pages, Vault(settings.details_key), settings)
    parts = [
        part(lambda: sweep(ladders), INTERVAL_SECONDS),
        part(sender.step, PAUSE_SECONDS),
        part(lambda: sign_ends(pages, settings.timeline_key), LOOK_SECONDS),
    ]
    for one in parts:
        one.start()
    log.info("sweeper_started", service=SERVICE)
    while not stop.wait(INTERVAL_SECONDS):
        pass
    for one in parts:
        one.join(INTERVAL_SECONDS)
    if failures:
        raise failures[0]


def main() -> None:
    """The process. What it refuses to start with is said in a line each."""
    logs.configure()
    try:
        run_sweeper(Settings.read(SERVICE, os.environ))
    except WrongSettings as wrong:
        for mistake in wrong.mistakes:
            print(f"evenkeel: {mistake}", file=sys.stderr)
        raise SystemExit(2) from None
    except (PortInUse, NotMigrated, NotReconciled) as refused:
        raise SystemExit(f"evenkeel: {refused}") from None


def _refuse_wrong_database(database: Database, stop: threading.Event) -> None:
    """Raises NotMigrated or NotReconciled. A lost database is waited for."""
    while not stop.is_set():
        try:
            migrations.refuse_other_revision(database)
            return lives.refuse_restored(database)
        except SQLAlchemyError as failure:
            if not retryable(failure):
                raise
            log.warning("sweeper_waits_for_database", service=SERVICE, error=where(failure))
        stop.wait(INTERVAL_SECONDS)
    return None


def _repeat(
    run: Callable[[], object], seconds: float, stop: threading.Event, failures: list[Exception]
) -> None:
    """Run again and again, a pause after each start. A lost database is waited for."""
    while not stop.is_set():
        started = time.monotonic()
        try:
            run()
        except SQLAlchemyError as failure:
            if not retryable(failure):
                failures.append(failure)
                stop.set()
            log.warning("sweeper_waits_for_database", service=SERVICE, error=where(failure))
        except Exception as failure:  # noqa: BLE001 - raised by run_sweeper, which then ends
            failures.append(failure)
            stop.set()
        stop.wait(max(0.0, seconds - (time.monotonic() - started)))


def _database(settings: Settings) -> Database:
    """Connections of this part's own, that give up on a silent server within seconds."""
    url = make_url(settings.work_database_url)
    if url.get_backend_name() == "postgresql":
        url = url.update_query_dict(_PATIENCE)
    plain = url.render_as_string(hide_password=False)
    anybody_hears = {stream for streams in HEARS.values() for stream in streams}
    heard = frozenset(s.name for s in ANNOUNCES[SERVICE] if s in anybody_hears)
    return Database(SERVICE, http_url=plain, work_url=plain, clock=SystemClock(), heard=heard)


if __name__ == "__main__":
    main()
