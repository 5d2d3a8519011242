"""Documents are generated or checked: none is stale, none points nowhere, none is missing."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from evenkeel_ops import documents
from tests.architecture.sources import ROOT, SERVICES, every_file, plant

LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)(#[^)]*)?\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
PINNED = re.compile(r"^[a-z][\w.-]*==.*(?:\n[ #].*)*", re.MULTILINE)
TEST_FILE = re.compile(r"`((?:tests|libs|services|ops)/[\w./]+\.py)`")

MAKES_A_SERVICE = (
    "README.md", "pyproject.toml", "{name}/service.py", "{name}/migrations/[0-9]*.py",
    "tests/test_*.py", "tests/builders.py",
)  # fmt: skip

REGISTRIES = re.compile(
    "|".join(
        (
            r"py" + r"pi\.(org|python\.org)",
            r"python" + r"hosted\.org",
            r"--(extra-)?index" + r"-url[ =]\S",
            r"https?://[^\s\"]+/(simple|artifactory|nexus|api/py" + r"pi)\b",
            r"registry\.np" + r"mjs\.org",
        )
    )
)
"""Where packages come from is the machine's own affair: neither lock nor code may name it."""


def test_every_generated_document_is_current():
    assert stale(ROOT, documents.documents()) == []


def test_a_stale_document_is_noticed(tmp_path):
    plant(tmp_path, "docs/a.md", "old")
    assert stale(tmp_path, {"docs/a.md": b"new", "docs/b.md": b""}) == ["docs/a.md", "docs/b.md"]


def test_every_link_leads_somewhere():
    assert [*dead_links(ROOT)] == []


def test_a_dead_link_is_noticed(tmp_path):
    plant(tmp_path, "docs/a.md", "[b](b.md) [a](a.md#here) [c](https://example.org/c.md)")
    assert [*dead_links(tmp_path)] == ["docs/a.md: b.md"]


def test_every_test_that_the_verification_page_names_is_there():
    page = (ROOT / "docs/VERIFICATION.md").read_text()
    assert len(TEST_FILE.findall(page)) > 20
    assert not_there(ROOT, page) == []


def test_a_test_that_is_only_named_is_noticed(tmp_path):
    plant(tmp_path, "tests/test_a.py", "")
    page = "| it holds | `tests/test_a.py`, `tests/test_b.py` |"
    assert not_there(tmp_path, page) == ["tests/test_b.py"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_whole(name):
    assert lacking(ROOT, name) == []


def test_a_service_without_its_parts_is_noticed(tmp_path):
    plant(tmp_path, "services/crisis/README.md", "")
    assert len(lacking(tmp_path, "crisis")) == len(MAKES_A_SERVICE) - 1


def test_no_file_names_a_package_registry():
    assert [*registries(ROOT)] == []


@pytest.mark.parametrize(
    "text",
    [
        "https://files.python" + "hosted.org/x.whl",
        "pip install --index" + "-url https://mirror.example/x",
        'url = "http://mirror.example/py' + 'pi/simple/"',
    ],
)
def test_a_package_registry_is_noticed(tmp_path, text):
    plant(tmp_path, "requirements.lock", text)
    assert [*registries(tmp_path)] == ["requirements.lock:1"]


def test_the_lock_has_a_hash_for_every_package():
    lock = (ROOT / "requirements.lock").read_text()
    assert len(PINNED.findall(lock)) > 50
    assert without_hash(lock) == []


def test_a_package_without_a_hash_is_noticed():
    lock = "a==1 \\\n    --hash=sha256:00\nb==2\n    # via a\nc==3 \\\n    --hash=sha256:11\n"
    assert without_hash(lock) == ["b==2"]


def stale(root: Path, made: Mapping[str, bytes]) -> list[str]:
    return [
        path
        for path, content in made.items()
        if not (root / path).exists() or (root / path).read_bytes() != content
    ]


def not_there(root: Path, page: str) -> list[str]:
    return [file for file in TEST_FILE.findall(page) if not (root / file).exists()]


def without_hash(lock: str) -> list[str]:
    return [one.split()[0] for one in PINNED.findall(lock) if "--hash=sha256:" not in one]


def dead_links(root: Path) -> Iterator[str]:
    """Relative links of every Markdown file to something that is not there."""
    for path in every_file(root):
        if path.suffix == ".md":
            for target, _ in LINK.findall(FENCE.sub("", path.read_text())):
                if not (path.parent / target).exists():
                    yield f"{path.relative_to(root)}: {target}"


def lacking(root: Path, name: str) -> list[str]:
    folder = root / "services" / name
    return [
        f"services/{name}/{part}"
        for part in (pattern.format(name=name) for pattern in MAKES_A_SERVICE)
        if not any(folder.glob(part))
    ]


def registries(root: Path) -> Iterator[str]:
    for path in every_file(root):
        try:
            lines = path.read_text().splitlines()
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(lines, 1):
            if REGISTRIES.search(line):
                yield f"{path.relative_to(root)}:{number}"
