"""A pytest plugin: two processes share the tests, which wait more than they work.

They are forks of this one, made when all tests are collected. Each takes the next room of tests
that nobody has taken, one library, service or kind, and starts nodes of its own; what it reports
is told here, as if it had happened here.
"""

import os
import signal
import traceback
import warnings
from collections.abc import Iterator
from itertools import chain, groupby, pairwise
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import Any

import eventlet.hubs
import pytest
from _pytest import runner

from evenkeel_ops.no_skips import narrows

RECORD = 4
"""Bytes of the number of a room in the pipe from which the processes take turns."""

Rooms = list[list[pytest.Item]]


def pytest_addoption(parser: pytest.Parser) -> None:
    told = "how many processes share the tests (2 for all tests, 1 for some and with -s or --pdb)"
    parser.addoption("--processes", type=int, metavar="N", help=told)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """None leaves it to pytest, which also says what could not be collected."""
    count = processes(session.config)
    if count < 2 or session.testsfailed or session.config.option.collectonly:
        return None
    root = session.config.rootpath
    rooms = groupby(session.items, lambda item: item.path.relative_to(root).parts[:2])
    terminal: Any = session.config.pluginmanager.getplugin("terminalreporter")
    terminal.showfspath = False
    share(session, [list(items) for _, items in rooms], count)
    return True


def processes(config: pytest.Config) -> int:
    option = config.option
    if option.processes is not None:
        return option.processes
    is_some = any(narrows(word, config) for word in config.invocation_params.args)
    at_the_terminal = option.capture == "no" or option.usepdb or option.trace
    return 1 if is_some or at_the_terminal else 2


def share(session: pytest.Session, rooms: Rooms, count: int) -> None:
    turns, deal = os.pipe()
    os.write(deal, b"".join(n.to_bytes(RECORD, "big") for n in range(len(rooms))))
    os.close(deal)
    config: Any = session.config
    config._tmp_path_factory.getbasetemp()  # made before the forks, it is one for all of them
    workers = [Worker(session, taken(turns, rooms)) for _ in range(count)]
    os.close(turns)
    try:
        while running := [worker for worker in workers if not worker.reports.closed]:
            ready = wait([worker.reports for worker in running])
            for worker in running:
                if worker.reports in ready:
                    worker.tell(session)
    finally:
        for worker in workers:
            worker.end()
    if sum(worker.done for worker in workers) != len(session.items):
        fail(session, "not every test was run")


def taken(turns: int, rooms: Rooms) -> Iterator[pytest.Item]:
    """The tests of the rooms that this process gets, each asked for when it is free."""
    while number := os.read(turns, RECORD):
        yield from rooms[int.from_bytes(number, "big")]


class Worker:
    """A fork that runs tests, as the process sees it that tells what came of them."""

    def __init__(self, session: pytest.Session, items: Iterator[pytest.Item]):
        self.reports, reporting = Pipe(duplex=False)
        self.done = 0
        self._said_last = "its first test"
        with warnings.catch_warnings(action="ignore"):  # eventlet's: it was not used yet
            self._number = os.fork()
        if self._number == 0:
            live(session, items, reporting)
        reporting.close()

    def tell(self, session: pytest.Session) -> None:
        """What the worker reports next, or that it has ended."""
        try:
            told = self.reports.recv()
        except EOFError:
            self._ended(session)
        else:
            self._repeat(session, told)

    def end(self) -> None:
        if not self.reports.closed:
            self.reports.close()
            os.kill(self._number, signal.SIGINT)
            os.waitpid(self._number, 0)

    def _ended(self, session: pytest.Session) -> None:
        self.reports.close()
        _, status = os.waitpid(self._number, 0)
        if status != 0:
            code = os.waitstatus_to_exitcode(status)
            fail(session, f"a process ended with {code} in or after {self._said_last}")

    def _repeat(self, session: pytest.Session, told: dict[str, Any]) -> None:
        hook = session.config.hook
        if "warning_message" in told:
            hook.pytest_warning_recorded.call_historic(kwargs=told)
            return
        report = hook.pytest_report_from_serializable(config=session.config, data=told)
        self._said_last = report.nodeid
        if report.when == "setup":
            hook.pytest_runtest_logstart(nodeid=report.nodeid, location=report.location)
        hook.pytest_runtest_logreport(report=report)
        if report.when == "teardown":
            self.done += 1
            hook.pytest_runtest_logfinish(nodeid=report.nodeid, location=report.location)
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)


def fail(session: pytest.Session, why: str) -> None:
    session.shouldfail = why
    raise session.Failed(why)


class Reporting:
    """What pytest would tell the terminal goes to the process that has it."""

    def __init__(self, config: pytest.Config, reports: Connection):
        self._config = config
        self._reports = reports

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        hook = self._config.hook
        self._reports.send(hook.pytest_report_to_serializable(config=self._config, report=report))

    def pytest_warning_recorded(
        self, warning_message: warnings.WarningMessage, when: str, nodeid: str, location: Any
    ) -> None:
        if when != "runtest":  # was told before the fork
            return
        one = warning_message
        words = warnings.WarningMessage(str(one.message), one.category, one.filename, one.lineno)
        told = {"warning_message": words, "when": when, "nodeid": nodeid, "location": location}
        self._reports.send(told)


def live(session: pytest.Session, items: Iterator[pytest.Item], reports: Connection) -> None:
    """The life of a fork, which never returns to where it was born."""
    status = 1
    try:
        stand_alone(session.config, reports)
        work(session, items)
        status = 0
    except Exception:
        traceback.print_exc()
        raise
    finally:
        os._exit(status)


def work(session: pytest.Session, items: Iterator[pytest.Item]) -> None:
    try:
        for item, following in pairwise(chain(items, [None])):
            session.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
    finally:
        runner.pytest_sessionfinish(session)


def stand_alone(config: pytest.Config, reports: Connection) -> None:
    """The hub, the file of what is printed and the terminal must not be shared."""
    signal.signal(signal.SIGINT, interrupt_once)
    eventlet.hubs.use_hub()
    plugins = config.pluginmanager
    capture: Any = plugins.getplugin("capturemanager")
    capture.stop_global_capturing()
    capture.start_global_capturing()
    plugins.unregister(name="terminalreporter")
    plugins.register(Reporting(config, reports))


def interrupt_once(*_: Any) -> None:
    """Ctrl-C reaches every process, and again by who waits for it: it must not cut cleaning up."""
    signal.signal(signal.SIGINT, lambda *_: None)
    raise KeyboardInterrupt
