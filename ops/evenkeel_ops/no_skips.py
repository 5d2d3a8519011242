"""A pytest plugin: a test that does not run fails the run, unless who started it asked for less.

As a program it is pytest with this plugin, in a process where nothing was imported that eventlet
stumbles over when it patches.
"""

import shutil
import sys
from pathlib import Path

import pytest

from evenkeel_ops.machine import ROOT

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
    return not roots or any(path.is_relative_to(root) for root in roots)


def reason_of(report: pytest.CollectReport | pytest.TestReport) -> str:
    return str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)


def main() -> int:
    logs = ROOT / ".evenkeel" / "test"
    shutil.rmtree(logs, ignore_errors=True)
    plugins = ["-p", "evenkeel_ops.no_skips", "-p", "evenkeel_ops.side_by_side"]
    status = pytest.main([*plugins, *sys.argv[1:]])
    print(f"logs of PostgreSQL and RabbitMQ: {logs}")
    return {0: 0, int(pytest.ExitCode.USAGE_ERROR): 2}.get(int(status), 1)


if __name__ == "__main__":
    sys.exit(main())
