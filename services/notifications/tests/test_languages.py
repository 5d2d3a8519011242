"""The `.po` files say everything that messages say, with the same fields, and nothing else."""

import re
import string
from calendar import day_name, month_name
from pathlib import Path

import pytest

from notifications import languages
from notifications.discretion import said_too_much
from notifications.languages import SPANISH, entries, read, said
from notifications.templates import CANNOT_COME, TEMPLATES

SCREENS = Path(languages.__file__).parent / "screens"
ON_SCREENS = {
    text
    for screen in SCREENS.glob("*.html")
    for text in re.findall(r'say\("(.*?)"\)', screen.read_text())
}
TEXTS = {
    *ON_SCREENS, CANNOT_COME,
    *(text for one in TEMPLATES.values() for text in (one.subject, one.text)),
    *day_name, *(month for month in month_name if month), "AM", "PM",
    "{weekday}, {month} {number}",
}  # fmt: skip
"""What is said in English, and so must be sayable in every other language."""


def test_every_text_has_been_translated_and_no_translation_is_left_over():
    assert set(entries(SPANISH)) == TEXTS
    assert unlike(entries(SPANISH)) == []


def test_a_missing_field_and_one_too_many_are_noticed():
    assert unlike({"At {time}": "A las {hora}", "Yes": "Sí", "No": ""}) == ["At {time}", "No"]


def test_no_translation_says_too_much():
    texts = {*entries(SPANISH), *entries(SPANISH).values()}
    assert [text for text in texts if said_too_much(text)] == []


def test_what_a_language_lacks_is_said_in_english_and_so_is_a_language_nobody_has():
    assert said("Not translated", SPANISH) == "Not translated"
    assert said("Reminder", "fr") == said("Reminder", "en") == "Reminder"


@pytest.mark.parametrize("language", ["../es", "es/..", "", "es\n"])
def test_a_language_is_never_a_path(language):
    assert entries(language) == {}


def test_a_po_file_is_read_as_gettext_means_it():
    po = (
        '# a note\nmsgid ""\nmsgstr "Language: es\\n"\n\n#: here\nmsgid "A \\"word\\""\n'
        'msgstr ""\n"dos "\n"líneas\\n"\n\nmsgid "Last"\nmsgstr "Fin"\n'
    )
    assert read(po) == {'A "word"': "dos líneas\n", "Last": "Fin"}


def unlike(translated: dict[str, str]) -> list[str]:
    """Texts whose translation is missing or has other fields."""
    return [
        text for text, other in translated.items() if not other or fields(text) != fields(other)
    ]


def fields(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
