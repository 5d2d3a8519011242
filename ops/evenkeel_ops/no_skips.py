"""A pytest plugin: a test that does not run fails the run, unless who started it asked for less.

As a program it is pytest with this plugin, in a process where nothing was imported that eventlet
stumbles over when it patches.
"""

import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from evenkeel_ops.machine import ROOT

IN_BROWSER = ROOT / "tests" / "browser"
UNPATCHED = "--suppress-nameko-eventlet-notification"
TAKES_A_WORD = ("-k", "-m", "-o", "-p", "-W", "-c", "-r")
STOP_AT_ONCE = {"-x", "--exitfirst"}
NO_TESTS, USAGE_ERROR = int(pytest.ExitCode.NO_TESTS_COLLECTED), int(pytest.ExitCode.USAGE_ERROR)

SHORT = ("-k", "-m")
LONG = {
    "--collect-only",
    "--co",
    "--deselect",
    "--ignore",
    "--ignore-glob",
    "--last-failed",
    "--lf",
    "--stepwise",
    "--sw",
}


class NoSkips:
    def __init__(self, narrowed_by: list[str]):
        self.narrowed_by = narrowed_by
        self.absent: dict[str, str] = {}

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self.absent[report.nodeid] = reason_of(report)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if hasattr(report, "wasxfail"):
            self.absent[report.nodeid] = f"Expected to fail: {report.wasxfail}"
        elif report.skipped:
            self.absent[report.nodeid] = reason_of(report)

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        if not self.narrowed_by:
            self.absent |= {item.nodeid: "Deselected" for item in items}

    @pytest.hookimpl(wrapper=True)
    def pytest_ignore_collect(self, collection_path: Path, config: pytest.Config):
        is_ignored = yield
        if is_ignored and not self.narrowed_by and is_ours(collection_path, config):
            hidden = [collection_path, *collection_path.rglob("*")]
            self.absent |= {str(path): "Ignored" for path in hidden if path.match("test_*.py")}
        return is_ignored

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.absent and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.narrowed_by:
            terminalreporter.write_line(f"not all tests: asked for {' '.join(self.narrowed_by)}")
        if self.absent:
            terminalreporter.section("did not run, which fails the run", red=True)
            for test, reason in self.absent.items():
                terminalreporter.write_line(f"{test}: {reason}")


def pytest_configure(config: pytest.Config) -> None:
    typed = config.invocation_params.args
    config.pluginmanager.register(NoSkips([word for word in typed if narrows(word, config)]))


def narrows(word: str, config: pytest.Config) -> bool:
    """Options in a configuration file do not count: nobody asked for those just now."""
    is_short = word.startswith(SHORT) and not word.startswith("--")
    return is_short or word.partition("=")[0] in LONG or word in config.args


def is_ours(path: Path, config: pytest.Config) -> bool:
    """Whether tests are looked for there; pytest also looks at what lies beside, `.venv` say."""
    roots = [config.rootpath / root for root in config.getini("testpaths")]
    if path.is_relative_to(IN_BROWSER):
        return False  # a process of its own runs them
    return not roots or any(path.is_relative_to(root) for root in roots)


def reason_of(report: pytest.CollectReport | pytest.TestReport) -> str:
    return str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)


def main() -> int:
    """Everything but the browser's tests here, then those in a process that is not patched."""
    logs = ROOT / ".evenkeel" / "test"
    shutil.rmtree(logs, ignore_errors=True)
    here, in_browser = apart(sys.argv[1:])
    plugins = ["-p", "evenkeel_ops.no_skips", "-p", "evenkeel_ops.side_by_side"]
    found = []
    if here is not None:
        found.append(int(pytest.main([*plugins, *here])))
        print(f"logs of PostgreSQL and RabbitMQ: {logs}")
    is_over = any(found) and (USAGE_ERROR in found or STOP_AT_ONCE & set(sys.argv))
    if in_browser is not None and not is_over:
        command = [sys.executable, "-P", "-m", "pytest", *plugins, *in_browser]
        found.append(subprocess.call(command, cwd=ROOT))
    return status_of(found)


def apart(arguments: list[str]) -> tuple[list[str] | None, list[str] | None]:
    """What pytest is asked here and in the browser's process; None for nothing.

    The browser is driven through asyncio, which does not end in a process that eventlet patched:
    there the conftest of the whole checkout, which patches, is cut off.
    """
    words = [one for before, one in pairwise(["", *arguments]) if before not in TAKES_A_WORD]
    paths = {one: Path(one.partition("::")[0]).absolute() for one in words if one[:1] != "-"}
    paths = {one: path for one, path in paths.items() if path.exists()}
    inside = [one for one, path in paths.items() if path.is_relative_to(IN_BROWSER)]
    above = any(path in IN_BROWSER.parents for path in paths.values())
    options = [one for one in arguments if one not in paths]
    alone = [f"--confcutdir={IN_BROWSER}", "--processes=1", UNPATCHED, *options]
    here = None if inside and len(inside) == len(paths) else arguments
    if not paths or above:
        return here, [*alone, "-o", f"testpaths={IN_BROWSER.relative_to(ROOT)}"]
    here = here and [one for one in here if one not in inside]
    return here, [*alone, *inside] if inside else None


def status_of(found: list[int]) -> int:
    """No tests in one of two places are none of a problem; in all places they are."""
    if len(found) > 1 and NO_TESTS in found:
        found = [one for one in found if one != NO_TESTS] or found
    if USAGE_ERROR in found:
        return 2
    return int(any(found))


if __name__ == "__main__":
    sys.exit(main())
