"""What befalls the ladder besides the death of a sweeper: its database, its own standing still, and
those who carry its pages. Each function is one misfortune of a drill and ends with a verdict."""

import contextlib
import signal
import time
from collections.abc import Iterator

import psycopg2
import sqlalchemy as sa

from crisis.paging.page import Page
from evenkeel_ops.drills.drill import stop_at
from evenkeel_ops.drills.ladders import LadderDrill
from evenkeel_ops.drills.repertoire import Outcome, Told, silent

CASES, WITHIN = 20, 3.0
LATE_WHEN_LOCKED = 30.0


def database_dies(drill: LadderDrill, times: int, told: Told = silent) -> Outcome:
    """D1: the whole server is killed again and again while cases become due."""
    _start_two(drill)
    for _ in range(times):
        drill.open_cases(CASES, WITHIN)
        time.sleep(drill.chance.uniform(0.2, WITHIN))  # the random instant
        told("database")
        drill.nodes.postgres.kill()
        drill.database.close()
        drill.nodes.postgres.start()
    return Outcome(times, drill.verdict())


def connections_are_taken(drill: LadderDrill, seconds: float, told: Told = silent) -> Outcome:
    """D4: nobody gets a connection any more; a sweeper has its own."""
    _start_two(drill)
    drill.open_cases(CASES, seconds)
    told("every connection")
    with _all_connections(drill):
        time.sleep(seconds)  # as long as it lasts
    return Outcome(1, drill.verdict())


def table_is_locked(drill: LadderDrill, seconds: float, told: Told = silent) -> Outcome:
    """D5: somebody holds the table of the cases. What was due may be as late as that lasts."""
    drill.late_seconds = LATE_WHEN_LOCKED
    _start_two(drill)
    drill.open_cases(CASES, WITHIN)
    told("cases")
    with contextlib.closing(drill.nodes.postgres.connect(drill.name)) as connection:
        connection.autocommit = False
        connection.cursor().execute("LOCK TABLE cases IN ACCESS EXCLUSIVE MODE")
        time.sleep(seconds)  # as long as it lasts
    return Outcome(1, drill.verdict())


def sweeper_stands_still(drill: LadderDrill, point: str, told: Told = silent) -> Outcome:
    """W2: a sweeper stops in the middle of a transaction, others take over, and it goes on."""
    drill.open_cases(CASES, WITHIN)
    told(point)
    still = stop_at(drill.start, point, 2, drill.nodes.directory)
    drill.sweepers.clear()
    _start_two(drill)
    first = drill.verdict()
    still.send(signal.SIGCONT)
    drill.sweepers.append(still)
    drill.open_cases(CASES, WITHIN)
    return Outcome(1, drill.verdict(), faults=[str(first)] if first.violations else [])


def providers_refuse(drill: LadderDrill, seconds: float, told: Told = silent) -> Outcome:
    """N1, N4: everybody who carries pages refuses. Nothing counts as sent; afterwards all is."""
    _start_two(drill)
    told("provider")
    drill.provider.fail("mail_a", refuse=451)
    drill.open_cases(CASES, WITHIN)
    time.sleep(seconds)  # as long as it lasts
    with drill.database.work() as db:
        believed = db.scalar(sa.select(sa.func.count()).where(Page.state == "sent"))
    drill.provider.fail("mail_a")
    faults = [f"{believed} pages count as sent, which nobody accepted"] if believed else []
    return Outcome(1, drill.verdict(), faults=faults)


def replies_are_lost(drill: LadderDrill, seconds: float, told: Told = silent) -> Outcome:
    """N2: pages are accepted, and the provider hangs up before it says so."""
    _start_two(drill)
    told("reply")
    drill.provider.fail("mail_a", lose_reply=True)
    drill.open_cases(CASES, WITHIN)
    time.sleep(seconds)  # as long as it lasts
    drill.provider.fail("mail_a")
    return Outcome(1, drill.verdict())


def _start_two(drill: LadderDrill) -> None:
    for _ in range(2):
        drill.start()
    drill.until_swept()


@contextlib.contextmanager
def _all_connections(drill: LadderDrill) -> Iterator[None]:
    """Every connection that the server still gives."""
    with contextlib.ExitStack() as held:
        with contextlib.suppress(psycopg2.OperationalError):
            while True:
                held.enter_context(contextlib.closing(drill.nodes.postgres.connect(drill.name)))
        yield
