import pytest

from evenkeel_ops import no_skips

pytest_plugins = ["pytester"]

PASSING = "def test_passes(): pass\n"


@pytest.fixture
def run(pytester):
    def run(*arguments):
        return pytester.runpytest_inprocess("-p", "evenkeel_ops.no_skips", *arguments)

    return run


@pytest.mark.parametrize(
    ("absent", "reason"),
    [
        ("import pytest\ndef test_absent(): pytest.skip('no broker')", "no broker"),
        ("import pytest\n@pytest.mark.skip('later')\ndef test_absent(): pass", "later"),
        ("import pytest\n@pytest.mark.skipif(True, reason='old')\ndef test_absent(): pass", "old"),
        ("import pytest\n@pytest.mark.xfail(reason='known')\ndef test_absent(): assert 0", "known"),
        ("import pytest\n@pytest.mark.xfail(reason='known')\ndef test_absent(): pass", "known"),
        ("import pytest\npytest.importorskip('no_such_module')", "no_such_module"),
        (
            "import pytest\n@pytest.mark.parametrize('case', [])\ndef test_absent(case): pass",
            "empty parameter set",
        ),
        (
            "import unittest\nclass Absent(unittest.TestCase):\n"
            "    @unittest.skip('as was')\n    def test_absent(self): pass",
            "as was",
        ),
    ],
)
def test_a_test_that_does_not_run_fails_the_run_and_is_named(pytester, run, absent, reason):
    pytester.makepyfile(test_passing=PASSING, test_absent=absent)
    result = run()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*did not run, which fails the run*", f"*absent*: *{reason}*"])


def test_a_run_of_everything_passes(pytester, run):
    pytester.makepyfile(PASSING)
    result = run()
    assert result.ret == pytest.ExitCode.OK
    result.stdout.no_fnmatch_line("*not all tests*")


@pytest.mark.parametrize("selection", [("-k", "passes"), ("-kpasses",), ("--deselect=test_b.py",)])
def test_who_asks_for_less_gets_less_and_is_told_so(pytester, run, selection):
    pytester.makepyfile(test_a=PASSING, test_b="def test_other(): pass")
    result = run(*selection)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines([f"not all tests: asked for {selection[0]}*"])


def test_who_names_a_path_gets_that_path_and_is_told_so(pytester, run):
    pytester.makepyfile(test_a=PASSING, test_b=PASSING)
    result = run("test_a.py")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["not all tests: asked for test_a.py"])


@pytest.mark.parametrize("hidden_by", ["-k passes", "--deselect test_b.py", "--ignore test_b.py"])
def test_a_configuration_that_leaves_tests_out_fails_the_run(pytester, run, hidden_by):
    pytester.makepyfile(test_a=PASSING, test_b="def test_other(): pass")
    pytester.makeini(f"[pytest]\naddopts = {hidden_by}")
    result = run()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*test_b.py*: *"])


def test_a_conftest_that_leaves_tests_out_fails_the_run(pytester, run):
    pytester.makepyfile(test_a=PASSING)
    pytester.makepyfile(**{"inner/test_b": PASSING})
    pytester.makeconftest("collect_ignore = ['inner']")
    result = run()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*test_b.py: Ignored"])


def test_a_failing_run_stays_a_failing_run(pytester, run):
    pytester.makepyfile("import pytest\ndef test_a(): assert 0\ndef test_b(): pytest.skip('x')")
    assert run().ret == pytest.ExitCode.TESTS_FAILED


def test_wrong_usage_has_its_own_exit_status(monkeypatch, pytester):
    monkeypatch.setattr("sys.argv", ["no_skips", "--no-such-option"])
    assert no_skips.main() == 2


BROWSER = str(no_skips.IN_BROWSER.relative_to(no_skips.ROOT))
ONE = f"{BROWSER}/conftest.py"


@pytest.mark.parametrize(
    ("asked", "here", "in_browser"),
    [
        ([], [], ["-o", f"testpaths={BROWSER}"]),
        (["-q"], ["-q"], ["-q", "-o", f"testpaths={BROWSER}"]),
        (["tests"], ["tests"], ["-o", f"testpaths={BROWSER}"]),
        (["ops", "-x"], ["ops", "-x"], None),
        ([BROWSER, "-x"], None, ["-x", BROWSER]),
        ([f"{ONE}::test_a"], None, [f"{ONE}::test_a"]),
        (["ops", ONE], ["ops"], [ONE]),
        ([BROWSER, "ops", "-q"], ["ops", "-q"], ["-q", BROWSER]),
        (["-k", "ops"], ["-k", "ops"], ["-k", "ops", "-o", f"testpaths={BROWSER}"]),
    ],
)
def test_the_browsers_tests_have_a_process_of_their_own(monkeypatch, asked, here, in_browser):
    monkeypatch.chdir(no_skips.ROOT)
    assert no_skips.apart(asked)[0] == here
    alone = no_skips.apart(asked)[1]
    assert (alone and alone[3:]) == in_browser
    assert alone is None or alone[0] == f"--confcutdir={no_skips.IN_BROWSER}"


@pytest.mark.parametrize(
    ("found", "status"),
    [([0], 0), ([0, 0], 0), ([0, 1], 1), ([1, 0], 1), ([5], 1), ([5, 0], 0), ([0, 5], 0),
     ([5, 5], 1), ([5, 1], 1), ([4], 2)],
)  # fmt: skip
def test_no_tests_in_one_of_two_places_are_no_failure(found, status):
    assert no_skips.status_of(found) == status
