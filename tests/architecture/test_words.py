"""The clinic's words: what `docs/glossary.md` rules out does not occur, under any name."""

import ast
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import catalogue.events  # noqa: F401 - fills the registry
from catalogue.event import REGISTRY
from chassis.tables import METADATA
from tests.architecture.sources import (
    LIBRARIES,
    ROOMS,
    ROOT,
    identifiers,
    modules,
    nodes,
    plant,
)

GLOSSARY = "docs/glossary.md"
ROW = re.compile(r"^\| `(?P<word>\w+)` \| .+ \| (?P<where>code|names) \|$", re.MULTILINE)

EMPTY_NAMES = ("utils", "util", "helpers", "helper", "common", "base", "misc", "shared")
EMPTY_ENDINGS = ("Manager", "Processor", "Helper", "Utils", "Util", "Impl")

NAMED_BY_OTHERS = {"RuntimeProvider": "nameko calls what it hands to a service a provider"}
"""Names in which somebody else's word is the right one, and why."""


@dataclass(frozen=True)
class Word:
    """A word that is not ours: in `code` no name may hold it, in `names` no table or event."""

    word: str
    where: str


def test_no_name_in_the_services_holds_a_word_that_the_glossary_rules_out():
    assert foreign_words(ROOT, words_ruled_out()) == []


def test_no_event_field_or_table_holds_one():
    names = [*names_of_events(), *names_of_tables(ROOT)]
    assert [name for name in names if holds_any(name, words_ruled_out())] == []


def test_no_module_or_class_has_a_name_that_says_nothing():
    assert empty_names(ROOT) == []


def test_exceptions_are_still_needed():
    found = foreign_words(ROOT, words_ruled_out(), but=())
    assert [name for name in NAMED_BY_OTHERS if not any(name in one for one in found)] == []


@pytest.mark.parametrize(
    "planted",
    ["class Patient: ...\n", "def find(user_id): ...\n", "x.clients = 1\n", "f(provider=1)\n"],
)
def test_a_foreign_word_is_noticed(tmp_path, planted):
    plant(tmp_path, "services/intake/intake/planted.py", planted)
    assert len(foreign_words(tmp_path, words_ruled_out())) == 1


def test_a_foreign_table_a_foreign_event_and_an_empty_name_are_noticed(tmp_path):
    plant(tmp_path, "services/crisis/crisis/planted.py", 'class A:\n    __tablename__ = "alerts"\n')
    plant(tmp_path, "services/crisis/crisis/utils.py", "class CaseManager:\n    pass\n")
    assert [*names_of_tables(tmp_path)] == ["alerts"]
    assert holds_any("alerts", words_ruled_out())
    assert holds_any("evenkeel.intake.account_opened.v1", words_ruled_out())
    assert not holds_any("accountable", words_ruled_out())
    assert empty_names(tmp_path) == [
        "services/crisis/crisis/utils.py",
        "services/crisis/crisis/utils.py:1 CaseManager",
    ]


def words_ruled_out() -> list[Word]:
    """The second table of the glossary."""
    found = [Word(**m.groupdict()) for m in ROW.finditer((ROOT / GLOSSARY).read_text())]
    assert len(found) >= 10, f"{GLOSSARY} no longer has its table of words that do not occur"
    return found


def foreign_words(
    root: Path, words: list[Word], but: Collection[str] = NAMED_BY_OTHERS
) -> list[str]:
    """Names in services and catalogue that hold a word ruled out of the code."""
    in_code = [word for word in words if word.where == "code"]
    found = [
        f"{path.relative_to(root)}:{line} {name}"
        for path in modules(root, LIBRARIES[0], *ROOMS)
        for name, line in identifiers(path)
        if name not in but and holds_any(name, in_code)
    ]
    return list(dict.fromkeys(found))


def holds_any(name: str, words: list[Word]) -> list[str]:
    """Which of these words a name is made of, in the singular or plural."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    parts = {form for part in re.split(r"[^a-z0-9]+", apart) for form in (part, part.rstrip("s"))}
    return [word.word for word in words if word.word in parts]


def names_of_events() -> Iterator[str]:
    for type_, event in REGISTRY.items():
        yield from (type_, *event.__dataclass_fields__)


def names_of_tables(root: Path) -> Iterator[str]:
    yield from METADATA.tables if root == ROOT else ()
    for path in modules(root, *ROOMS):
        for node in nodes(path):
            match node:
                case ast.Assign(
                    targets=[ast.Name(id="__tablename__")], value=ast.Constant(value=name)
                ):
                    yield name


def empty_names(root: Path) -> list[str]:
    found = []
    for path in modules(root):
        file = str(path.relative_to(root))
        found += [file] if path.stem in EMPTY_NAMES or path.parent.name in EMPTY_NAMES else []
        found += [
            f"{file}:{node.lineno} {node.name}"
            for node in nodes(path)
            if isinstance(node, ast.ClassDef) and node.name.endswith(EMPTY_ENDINGS)
        ]
    return found
