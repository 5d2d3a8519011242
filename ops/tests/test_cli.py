import pytest
from typer.testing import CliRunner

from evenkeel_ops import cli, machine


def run(*arguments):
    return CliRunner().invoke(cli.app, list(arguments))


def test_help_names_every_command_and_what_exit_statuses_mean():
    printed = run("--help").output
    assert all(command in printed for command in cli.COMMANDS)
    assert "3 this machine lacks something" in printed


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_command_explains_itself_with_an_example(command):
    result = run(command, "--help")
    assert result.exit_code == 0
    assert "Example" in result.output


def test_wrong_usage_has_its_own_exit_status():
    assert run("no-such-command").exit_code == 2
    assert run("doctor", "--no-such-option").exit_code == 2


def test_what_the_machine_lacks_is_one_line_with_its_own_exit_status(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["evenkeel", "test", "--no-install"])
    monkeypatch.setitem(machine.FINDERS, "rabbitmq-server", lambda: None)
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 3
    assert capsys.readouterr().err == (
        "evenkeel: needs rabbitmq-server: apt install rabbitmq-server\n"
    )
