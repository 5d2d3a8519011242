"""What the README tells a newcomer to type is what there is to be typed."""

import re
import shlex

import pytest
import typer

from evenkeel_ops import cli
from tests.architecture.readme import BLOCK, END_OF_FIRST_SCREEN, README, commands

TEXT = README.read_text()
FIRST_WORDS = (["git", "clone"], ["cd", "evenkeel"])
WrongUsage = typer.BadParameter.__mro__[1]


def test_the_first_screen_clones_tries_and_checks():
    found = commands(TEXT)
    assert [one.split()[0] for one in found[:2]] == ["git", "cd"]
    assert "./evenkeel demo" in found
    assert found[-1] == "./evenkeel test"


@pytest.mark.parametrize("command", commands(TEXT))
def test_every_command_of_the_first_screen_is_one_that_there_is(command):
    must_be_known(command)


def test_every_other_command_of_the_readme_is_one_too():
    shown = re.findall(r"`(\./evenkeel [^`…]*?)`", TEXT)
    assert len(shown) > 5
    for command in shown:
        must_be_known(re.sub(r"\b[A-Z]+\b", "intake", command))


@pytest.mark.parametrize(
    "command",
    ["./evenkeel dance", "make test", "./evenkeel demo --never", "./evenkeel parked dance"],
)
def test_a_command_that_there_is_not_is_noticed(command):
    with pytest.raises((AssertionError, WrongUsage)):
        must_be_known(command)


def test_a_block_without_its_mark_is_not_run():
    text = f"```sh\nrm -rf /\n```\n<!-- run -->\n```sh\ncd x  # there\n```\n{END_OF_FIRST_SCREEN}"
    assert BLOCK.findall(text) == ["cd x  # there\n"]
    assert commands(text) == ["cd x"]


def must_be_known(command: str) -> None:
    """A command of the shell's two words, or one whose words and options our command line takes."""
    words = shlex.split(command)
    if words[:2] in FIRST_WORDS:
        return
    assert words[0] == "./evenkeel", command
    known, rest = typer.main.get_command(cli.app), words[1:]
    while hasattr(known, "resolve_command") and rest and not rest[0].startswith("-"):
        context = known.make_context("evenkeel", list(rest))
        _, known, rest = known.resolve_command(context, rest)
        assert known is not None, command
    if "--help" not in rest:
        known.make_context("evenkeel", list(rest))
