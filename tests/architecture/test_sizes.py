"""How big things may grow, and a table of how big they are."""

import ast
import io
import subprocess
import sys
import tokenize
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.architecture.sources import CODE, LIBRARIES, ROOMS, ROOT, modules, nodes, plant

LONGEST_MODULE = 400
LONGEST_FUNCTION = 40
CEILINGS = {
    "libs/catalogue/catalogue": 1_000,
    "libs/channels/channels": 800,
    "libs/chassis/chassis": 3_200,
    "libs/web/web": 2_600,
    **dict.fromkeys(ROOMS, 1_600),
    "services/intake/intake": 1_650,
    "services/crisis/crisis": 7_000,
    "services/notifications/notifications": 3_000,
}
"""Lines of code without blank lines, comments, docstrings and migrations. The aim is about 1,500
for the chassis and 500 to 1,500 for a service; what is larger may not grow further unnoticed.
Crisis must go on when everything else is off, so it has of its own what others share, in packages
of its own: rota, paging, board, record, plan, packet, watchdog. notifications
answers for all that is said to people, by every channel, and for what they say back. web holds,
beside its routes, all that every page needs, so that no service has it again: sign-in, forms, the
frame, the live stream."""

NOTHING = (
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
    tokenize.ENDMARKER,
)  # fmt: skip


def test_no_module_is_longer_than_400_lines():
    assert long_modules(ROOT) == []


def test_no_function_is_longer_than_40_lines():
    assert long_functions(ROOT) == []


def test_no_room_outgrows_its_ceiling():
    sizes = {room: size_of(ROOT, room) for room in CEILINGS}
    Console().print(table(sizes))
    assert [room for room, size in sizes.items() if size > CEILINGS[room]] == []


def test_nothing_is_too_complex_to_follow():
    told = ruff("--select", "C901", *CODE)
    assert told.returncode == 0, told.stdout


def test_a_long_module_and_a_long_function_are_noticed(tmp_path):
    body = "".join(f"    x = {n}\n" for n in range(LONGEST_FUNCTION))
    plant(tmp_path, "libs/web/web/long.py", f'def long():\n    """Says\n    what."""\n{body}')
    plant(tmp_path, "libs/web/web/flat.py", "x = 1\n" * (LONGEST_MODULE + 1))
    assert long_functions(tmp_path) == ["libs/web/web/long.py:1 long has 41 lines"]
    assert long_modules(tmp_path) == ["libs/web/web/flat.py has 401 lines"]
    assert size_of(tmp_path, "libs/web/web") == LONGEST_FUNCTION + 1 + LONGEST_MODULE + 1


def test_a_labyrinth_is_noticed(tmp_path):
    branches = "".join(f"    if x == {n}:\n        return {n}\n" for n in range(9))
    file = plant(tmp_path, "maze.py", f"def maze(x):\n{branches}    return x\n")
    assert "C901" in ruff("--select", "C901", str(file)).stdout


def long_modules(root: Path) -> list[str]:
    counted = {path: len(path.read_text().splitlines()) for path in modules(root)}
    return [
        f"{path.relative_to(root)} has {count} lines"
        for path, count in counted.items()
        if count > LONGEST_MODULE
    ]


def long_functions(root: Path) -> list[str]:
    """Docstrings do not count; migrations, which are lists of columns, neither."""
    return [
        f"{path.relative_to(root)}:{node.lineno} {node.name} has {length} lines"
        for path in modules(root)
        if "migrations" not in path.parts
        for node in nodes(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (length := length_of(node)) > LONGEST_FUNCTION
    ]


def length_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    lines = int(function.end_lineno or 0) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is None:
        return lines
    return lines - (int(first.end_lineno or 0) - first.lineno + 1)


def size_of(root: Path, room: str) -> int:
    """Lines of code of a room."""
    return sum(
        len(lines_of_code(path.read_text()))
        for path in modules(root, room)
        if "migrations" not in path.parts
    )


def lines_of_code(text: str) -> set[int]:
    said = {
        line
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        for line in range(node.lineno, int(node.end_lineno or 0) + 1)
    }
    read = tokenize.generate_tokens(io.StringIO(text).readline)
    spans = [(t.start[0], t.end[0]) for t in read if t.type not in NOTHING]
    return {line for first, last in spans for line in range(first, last + 1)} - said


def table(sizes: dict[str, int]) -> Table:
    lines = Table("room", "lines of code", "ceiling", box=None, pad_edge=False)
    for room, size in sizes.items():
        lines.add_row(room, str(size), str(CEILINGS[room]))
    for name, rooms in (("libraries", LIBRARIES), ("services", ROOMS)):
        lines.add_row(name, str(sum(sizes[room] for room in rooms)), "")
    return lines


def ruff(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", *arguments],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
