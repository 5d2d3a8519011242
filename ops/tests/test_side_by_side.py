import pytest

from evenkeel_ops.side_by_side import processes

pytest_plugins = ["pytester"]

PLUGINS = ("-p", "evenkeel_ops.no_skips", "-p", "evenkeel_ops.side_by_side")
PASSING = "def test_passes(): pass\n"
TELLING = """
import os, pathlib, pytest

@pytest.fixture(scope="session")
def here():
    file = pathlib.Path("{root}", f"{{os.getpid()}}.log")
    file.write_text("")
    yield file
    file.write_text(file.read_text() + "ended")

@pytest.mark.parametrize("n", range(3))
def test_told(here, n, tmp_path):
    here.write_text(f"{{here.read_text()}}{letter}")
    while len(list(here.parent.glob("*.log"))) < 2:
        os.sched_yield()
"""


@pytest.fixture
def run(pytester, monkeypatch):
    """Runs these files, each in a directory of its own, with `--processes 2`."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def run(*arguments, **files):
        pytester.makepyfile(**{f"{name}/test_{name}": text for name, text in files.items()})
        return pytester.runpytest_subprocess(*PLUGINS, "--processes", "2", *arguments)

    return run


def test_each_process_runs_whole_directories_with_fixtures_of_its_own(pytester, run):
    result = run(**{x: TELLING.format(root=pytester.path, letter=x) for x in ("a", "b")})
    result.assert_outcomes(passed=6)
    logs = sorted(log.read_text() for log in pytester.path.glob("*.log"))
    assert logs == ["aaaended", "bbbended"]


@pytest.mark.parametrize(
    ("absent", "reason"),
    [
        ("import pytest\ndef test_absent(): pytest.skip('no broker')", "no broker"),
        ("import pytest\n@pytest.mark.xfail(reason='known')\ndef test_absent(): assert 0", "known"),
        ("import pytest\npytest.importorskip('no_such_module')", "no_such_module"),
    ],
)
def test_a_test_that_does_not_run_fails_the_run_and_is_named(run, absent, reason):
    result = run(a=PASSING, b=absent)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*did not run, which fails the run*", f"*b*: *{reason}*"])


def test_a_failure_is_told_with_what_was_printed(run):
    result = run(a=PASSING, b="def test_fails():\n    print('so', 'it', 'was')\n    assert 1 == 2")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*assert 1 == 2*", "so it was", "FAILED b/test_b.py::test_fails*"])


def test_a_warning_is_told(run):
    result = run(a="import warnings\ndef test_warns(): warnings.warn('mind the step')", b=PASSING)
    result.stdout.fnmatch_lines(["a/test_a.py::test_warns", "*UserWarning: mind the step"])


@pytest.mark.parametrize(
    ("death", "said"),
    [
        ("os.kill(os.getpid(), 9)", "*ended with -9 in or after a/test_a.py::test_dies*"),
        ("os._exit(0)", "*not every test was run*"),
    ],
)
def test_a_process_that_dies_fails_the_run_and_says_where(run, death, said):
    result = run(a=f"import os\ndef test_dies(): {death}", b=PASSING)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines([said])


def test_who_stops_at_the_first_failure_does_not_wait_for_the_other_process(run):
    endless = "import time\ndef test_waits():\n    while True: time.sleep(0.01)"
    result = run("-x", a="def test_fails(): assert 0", b=endless)
    assert result.ret == pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        ((), 2), (("-q", "--durations=9"), 2), (("-s",), 1), (("--pdb",), 1), (("-k", "a"), 1),
        (("inner",), 1), (("inner", "--processes", "2"), 2), (("--processes=1",), 1),
    ],
)  # fmt: skip
def test_all_tests_are_shared_and_a_selection_is_not(pytester, arguments, count):
    pytester.mkdir("inner")
    assert processes(pytester.parseconfig(*PLUGINS, *arguments)) == count
