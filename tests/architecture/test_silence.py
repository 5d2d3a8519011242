"""Nothing fails in silence, and no test waits by the clock."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, modules, nodes, plant, used_by_tests

EVERYTHING = ("Exception", "BaseException")

AT_A_BOUNDARY = {
    "libs/web/web/listening.py": "one connection must not end the others; it is logged as an error",
    "ops/evenkeel_ops/drills/launcher.py": "the end of a process, which says it by its status",
}
"""Where everything may be caught and only said, and why."""

SLEEPS = {
    "libs/channels/tests/builders.py": "a server that pauses between its lines",
    "libs/channels/tests/test_deadlines.py": "a server that drips its answer",
    "libs/chassis/tests/test_roads.py": "an event that the broker is to lose must have left it",
    "services/crisis/tests/test_sender.py": "a mail server that drips its answer",
}
"""Tests in which time itself must pass, and why. Elsewhere a test waits for a fact: in a loop,
under a deadline."""


def test_nobody_swallows_what_went_wrong():
    found = swallowed(ROOT)
    assert [one for one in found if one.partition(":")[0] not in AT_A_BOUNDARY] == []
    assert [file for file in AT_A_BOUNDARY if not any(one.startswith(file) for one in found)] == []


def test_no_test_sleeps_instead_of_waiting_for_a_fact():
    found = list(sleeps(ROOT))
    assert [one for one in found if one.partition(":")[0] not in SLEEPS] == []
    assert [file for file in SLEEPS if not any(one.startswith(file) for one in found)] == []


@pytest.mark.parametrize(
    "handled",
    [
        "try:\n    f()\nexcept Exception:\n    pass\n",
        "try:\n    f()\nexcept:\n    x = 1\n",
        "for x in y:\n    try:\n        f()\n    except (OSError, Exception):\n        continue\n",
        "try:\n    f()\nexcept Exception as e:\n    print(e)\n",
        "with suppress(Exception):\n    f()\n",
    ],
)
def test_a_swallowed_failure_is_noticed(tmp_path, handled):
    plant(tmp_path, "services/intake/intake/planted.py", handled)
    assert len(swallowed(tmp_path)) == 1


def test_a_failure_that_is_passed_on_or_used_is_none(tmp_path):
    told = "try:\n    f()\nexcept Exception as failure:\n    g(failure)\n    h(1)\n"
    raised = "try:\n    f()\nexcept Exception:\n    g()\n    raise\n"
    precise = "try:\n    f()\nexcept KeyError:\n    pass\n"
    plant(tmp_path, "services/intake/intake/planted.py", told + raised + precise)
    assert swallowed(tmp_path) == []


def test_a_sleep_is_noticed_and_a_deadline_is_not(tmp_path):
    waits = "while not fact():\n    eventlet.sleep(0.01)\n"
    plant(tmp_path, "tests/test_planted.py", f"time.sleep(1)\neventlet.sleep(0)\n{waits}")
    assert list(sleeps(tmp_path)) == ["tests/test_planted.py:1"]


def swallowed(root: Path) -> list[str]:
    """Handlers of everything that neither raise nor hand on what they caught."""
    return [
        f"{path.relative_to(root)}:{node.lineno}"
        for path in modules(root)
        for node in nodes(path)
        if _suppresses(node) or (isinstance(node, ast.ExceptHandler) and _swallows(node))
    ]


def sleeps(root: Path) -> Iterator[str]:
    """Calls of `sleep` in tests, but not `sleep(0)`, nor one in a loop that looks for a fact."""
    for path in used_by_tests(root):
        loops = [node for node in nodes(path) if isinstance(node, ast.While)]
        polling = {call for loop in loops for call in ast.walk(loop)}
        for node in nodes(path):
            match node:
                case ast.Call(func=ast.Attribute(attr="sleep"), args=[ast.Constant(value=0)]):
                    continue
                case ast.Call(func=ast.Attribute(attr="sleep") | ast.Name(id="sleep")):
                    if node not in polling:
                        yield f"{path.relative_to(root)}:{node.lineno}"


def _swallows(handler: ast.ExceptHandler) -> bool:
    if handler.type is not None:
        caught = {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)}
        if not caught & {*EVERYTHING}:
            return False
    body = [node for statement in handler.body for node in ast.walk(statement)]
    raises = any(isinstance(node, ast.Raise) for node in body)
    used = any(isinstance(node, ast.Name) and node.id == handler.name for node in body)
    only_said = len(handler.body) == 1 and _is_print_or_log(handler.body[0])
    return not raises and (not used or only_said)


def _is_print_or_log(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Name(id="print"))):
            return True
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id="log" | "logger")))):
            return True
    return False


def _suppresses(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Name(id="suppress") | ast.Attribute(attr="suppress"), args=args):
            return any(isinstance(a, ast.Name) and a.id in EVERYTHING for a in args)
    return False
