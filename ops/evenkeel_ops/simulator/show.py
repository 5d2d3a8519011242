"""The show: a house, its people and their ledger, from an empty directory to the balance."""

import fcntl
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from chassis import logs
from evenkeel_ops.house import House, NotQuiet
from evenkeel_ops.outage import Outage
from evenkeel_ops.providers.running import providers
from evenkeel_ops.sabotage import sabotage
from evenkeel_ops.simulator.act import Act
from evenkeel_ops.simulator.balance import PROVIDERS, balance
from evenkeel_ops.simulator.course import Course, KeptClock, Stopped, Tell
from evenkeel_ops.simulator.day import DAY, Plan, local, plan
from evenkeel_ops.simulator.everybody import everybody
from evenkeel_ops.simulator.ledger import FILE, Ledger
from evenkeel_ops.simulator.operator import Operator
from evenkeel_ops.simulator.pages import DESK, paged
from evenkeel_ops.simulator.people import Cast
from evenkeel_ops.simulator.scenario import planned, play
from evenkeel_ops.simulator.story import Story
from evenkeel_ops.simulator.wanted import Wanted
from evenkeel_ops.simulator.witness import WitnessedFront
from web.listening import PortInUse

SENDER = "appointments@example.org"
NOTED = ("seed", "clinics", "participants")


class CannotShow(Exception):
    """Why there is no show, in one line."""


class EndsTooEarly(Exception):
    """The day would be over before its outage; the argument is when that begins, as HH:MM."""


class Show:
    """One run of the demo in its directory."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.directory = wanted.directory
        self.outage = Outage()
        self.first_event_seconds: float | None = None
        self.not_quiet: str | None = None
        self.course: Course | None = None

    def run(self) -> dict[str, Any]:
        """Run the day. Returns what came of it; of one that somebody stopped, its exit status too.

        Raises CannotShow or EndsTooEarly.
        """
        try:
            with _asked_to_stop(self._stop):
                self._run()
                return self._told()
        except Stopped as stopped:
            return {**self._begun(), "stopped": True, "exit_status": stopped.code}

    def _run(self) -> None:
        with ExitStack() as going:
            self._must_be_possible(going)
            ledger = self._ledger()
            going.callback(ledger.close)
            cast = Cast(*(ledger.noted(name) for name in NOTED))
            day = self._planned(cast)
            self.story = Story(cast, self.wanted, day)
            try:
                self._play(going, ledger, day)
            except Stopped:
                self.story.stopped(self.directory)
                raise
            except NotQuiet as reason:
                self.not_quiet = str(reason)
                self.story.not_quiet(self.not_quiet)

    def _stop(self, number: int, _frame: Any) -> None:
        """End after the act that is under way; before the first one, at once."""
        if self.course is None:
            raise Stopped(number)
        self.course.stopping = number

    def _must_be_possible(self, going: ExitStack) -> None:
        if not self.wanted.resume:
            self._planned(Cast(*(getattr(self.wanted, name) for name in NOTED)))
        if not _is_free(self.wanted.port):
            port = self.wanted.port
            raise CannotShow(f"port {port} is in use; try ./evenkeel demo --port {port + 1}")
        if self.directory.is_file() or self.directory == self.directory.parent:
            raise CannotShow(f"{self.directory} is no directory for a demo")
        going.enter_context(_alone(self.directory))
        is_there = (self.directory / FILE).exists()
        if self.wanted.resume and not is_there:
            raise CannotShow(f"nothing to resume in {self.directory}: run ./evenkeel demo")
        if self.wanted.resume or not self.directory.exists():
            return
        if not is_there and any(self.directory.iterdir()):
            raise CannotShow(f"{self.directory} holds something else than a demo")
        _empty(self.directory)

    def _planned(self, cast: Cast) -> Plan:
        """The day of a cast. Raises EndsTooEarly."""
        day, zone = planned(plan(cast), self.wanted.scenario), cast.clinics[0].zone
        self.until = day.ends_at
        if self.wanted.until is not None:
            self.until = local(DAY, self.wanted.until, zone)
        if self.wanted.outage_seconds and self.until <= day.outage_at:
            raise EndsTooEarly(f"{day.outage_at.astimezone(ZoneInfo(zone)):%H:%M}")
        return day

    def _ledger(self) -> Ledger:
        ledger = Ledger(self.directory)
        for name in NOTED:
            if ledger.noted(name) is None:
                ledger.note(name, getattr(self.wanted, name))
        return ledger

    def _play(self, going: ExitStack, ledger: Ledger, day: Plan) -> None:
        clock = KeptClock(ledger, day.before[0].at)
        house = self._house(going, clock, ledger)
        operator = Operator(ledger, house.issuer, house.address)
        going.callback(operator.close)
        course = self.course = Course(house, clock, operator, ledger, self._teller(house))
        course.prepare(day)
        self.story.morning(house.address, ledger)
        wanted, until = self.wanted, self.until
        if wanted.scenario:
            away = play(wanted.scenario, course, day, until, self.outage, self.outside)
            ledger.note("outages", away)
        elif wanted.outage_seconds:
            course.run_without(self.outage, wanted.outage_seconds, day, until, wanted.speed)
        else:
            course.run(day, until, wanted.speed)
        course.come_to_rest()

    def _house(self, going: ExitStack, clock: KeptClock, ledger: Ledger) -> House:
        """A started house that writes its log to a file and whose mail nobody sends on."""
        logs.configure(stream=going.enter_context((self.directory / "log.jsonl").open("a")))
        ours = providers(self.directory / PROVIDERS, clock=self.directory / FILE)
        self.outside = going.enter_context(ours)
        house = House.embedded(
            self.directory,
            clock=clock,
            port=self.wanted.port,
            settings={
                "EVENKEEL_SMTP_URL": self.outside.smtp_url(),
                "EVENKEEL_SENDER": SENDER,
                "EVENKEEL_CRISIS_DESK": DESK,
                "EVENKEEL_ORIGIN": f"http://127.0.0.1:{self.wanted.port}",
            },
            broker_class=self.outage.broker,
            people=partial(everybody, Cast(*(ledger.noted(name) for name in NOTED)), ledger),
            front_class=partial(WitnessedFront, ledger),
        )
        began = time.monotonic()
        house.migrate()
        self.story.migrated(self.directory, time.monotonic() - began)
        try:
            house.start()
        except PortInUse as taken:
            raise CannotShow(str(taken)) from None
        going.callback(house.stop)
        if self.wanted.sabotage:
            sabotage(self.wanted.sabotage, house.process.runtimes, self.wanted.seed)
        return house

    def _teller(self, house: House) -> Tell:
        """Tells each act, and before them the first event that this run announced."""
        before = house.announced_so_far()

        def tell(act: Act, granted: bool) -> None:
            if self.first_event_seconds is None and house.announced_so_far() > before:
                self.first_event_seconds = time.time() - self.wanted.started_at
                self.story.first_event(self.first_event_seconds)
            self.story.tell(act, granted)

        return tell

    def _told(self) -> dict[str, Any]:
        ledger = Ledger(self.directory)
        found = balance(self.directory)
        told = {
            **self._begun(),
            "stopped": False,
            "seed": ledger.noted("seed"),
            "people": ledger.people(),
            "events": found.events,
            "lost": found.lost,
            "duplicated": found.duplicated,
            "out_of_order": found.out_of_order,
            "outages": ledger.noted("outages") or 0,
            "pages": paged(self.directory).told(),
            "not_quiet": self.not_quiet,
            "findings": [f"{one.kind}: {one.says}" for one in found.findings],
        }
        ledger.close()
        self.story.closing(told)
        return told

    def _begun(self) -> dict[str, Any]:
        """What is known of a day as soon as it was asked for."""
        return {
            "seed": self.wanted.seed,
            "first_event_s": self.first_event_seconds and round(self.first_event_seconds, 2),
            "wall_s": round(time.time() - self.wanted.started_at, 2),
        }


def _empty(directory: Path) -> None:
    """Removes what is in it, and not itself: it may be where a disk is mounted."""
    for one in directory.iterdir():
        if one.is_dir() and not one.is_symlink():
            shutil.rmtree(one)
        else:
            one.unlink()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Nobody else runs a demo in this directory, which may be emptied meanwhile."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    with directory.with_name(f"{directory.name}.lock").open("w") as turn:
        try:
            fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotShow(f"another demo is running in {directory}") from None
        yield


@contextmanager
def _asked_to_stop(stop: Callable[[int, Any], None]) -> Iterator[None]:
    """Ctrl-C and SIGTERM are asked, not obeyed by whatever happens to run."""
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
