import json
import os

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


@pytest.mark.parametrize(
    "command", ["serve", "migrate", "log", "reconcile", "parked redrive --cause any"]
)
def test_an_unknown_service_is_wrong_usage_and_the_services_are_named(command):
    refused = run(*command.split(), "nosuch")
    assert refused.exit_code == 2
    assert "crisis" in refused.output


@pytest.fixture
def demo(tmp_path, monkeypatch):
    """Where a demo wrote down intake's database, and nothing is in the environment."""
    for name in [one for one in os.environ if one.endswith("DATABASE_URL")]:
        monkeypatch.delenv(name)
    url = f"sqlite:///{tmp_path}/intake.db"
    settings = {f"EVENKEEL_INTAKE_{role}_DATABASE_URL": url for role in ("OWNER", "WORK")}
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    return tmp_path


def test_a_demo_is_migrated_only_when_it_is_asked_for_and_the_database_is_named(demo):
    refused = run("migrate", "intake")
    assert str(refused.exception) == (
        "EVENKEEL_INTAKE_OWNER_DATABASE_URL is not set; --demo migrates the demo's databases"
    )
    done = run("migrate", "intake", "--demo", "--directory", str(demo))
    assert done.exit_code == 0
    assert done.output.endswith(f" in sqlite:///{demo}/intake.db\n")


def test_a_revision_that_is_not_known_is_wrong_usage(demo):
    run("migrate", "intake", "--demo", "--directory", str(demo))
    refused = run("migrate", "intake", "--directory", str(demo), "--down-to", "nosuch")
    assert refused.exit_code == 2
    assert "nosuch" in refused.output


def test_what_the_machine_lacks_is_one_line_with_its_own_exit_status(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["evenkeel", "test", "--no-install"])
    monkeypatch.setitem(machine.FINDERS, "rabbitmq-server", lambda: None)
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 3
    assert capsys.readouterr().err == (
        "evenkeel: needs rabbitmq-server: apt install rabbitmq-server\n"
    )
