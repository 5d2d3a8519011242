"""What the architecture tests look at: the files of the checkout, and what Python says of them."""

import ast
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from evenkeel_ops.machine import ROOT
from evenkeel_ops.provision import SERVICES

LIBRARIES = (
    "libs/catalogue/catalogue", "libs/channels/channels", "libs/chassis/chassis", "libs/web/web",
)  # fmt: skip
ROOMS = tuple(f"services/{name}/{name}" for name in SERVICES)
OPS = "ops/evenkeel_ops"
CODE = (*LIBRARIES, *ROOMS, OPS)

__all__ = [
    "CODE", "LIBRARIES", "OPS", "ROOMS", "ROOT", "SERVICES",
    "every_file", "identifiers", "modules", "nodes", "parsed", "plant", "used_by_tests",
]  # fmt: skip

NOT_KEPT = ("__pycache__", "node_modules")
"""Folders of no file that belongs to the project; those whose name begins with a dot, too."""


def every_file(root: Path) -> Iterator[Path]:
    """Every file that somebody wrote, `.ci` included."""
    for folder, below, names in os.walk(root):
        below[:] = sorted(d for d in below if _is_kept(d))
        yield from (Path(folder) / name for name in sorted(names))


def modules(root: Path, *rooms: str) -> list[Path]:
    """The Python files of these rooms, tests left out."""
    return [path for path in _python(root, rooms or CODE) if not _is_test(path, root)]


def used_by_tests(root: Path) -> list[Path]:
    """Every Python file that only tests use."""
    found = _python(root, ("tests", "libs", "services", "ops"))
    return [path for path in found if _is_test(path, root)]


def plant(root: Path, path: str, text: str) -> Path:
    """Write a file that breaks a rule, for the rule to find."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


@cache
def parsed(path: Path) -> ast.Module:
    """The syntax tree of a file; a planted file is written before it is first read."""
    return ast.parse(path.read_text(), filename=str(path))


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Everything in a file's syntax tree."""
    return tuple(ast.walk(parsed(path)))


def identifiers(path: Path) -> Iterator[tuple[str, int]]:
    """Every name that a file gives to something or reads, with its line."""
    for node in nodes(path):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield name, node.lineno
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name, node.lineno
            case ast.ClassDef(name=name):
                yield name, node.lineno
            case ast.keyword(arg=str(name)):
                yield name, node.lineno


def _is_test(path: Path, root: Path) -> bool:
    return "tests" in path.relative_to(root).parts


def _python(root: Path, rooms: tuple[str, ...]) -> list[Path]:
    found = [path for room in rooms for path in (root / room).rglob("*.py")]
    return sorted(path for path in found if not set(path.parts) & set(NOT_KEPT))


def _is_kept(folder: str) -> bool:
    return folder == ".ci" or not (folder.startswith(".") or folder in NOT_KEPT)
