"""Who may import whom: the contracts of `pyproject.toml`, and rules that need no framework."""

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.sources import CODE, ROOT, parsed, plant

PURE = (
    "scheduling.rules",
    "sessions.rules",
    "crisis.rules",
    "notifications.rules",
    "notifications.discretion",
    "notifications.languages",
    "notifications.templates",
    "intake.instruments",
    "intake.facts",
    "intake.delivery",
    "intake.level_of_care",
)
"""Modules that a clinician could review: the standard library, and one another."""

COMPARING = {"balance": "intake", "effects": "catalogue", "faults": "web", "views": "crisis"}
"""What compares the demo's ledger with the databases, and for each something it must not know."""


def test_every_import_keeps_to_the_contracts():
    told = lint(ROOT)
    assert told.returncode == 0, told.stdout


def test_every_contract_notices_what_breaks_it(tmp_path):
    copy_code(tmp_path)
    plant(tmp_path, "services/crisis/crisis/planted.py", "import intake.episode\nimport nameko\n")
    plant(tmp_path, "libs/chassis/chassis/planted.py", "import catalogue.crisis\nimport web\n")
    plant(tmp_path, "ops/evenkeel_ops/simulator/ledger.py", "import chassis.log\n")
    plant(
        tmp_path,
        "libs/channels/channels/planted.py",
        "import chassis.clock\nimport catalogue.event\n",
    )
    plant(tmp_path, "ops/evenkeel_ops/providers/carrier.py", "import channels.callbacks\n")
    for comparing, forbidden in COMPARING.items():
        path = f"ops/evenkeel_ops/simulator/{comparing}.py"
        plant(tmp_path, path, f"import {forbidden}\n")
    told = lint(tmp_path).stdout
    assert (told.count(" KEPT"), told.count(" BROKEN")) == (0, 4), told
    for wrong in (
        "crisis.planted -> intake",
        "chassis.planted -> web",
        "chassis.planted -> catalogue.crisis",
        "crisis.planted -> nameko",
        "channels.planted -> chassis",
        "channels.planted -> catalogue",
        "evenkeel_ops.simulator.ledger -> chassis",
        "evenkeel_ops.providers.carrier -> channels",
        *(f"evenkeel_ops.simulator.{one} -> {what}" for one, what in COMPARING.items()),
    ):
        assert wrong in told


def test_rules_import_the_standard_library_and_one_another():
    assert impure(ROOT) == []


def test_a_rule_that_reads_a_table_is_noticed(tmp_path):
    for module in PURE:
        plant(tmp_path, file_of(module), "from datetime import date\n")
    assert impure(tmp_path) == []
    plant(tmp_path, "services/intake/intake/facts.py", "from intake import facts, views\n")
    plant(tmp_path, "services/crisis/crisis/rules.py", "def now():\n    import sqlalchemy.orm\n")
    parsed.cache_clear()
    assert impure(tmp_path) == [
        "crisis.rules imports sqlalchemy.orm",
        "intake.facts imports intake.views",
    ]


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter on the packages that lie in a checkout."""
    folders = [str(root / room.rpartition("/")[0]) for room in CODE]
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo"],
        cwd=root,
        env={"PYTHONPATH": ":".join(folders), "COLUMNS": "200"},
        capture_output=True,
        text=True,
    )


def copy_code(root: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", root)
    for room in CODE:
        only_python = shutil.ignore_patterns("__pycache__", "*.json", "*.html", "*.css", "*.js")
        shutil.copytree(ROOT / room, root / room, ignore=only_python)


def impure(root: Path) -> list[str]:
    """Imports of pure modules that are neither the standard library nor pure themselves."""
    return [
        f"{module} imports {imported}"
        for module in sorted(PURE)
        for imported in imports_of(parsed(root / file_of(module)))
        if imported.partition(".")[0] not in sys.stdlib_module_names
        and not imported.startswith(PURE)
    ]


def imports_of(tree: ast.Module) -> Iterator[str]:
    """Dotted names of everything imported, as deep as the statement says."""
    packages = {module.partition(".")[0] for module in PURE}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module in packages:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)


def file_of(module: str) -> str:
    service, _, name = module.partition(".")
    return f"services/{service}/{service}/{name}.py"
