"""No item is worded here without the right to do so."""

import shutil
from pathlib import Path

import pytest
import yaml

import intake
from intake.instruments import INSTRUMENTS

SHELF = Path(intake.__file__).parent / "instruments"
MAY_BE_SHOWN = ("public_domain", "free_verbatim_notice")
SAID = {"id", "status", "holder", "evidence", "notice", "verbatim"}


def worded_without_right(shelf):
    """Instruments with anything beside their licence, though their status does not allow text."""
    found = []
    for licence in sorted(shelf.glob("*/licence.yaml")):
        said = yaml.safe_load(licence.read_text())
        text = [p for p in licence.parent.rglob("*") if p.is_file() and p != licence]
        if (text or set(said) - SAID) and said["status"] not in MAY_BE_SHOWN:
            found.append(said["id"])
    return found


def test_every_instrument_has_a_licence_with_evidence():
    licences = [yaml.safe_load(p.read_text()) for p in SHELF.glob("*/licence.yaml")]
    assert {said["id"] for said in licences} == set(INSTRUMENTS)
    for said in licences:
        assert set(said) >= SAID
        assert said["evidence"]


def test_no_item_is_worded_without_the_right_to():
    assert worded_without_right(SHELF) == []


@pytest.mark.parametrize("fault", ["items.yaml", "en/items.txt"])
def test_item_text_of_an_instrument_that_must_not_be_embedded_is_caught(tmp_path, fault):
    """Planted fault: a file of items beside the licence of C-SSRS; beside GAD-7 it is allowed."""
    shelf = shutil.copytree(SHELF, tmp_path / "instruments")
    for instrument in ("cssrs", "gad7"):
        planted = shelf / instrument / fault
        planted.parent.mkdir(exist_ok=True)
        planted.write_text("q1: planted")
    assert worded_without_right(shelf) == ["C-SSRS"]


def test_item_text_inside_the_licence_file_is_caught_too(tmp_path):
    shelf = shutil.copytree(SHELF, tmp_path / "instruments")
    licence = shelf / "cssrs" / "licence.yaml"
    licence.write_text(licence.read_text() + "items: {q1: planted}\n")
    assert worded_without_right(shelf) == ["C-SSRS"]
